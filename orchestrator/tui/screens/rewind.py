"""Points to go back to: the list, what going back would change, and the question about one's own changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator.agent.point_list import NO_CHANGE, NOTHING, changes
from orchestrator.agent.points import Point
from orchestrator.agent.rewinding import Rewinding
from orchestrator.checkpoints.plan import Plan
from orchestrator.errors import OrchError
from orchestrator.terminal import one_line, visible
from orchestrator.tui.times import ago, now
from orchestrator.tui.unified import diff_rows
from orchestrator.tui.widgets.diff import DiffView
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.row_list import Cell, Column, Row, RowList

SHOWN = 200
COLUMNS = (
    Column(11),  # when
    Column(),  # the prompt
    Column(9),  # how many files
    Column(12, from_width=70),  # citation
)


@dataclass(frozen=True, slots=True)
class Way:
    """Where to go back to, and what of it: as `Rewinding.go` takes it."""

    point: Point
    files: bool = True
    conversation: bool = True
    overwrite: bool = False


class RewindScreen(ModalScreen[Way | None]):
    """Gives the way that was chosen; going it is the caller's business. Below the list stands the diff."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go(True, True)", "back to before it"),
        Binding("f", "go(True, False)", "files only"),
        Binding("c", "go(False, True)", "conversation only"),
        Binding("v", "view", "whole diff"),
        Binding("ctrl+down", "scroll(1)", "scroll", key_display="^↓"),
        Binding("ctrl+up", "scroll(-1)", "scroll back", show=False),
        Binding("escape,q", "close", "close", key_display="esc"),
    ]

    def __init__(self, rewinding: Rewinding, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__()
        self._rewinding = rewinding
        self._clock = clock
        self._points: dict[str, Point] = {}
        self._plans: dict[str, Plan] = {}
        self._diff = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go back to before …"
            yield RowList(COLUMNS, keys="fcvq")
            yield Static(id="says")
            yield DiffView()
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._list = self.query_one(RowList)
        self._list.focus()
        self.run_worker(self._load(), group="points", exclusive=True)

    async def _load(self) -> None:
        try:
            found = await asyncio.to_thread(self._rewinding.points.all, SHOWN)
        except OrchError as error:
            self._say(str(error))
            return
        self._points = {point.id: point for point in found}
        self._list.set_rows(map(self._row, found))
        if not found:
            self._say(NOTHING)

    def _row(self, point: Point) -> Row:
        at = datetime.fromtimestamp(point.at_ms / 1000, UTC).isoformat()
        count = len(point.files)
        files = "" if not count else "1 file" if count == 1 else f"{count} files"
        return Row(
            point.id,
            (
                Cell(ago(at, self._clock()), "dim"),
                Cell(point.title),
                Cell(files, "$text-accent" if count else "dim"),
                Cell(point.name, "dim"),
            ),
            tip=", ".join(point.files),
        )

    def on_option_list_option_highlighted(self) -> None:
        self.run_worker(self._preview(), group="plan", exclusive=True)

    def on_option_list_option_selected(self) -> None:
        self.action_go(True, True)

    async def _preview(self) -> None:
        if (point := self._current()) is None:
            return
        try:
            if (wanted := self._plans.get(point.id)) is None:
                wanted = await asyncio.to_thread(self._rewinding.plan, point)
            said = await asyncio.to_thread(changes, self._rewinding.points.store, wanted)
        except OrchError as error:
            self._say(str(error))
            return
        self._plans[point.id] = wanted
        self._diff = "" if said == NO_CHANGE else visible(said)
        self._say(_about(wanted))
        self.query_one(DiffView).show(diff_rows(self._diff))

    def _current(self) -> Point | None:
        return self._points.get(self._list.current or "")

    def action_go(self, files: bool, conversation: bool) -> None:
        point = self._current()
        if point is None or (wanted := self._plans.get(point.id)) is None:
            return  # nothing is listed, or nobody has seen yet what it would change
        if point.record is None and not files:
            self._say("Only files changed there.")
            return
        mine = [step.path for step in wanted.kept if step.possible]
        if not (files and mine):
            self.dismiss(Way(point, files, conversation))
            return

        def answered(overwrite: bool | None) -> None:
            if overwrite is not None:
                self.dismiss(Way(point, files, conversation, overwrite))

        self.app.push_screen(OverwriteScreen(mine), answered)

    def action_view(self) -> None:
        from orchestrator.tui.screens.view import ViewScreen

        if (point := self._current()) is not None and self._diff:
            self.app.push_screen(ViewScreen(point.title, diff_rows(self._diff)))

    def action_scroll(self, direction: int) -> None:
        body = self.query_one(DiffView)
        body.scroll_relative(y=direction * max(body.size.height // 2, 1), animate=False)

    def action_close(self) -> None:
        self.dismiss(None)

    def _say(self, text: str) -> None:
        for found in self.query("#says").results(Static):  # none once the screen is closed
            found.update(Content(one_line(text, 500)), layout=False)


class OverwriteScreen(ModalScreen[bool | None]):
    """Whether files that the person changed since are to be put back, too; None: do nothing at all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "overwrite them"),
        Binding("n", "answer(False)", "leave them, restore the others"),
        Binding("escape", "dismiss(None)", "do nothing", key_display="esc"),
    ]

    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        named = ", ".join(paths[:8]) + (f" and {len(paths) - 8} more" if len(paths) > 8 else "")
        self._question = one_line(f"Changed since, and not by a tool: {named}", 300)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            yield Static(Content("What is overwritten is kept, and can be brought back."), classes="detail")
            yield KeyHints(self.BINDINGS)

    def action_answer(self, overwrite: bool) -> None:
        self.dismiss(overwrite)


def _about(wanted: Plan) -> str:
    """`restores a.py, b.py; asks about c.txt; leaves d.bin (it was too large to be kept)`."""
    asked = [step.path for step in wanted.kept if step.possible]
    never = [f"{step.path} ({step.why})" for step in wanted.kept if not step.possible]
    parts = [("restores", [step.path for step in wanted.steps]), ("asks about", asked), ("leaves", never)]
    return "; ".join(f"{what} {', '.join(paths)}" for what, paths in parts if paths) or NO_CHANGE
