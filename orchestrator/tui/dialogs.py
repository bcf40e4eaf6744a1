"""The screens that open over the main one, and what choosing something in them leads to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line, visible
from orchestrator.tui import commands
from orchestrator.tui.chat_items import Aside, of_records
from orchestrator.tui.node import Node, ProjectRow

if TYPE_CHECKING:
    from orchestrator.agent.session import Session
    from orchestrator.tools.jobs import Job
    from orchestrator.tui.app import OrchApp
    from orchestrator.tui.run_desk import RunDesk
    from orchestrator.tui.screens.rewind import Way
    from orchestrator.tui.screens.sessions import SessionChoice
    from orchestrator.types import Handover

NAMES = (
    "help",
    "workspace",
    "sessions",
    "models",
    "first_run",
    "handoff",
    "jobs",
    "rewind",
    "runs",
    "hand_back",
)
"""What `open` takes."""


class Dialogs:
    """Opens screens for the app; each is imported when it is first wanted."""

    def __init__(self, app: OrchApp, node: Node) -> None:
        self._app = app
        self._node = node
        self._runs: RunDesk | None = None

    def open(self, name: str, text: str = "") -> None:
        """One of `NAMES`, or "run" with `text` for a goal. Raises `OrchError`s."""
        if name == "run":
            self.runs.start(text)
            return
        {
            "help": self._help,
            "workspace": self._workspace,
            "sessions": self._sessions,
            "models": self._models,
            "first_run": self._first_run,
            "handoff": self._handoff,
            "jobs": self._jobs,
            "rewind": self._rewind,
            "runs": self._list_runs,
            "hand_back": self._hand_back,
        }[name]()

    def _help(self) -> None:
        from orchestrator.tui.screens.help import HelpScreen

        self._app.push_screen(HelpScreen(commands.listing()))

    # --- projects and sessions --------------------------------------------------------------

    def _workspace(self) -> None:
        from orchestrator.tui.screens.workspaces import WorkspaceScreen

        self._app.push_screen(WorkspaceScreen(self._node, self._app.project), self.switch)

    async def switch(self, row: ProjectRow | None) -> None:
        """Open a session in another project; the one that is open is closed and written."""
        if row is not None and row.root != self._app.wish.project:
            await self._app.main.clear()
            self._app.open(replace(self._app.wish, project=row.root))

    def _sessions(self) -> None:
        from orchestrator.tui.screens.sessions import SessionsScreen

        if self._app.project:
            opened = self._app.conductor.opened
            current = opened.session.id if opened else ""
            self._app.push_screen(SessionsScreen(self._node, self._app.project, current), self._resume)

    async def _resume(self, choice: SessionChoice | None) -> None:
        """Show an earlier session's words; going on means a fresh instance that reads the documents."""
        if choice is None:
            return
        main = self._app.main
        try:
            records = await asyncio.to_thread(self._node.transcript, choice.session)
        except OrchError as error:
            await main.chat.say(Aside(str(error), "error"))
            return
        await main.chat.load(of_records(records))
        main.trace.restore(records)
        if choice.read_only:
            await main.chat.say(Aside("This is how it was. What you write goes to the session that is open."))
        else:
            await main.chat.say(Aside("A fresh instance takes over from the documents."))
            self._app.fresh()

    def _handoff(self) -> None:
        """Begin the command; what it is for is the person's to say. Text in the prompt is not touched."""
        if not self._app.main.prompt.text:
            self._app.main.prompt.begin("/handoff")

    # --- what commands do, and did ------------------------------------------------------------

    def _jobs(self) -> None:
        from orchestrator.tui.screens.jobs import JobsScreen

        if opened := self._app.conductor.opened:
            self._app.push_screen(JobsScreen(opened.session.jobs.all))

    def _rewind(self) -> None:
        from orchestrator.tui.screens.rewind import RewindScreen

        if not (opened := self._app.conductor.opened):
            return
        if opened.session.busy:
            self._app.notify("The model is at work. Stop it first, then go back.", severity="warning")
            return
        self._app.push_screen(RewindScreen(opened.session.rewinding), self._go_back)

    async def _go_back(self, way: Way | None) -> None:
        opened = self._app.conductor.opened
        if way is None or opened is None:
            return
        try:
            went = await asyncio.to_thread(
                opened.session.rewinding.go,
                way.point,
                files=way.files,
                conversation=way.conversation,
                overwrite=way.overwrite,
            )
        except OrchError as error:
            await self._app.main.chat.say(Aside(str(error), "error"))
            return
        await self.went_back(went.told(), way.point.prompt if went.turns else "")

    async def went_back(self, text: str, prompt: str) -> None:
        """Files and conversation are as before `prompt`, which may be said otherwise now."""
        await self._app.main.chat.say(Aside(text))
        self._app.main.prompt.put_before([prompt] if prompt else [])
        self._app.main.recorded()
        self._app.git()

    def hear(self, session: Session) -> None:
        """Tell at once when a background job of this session ends."""
        app, loop = self._app, asyncio.get_running_loop()

        def told(job: Job) -> None:
            if job.state in ("ended", "failed") and app.is_running:
                text = one_line(f"Job {job.number} ({job.command}) {job.told()}", 200)
                severity: Literal["information", "warning"] = "warning" if job.exit_code else "information"
                loop.call_soon_threadsafe(lambda: app.notify(text, severity=severity, markup=False))
                loop.call_soon_threadsafe(app.main.recorded)

        session.jobs.listen(told)

    async def review(self, handover: Handover) -> Handover | None:
        """What survives a rollover, as the person wants it: the session's `Reviewer`."""
        from orchestrator.tui.screens.handover import HandoverScreen

        screen = HandoverScreen(handover, self._app.main.prompt.area.insert)
        answer: asyncio.Future[Handover | None] = asyncio.get_running_loop().create_future()

        def chosen(kept: Handover | None) -> None:
            if not answer.done():
                answer.set_result(kept)

        self._app.push_screen(screen, chosen)
        try:
            return await answer
        finally:
            if screen.is_current:  # interrupted
                self._app.pop_screen()

    async def record(self, citation: str) -> None:
        """One record in full."""
        from orchestrator.tui.screens.record import RecordScreen

        try:
            self._app.push_screen(RecordScreen(await asyncio.to_thread(self._node.record, citation)))
        except OrchError as error:
            self._app.notify(str(error), severity="warning", markup=False)

    # --- autonomous runs --------------------------------------------------------------------

    @property
    def runs(self) -> RunDesk:
        """Made when it is first wanted: the first frame does without."""
        if self._runs is None:
            from orchestrator.tui.run_desk import RunDesk

            self._runs = RunDesk(self._app, self._node.runs)
        return self._runs

    def _list_runs(self) -> None:
        self.runs.list()

    def _hand_back(self) -> None:
        self._app.run_worker(self.runs.hand_back(), group="take")

    async def close(self) -> None:
        """The app has ended: a run that it plays is paused."""
        if self._runs is not None:
            await self._runs.player.close()

    # --- models -----------------------------------------------------------------------------

    def _models(self) -> None:
        from orchestrator.tui.screens.first_run import ModelScreen

        def chosen(model: str | None) -> None:
            if model:
                self._app.fresh(model)

        self._app.push_screen(ModelScreen(self._node), chosen)

    def _first_run(self) -> None:
        from orchestrator.tui.screens.first_run import FirstRunScreen

        async def chosen(model: str | None) -> None:
            if model:
                await asyncio.to_thread(self._node.prefer_model, model)
                self._app.fresh(model)

        self._app.push_screen(FirstRunScreen(self._node), chosen)

    # --- texts ------------------------------------------------------------------------------

    def view(self, title: str, text: str) -> None:
        """A text to read, on the whole screen."""
        from orchestrator.tui.screens.view import ViewScreen
        from orchestrator.tui.unified import text_rows

        self._app.push_screen(ViewScreen(title, text_rows(visible(text))))
