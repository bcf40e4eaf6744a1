"""The runs of a project, to open one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.run_node import RunsNode, RunView
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.times import absolute, ago, now
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.row_list import Cell, Column, Row
from orchestrator.tui.widgets.search_list import SearchList

COLUMNS = (
    Column(9),  # id
    Column(11),  # began
    Column(),  # goal
    Column(9, from_width=80),  # steps
    Column(18),  # standing
)
EVERY_S = 2.0
"""Between two looks at runs that another process may play."""
NONE = "No run yet. /run GOAL --check COMMAND starts one."


class RunsScreen(Dialog[str | None]):
    """Gives the id of the chosen run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("escape", "back", "close", key_display="esc"),
    ]

    def __init__(self, node: RunsNode, project: Path, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__()
        self._node = node
        self._project = project
        self._clock = clock
        self._runs: dict[str, RunView] = {}
        self._loading = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Runs"
            yield SearchList(COLUMNS, placeholder="/ or type to search goals")
            yield Static(id="says")
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._list = self.query_one(SearchList)
        self._load()
        self.set_interval(EVERY_S, self._load)

    def _load(self) -> None:
        if not self._loading:
            self._loading = True
            self.run_worker(self._ask(), group="runs")

    async def _ask(self) -> None:
        try:
            found = await asyncio.to_thread(self._node.all, self._project)
        except OrchError as error:
            self._say(str(error))
            return
        finally:
            self._loading = False
        runs = {view.state.run: view for view in found}
        if runs != self._runs or not runs:
            self._runs = runs
            self._show()

    @on(SearchList.Searched)
    def _show(self) -> None:
        words = self._list.text.casefold().split()
        goals = {run: view.state.plan.goal.casefold() for run, view in self._runs.items()}
        rows = [
            _row(v, self._clock()) for v in self._runs.values() if all(w in goals[v.state.run] for w in words)
        ]
        self._list.set_rows(rows)
        if not rows:
            self._say("No goal has these words." if self._runs else NONE)

    @on(SearchList.Moved)
    def _moved(self, event: SearchList.Moved) -> None:
        state = self._runs[event.id].state
        at = absolute(state.facts.began, self._clock())
        check = f"check `{state.plan.check}`" if state.plan.check else "no check"
        self._say(" · ".join((state.facts.branch, at, check)))

    def _say(self, text: str) -> None:
        for found in self.query("#says").results(Static):  # none once the screen is closed
            found.update(Content(one_line(text, 500)), layout=False)

    @on(SearchList.Chosen)
    def action_choose(self) -> None:
        if (current := self._list.rows.current) is not None:
            self.dismiss(current)

    def action_search(self) -> None:
        self._list.search()

    def action_back(self) -> None:
        if not self._list.back():
            self.dismiss(None)


def _row(view: RunView, at: datetime) -> Row:
    state = view.state
    steps = f"{state.spent.steps} of {state.plan.budget.steps}"
    standing = Cell(view.standing, "bold" if view.alive else "" if state.ending else "dim")
    cells = (Cell(view.id, "dim"), Cell(ago(state.facts.began, at), "dim"), Cell(state.plan.goal))
    tip = f"{state.facts.branch}, {absolute(state.facts.began, at)}"
    return Row(state.run, (*cells, Cell(steps, "dim"), standing), tip=tip)
