"""One run: its goal, plan and checks as they come, and what a person may do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from orchestrator.autonomy.plan import render
from orchestrator.errors import OrchError
from orchestrator.terminal import one_line, visible
from orchestrator.tui import run_text
from orchestrator.tui.run_log import LogLines
from orchestrator.tui.run_node import RunView
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.unified import diff_rows
from orchestrator.tui.widgets.findable import FindableList
from orchestrator.tui.widgets.key_hints import KeyHints

if TYPE_CHECKING:
    from orchestrator.tui.run_desk import RunDesk

EVERY_S = 1.0
"""Between two looks at where the run stands."""
WIDE = 110
"""Columns from which plan and log stand side by side."""


class RunScreen(Dialog[None]):
    """Shows the run as the record has it, and its events where this process plays it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "ask('pause')", "pause"),
        Binding("s", "ask('stop')", "stop"),
        Binding("r", "resume", "resume"),
        Binding("h", "hand_back", "hand back"),
        Binding("e", "edit", "edit plan"),
        Binding("t", "take_over", "take over"),
        Binding("d", "diff", "diff, apply"),
        Binding("x", "discard", "discard"),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, desk: RunDesk, project: Path, run: str) -> None:
        """`run` is the whole id, `project` the folder that it was started from."""
        super().__init__()
        self._desk = desk
        self._project = project
        self._run = run
        self._view: RunView | None = None
        self._log = LogLines("Reading …")
        self._told = 0
        self._looking = False
        self._plan = Static(id="run-plan")
        self._head = Static(id="run-head")
        self._says = Static("", id="says", markup=False)
        self._keys = KeyHints(self.BINDINGS)
        self._lines = FindableList(self._log, id="run-log")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Run {self._run[:8]}")
            yield self._head
            with Vertical(id="run-body"):
                with VerticalScroll(can_focus=False):
                    yield self._plan
                yield self._lines
            yield self._says
            yield self._keys

    def on_mount(self) -> None:
        self._lines.focus()
        self._keys.only(("back",))
        self.heard()
        self.look()
        self.set_interval(EVERY_S, self.look)

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    # --- what is shown ----------------------------------------------------------------------

    def look(self) -> None:
        """Look where it stands now; one look at a time, for a slow disk is not made quicker by more."""
        if not self._looking:
            self._looking = True
            self.run_worker(self._look(), group="run")

    async def _look(self) -> None:
        try:
            await self._read()
        finally:
            self._looking = False

    async def _read(self) -> None:
        runs, here = self._desk.node, self._desk.player.run == self._run
        try:
            view = await asyncio.to_thread(runs.read, self._project, self._run)
            if not here and view != self._view:
                self._report(await asyncio.to_thread(runs.report, self._project, self._run))
        except OrchError as error:
            self._say(str(error))
            return
        self._view = view
        self._draw(view)

    def _draw(self, view: RunView) -> None:
        if not self.is_running:
            return
        player = self._desk.player
        doing = player.doing if player.run == self._run else ""
        self._head.update(run_text.head(view, doing))
        self._plan.update(run_text.plan(view))
        self._keys.only(self._possible(view))
        dialog = self.query_one(".dialog")
        dialog.border_subtitle = Content(f"{view.state.facts.branch} from {view.state.facts.into}")

    def heard(self) -> None:
        """Something has happened in the run that is played here."""
        log = self._desk.player.log
        if self._desk.player.run != self._run or not self.is_running:
            return
        if log is not self._log:
            self._log, self._told = log, len(log)
            self._lines.list.show(log, follow=True)
        elif len(log) > self._told:
            self._lines.list.changed(self._told)
            self._told = len(log)
        if self._view:
            self._draw(self._view)

    def _report(self, text: str) -> None:
        """What is told of a run that is not played here; its head and plan stand here already."""
        self._log = LogLines()
        plan = False
        for row in text.split("\n")[4:]:
            plan = row == "## Plan" if row.startswith("## ") else plan
            if not plan:
                self._log.add(row.removeprefix("## "), "strong" if row.startswith("## ") else "")
        self._lines.list.show(self._log, follow=False)

    def _say(self, text: str) -> None:
        if self.is_running:
            self._says.update(one_line(text, 500))

    # --- what a person may do ---------------------------------------------------------------

    def _possible(self, view: RunView) -> set[str]:
        if not view.here:
            return {"back"}
        if view.alive:
            return {"ask", "edit", "take_over", "diff", "back"}
        back = {"hand_back"} if self._desk.taken == self._run else {"take_over"}
        going = set() if view.state.phase == "applied" else {"resume", "edit", *back}
        return {"diff", "discard", "back", *going}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the run's state allows."""
        known = {one.action.partition("(")[0] for one in self.BINDINGS if isinstance(one, Binding)}
        return action not in known - {"back"} or bool(self._view and action in self._possible(self._view))

    def _do(self, what: str, act: Callable[[], object]) -> None:
        """Act in a thread; an error is one line, and success is told in the words given."""

        async def work() -> None:
            try:
                said = await asyncio.to_thread(act)
            except OrchError as error:
                self._say(str(error))
            else:
                self._say(str(said) if isinstance(said, str) else what)
            self.look()

        self.run_worker(work(), group="act")

    def action_ask(self, wanted: str) -> None:
        asked = "stop" if wanted == "stop" else "pause"
        said = f"It will {asked} at its next safe point."
        self._do(
            said,
            lambda: self._desk.node.ask(self._project, self._run, "stop" if wanted == "stop" else "pause"),
        )

    def action_resume(self) -> None:
        try:
            self._desk.resume(self._project, self._run)
        except OrchError as error:
            self._say(str(error))
        else:
            self._say("It goes on here.")
            self.heard()

    def action_edit(self) -> None:
        from orchestrator.tui.screens.edit import PlanScreen

        def written(text: str | None) -> None:
            if text is not None:
                self._do(
                    "The plan is as you wrote it.",
                    lambda: self._desk.node.edit(self._project, self._run, text),
                )

        if self._view:
            text = visible(render(self._view.state.plan))
            self.app.push_screen(PlanScreen("Plan", f"run {self._run[:8]}", text), written)

    def action_take_over(self) -> None:
        if self._view:
            self._say("Pausing; then its tree is the project …")
            self.app.run_worker(self._desk.take_over(self._view, self._project), group="take")

    def action_hand_back(self) -> None:
        self.app.run_worker(self._desk.hand_back(), group="take")

    def action_diff(self) -> None:
        self.run_worker(self._diff(), exclusive=True, group="diff")

    async def _diff(self) -> None:
        from orchestrator.tui.screens.apply import ApplyScreen

        try:
            diff = await asyncio.to_thread(self._desk.node.diff, self._project, self._run)
        except OrchError as error:
            self._say(str(error))
            return
        view = self._view
        if not diff.strip() or view is None:
            self._say("It has changed nothing.")
            return
        into = "" if view.alive or view.state.phase == "applied" else view.state.facts.into or "your branch"

        def answered(yes: bool | None) -> None:
            if yes:
                self._do("Applied.", lambda: self._desk.node.apply(self._project, self._run))

        self.app.push_screen(ApplyScreen(f"Run {self._run[:8]}", diff_rows(visible(diff)), into), answered)

    def action_discard(self) -> None:
        from orchestrator.tui.screens.question import QuestionScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._discard(), group="act")

        detail = "Its branch and worktree go, with every commit that is not merged. What it learned stays."
        self.app.push_screen(QuestionScreen(f"Discard run {self._run[:8]}?", detail), answered)

    async def _discard(self) -> None:
        try:
            await asyncio.to_thread(self._desk.node.discard, self._project, self._run)
        except OrchError as error:
            self._say(str(error))
        else:
            self.dismiss()

    def action_back(self) -> None:
        self.dismiss()
