"""The app: it wires the conductor to the main screen, and keys to what they do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from orchestrator.agent.slash import Fresh, Leave, Said, handle
from orchestrator.errors import OrchError
from orchestrator.terminal import visible
from orchestrator.tui import commands, keys
from orchestrator.tui.chat_items import Aside, of_records
from orchestrator.tui.chat_items import Said as Spoken
from orchestrator.tui.conductor import Conductor, Failed, Happening, SessionOpened
from orchestrator.tui.node import LoggedRecord, Node, ProjectRow, Wish
from orchestrator.tui.screens.main import MainScreen, now
from orchestrator.tui.widgets.approval import TuiApprover
from orchestrator.tui.widgets.prompt import Prompt
from orchestrator.tui.widgets.status import StatusLine
from orchestrator.tui.widgets.trace import TracePane
from orchestrator.tui.widgets.xray import XrayPane
from orchestrator.types import Answer, Kind, Mode, ToolResultEvent

LEAVE_WITHIN_S = 2.0
THEMES = {"dark": "textual-dark", "light": "textual-light", "terminal": "ansi-dark"}
STYLES = Path(__file__).parent / "styles"


class OrchApp(App[None]):
    """`conductor` outlives the screen: whoever runs the app closes it afterwards.

    `defect` is the exception that ended the app, if one did; it is not shown here.
    """

    CSS_PATH: ClassVar = sorted(STYLES.glob("*.tcss"))
    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings())
    TITLE = "orch"

    def __init__(self, node: Node, wish: Wish, *, theme: str = "dark") -> None:
        super().__init__()
        self._node = node
        self._project = ""
        self._left_at = -LEAVE_WITHIN_S
        self.defect: Exception | None = None
        self.theme = THEMES[theme]
        self.main = MainScreen(self._fetch)
        self._wish = replace(wish, terminal=self.main.terminal.window_size)
        self.conductor = Conductor(node, TuiApprover(self.main.approval), self._show)

    def on_mount(self) -> None:
        self.push_screen(self.main)
        # The first frame comes before the model, the journal and git.
        self.call_after_refresh(self._open, self._wish)

    # --- sessions ---------------------------------------------------------------------------

    def _open(self, wish: Wish) -> None:
        self._wish = wish
        root = wish.project.expanduser().absolute()
        self.main.of_project(root.name or str(root), root)
        self.conductor.open(wish)

    def _show(self, happening: Happening) -> None:
        self.main.show(happening)
        match happening:
            case SessionOpened():
                opened = happening.opened
                self._project = opened.project
                self._wish = replace(self._wish, project=opened.root)
                self._look_at_git()
            case Answer() | ToolResultEvent():
                self._look_at_git()
            case Failed(needs_model=True):
                self.call_later(self._first_run)
            case _:
                pass

    def _look_at_git(self) -> None:
        self.run_worker(self._git(), group="git", exclusive=True, exit_on_error=False)

    async def _git(self) -> None:
        self.main.git(await asyncio.to_thread(self._node.git_state, self._wish.project))

    def _fetch(
        self, after: int, kinds: Sequence[Kind], limit: int, *, before: int | None = None
    ) -> list[LoggedRecord]:
        """Records for the memory log; called in a thread."""
        if not self._project:
            return []
        return self._node.records_after(after, project=self._project, kinds=kinds, limit=limit, before=before)

    # --- the prompt -------------------------------------------------------------------------

    async def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        text = event.text
        if text.startswith("!"):
            self._run_own(text[1:].strip())
        elif text.startswith("/"):
            await self._command(text)
        elif text.strip():
            await self.main.say(Spoken("you", text, now()))
            self.conductor.submit(text)

    async def _command(self, line: str) -> None:
        try:
            commands.check(line)
            if action := commands.action(line):
                await self.run_action(action)
                return
            if self.conductor.opened is None:
                await self.main.say(Aside("No session is open yet.", "warning"))
                return
            session = self.conductor.opened.session
            outcome = handle(line, session)
            match outcome:
                case Said():
                    await self.main.say(Aside(outcome.text))
                    self.main.mode(session.gate.mode)
                    self.main.recorded()
                case Leave():
                    self.exit()
                case Fresh():
                    if outcome.model:
                        await asyncio.to_thread(self._node.check_model, outcome.model)
                    self._fresh(outcome.model)
        except OrchError as error:
            await self.main.say(Aside(str(error), "error"))

    def _run_own(self, command: str) -> None:
        self.main.open_place("terminal")
        if command:
            self.main.terminal.run(command, self._wish.project, dict(os.environ))

    def _fresh(self, model: str | None = None) -> None:
        mode = self.conductor.opened.session.gate.mode if self.conductor.opened else self._wish.mode
        self._open(replace(self._wish, model=model or self._wish.model, mode=mode))

    # --- keys -------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: everything that has a key, and the rest of the app's commands."""
        for key in keys.KEYS:
            yield SystemCommand(key.help, key.keys, partial(self.run_action, key.action))
        for name, (text, action) in commands.ACTIONS.items():
            if action not in {key.action for key in keys.KEYS}:
                yield SystemCommand(text.capitalize(), f"/{name}", partial(self.run_action, action))

    def action_help(self) -> None:
        from orchestrator.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(commands.listing()))

    def action_pane(self, name: str) -> None:
        self.main.toggle(name)

    def action_answer(self) -> None:
        self.main.approval.focus()

    def action_focus_prompt(self) -> None:
        self.main.prompt.focus()

    async def action_back(self) -> None:
        """One step: close a place, else go to the prompt, else stop the model, else take prompts back."""
        if self.main.side.opened:
            self.main.toggle(self.main.side.opened)
        elif self.conductor.interrupt():
            if waiting := self.conductor.take_back():
                self.main.prompt.load("\n".join(waiting))
        else:
            self.main.prompt.focus()

    def action_leave(self) -> None:
        if monotonic() - self._left_at < LEAVE_WITHIN_S:
            self.exit()
            return
        self._left_at = monotonic()
        self.conductor.interrupt()
        self.notify("Ctrl+C again leaves; the session is written.", timeout=LEAVE_WITHIN_S)

    def action_next_mode(self) -> None:
        if self.conductor.opened:
            gate = self.conductor.opened.session.gate
            modes = list(Mode)
            gate.mode = modes[(modes.index(gate.mode) + 1) % len(modes)]
            self.main.mode(gate.mode)

    def action_next_theme(self) -> None:
        names = list(THEMES.values())
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_new_session(self) -> None:
        self._fresh()

    def action_copy_answer(self) -> None:
        text = self.main.chat.last_answer()
        if text:
            self.copy_to_clipboard(text)
        self.notify("Copied." if text else "There is no answer yet.")

    def action_workspace(self) -> None:
        from orchestrator.tui.screens.workspaces import WorkspaceScreen

        self.push_screen(WorkspaceScreen(self._node, self._project), self._switch)

    async def _switch(self, row: ProjectRow | None) -> None:
        if row is None or row.root == self._wish.project:
            return
        await self.main.clear()
        self._open(replace(self._wish, project=row.root))

    def action_sessions(self) -> None:
        from orchestrator.tui.screens.sessions import SessionChoice, SessionsScreen

        async def chosen(choice: SessionChoice | None) -> None:
            if choice is not None:
                await self._resume(choice.session, read_only=choice.read_only)

        if self._project:
            opened = self.conductor.opened
            current = opened.session.id if opened else ""
            self.push_screen(SessionsScreen(self._node, self._project, current), chosen)

    async def _resume(self, session: str, *, read_only: bool) -> None:
        """Show an earlier session's words; going on means a fresh instance that reads the documents."""
        records = await asyncio.to_thread(self._node.transcript, session)
        await self.main.chat.load(of_records(records))
        self.main.trace.restore(records)
        if read_only:
            await self.main.say(Aside("This is how it was. What you write goes to the session that is open."))
        else:
            await self.main.say(Aside("A fresh instance takes over from the documents."))
            self._fresh()

    def action_models(self) -> None:
        from orchestrator.tui.screens.first_run import ModelScreen

        self.push_screen(ModelScreen(self._node), self._use)

    def _first_run(self) -> None:
        from orchestrator.tui.screens.first_run import FirstRunScreen

        async def chosen(model: str | None) -> None:
            if model:
                await asyncio.to_thread(self._node.prefer_model, model)
                self._fresh(model)

        self.push_screen(FirstRunScreen(self._node), chosen)

    def _use(self, model: str | None) -> None:
        if model:
            self._fresh(model)

    def on_xray_pane_open(self, event: XrayPane.Open) -> None:
        """The part's text, as the model reads it."""
        if self.conductor.opened:
            self._view(event.part.name, self.conductor.opened.session.text_of(event.part))

    async def on_trace_pane_open_record(self, event: TracePane.OpenRecord) -> None:
        from orchestrator.tui.screens.record import RecordScreen

        try:
            self.push_screen(RecordScreen(await asyncio.to_thread(self._node.record, event.citation)))
        except OrchError as error:
            self.notify(str(error), severity="warning", markup=False)

    def on_trace_pane_stop(self, event: TracePane.Stop) -> None:
        self.conductor.interrupt()

    def _view(self, title: str, text: str) -> None:
        from orchestrator.tui.screens.view import ViewScreen
        from orchestrator.tui.unified import text_rows

        self.push_screen(ViewScreen(title, text_rows(visible(text))))

    def on_status_line_project_clicked(self, event: StatusLine.ProjectClicked) -> None:
        self.action_workspace()

    # --- the end ----------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A defect of ours ends the app without a traceback: the command line keeps its details."""
        if self.defect is None:
            self.defect = error
        self._return_code = 1
        if self._exception is None:  # for Pilot tests
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()
