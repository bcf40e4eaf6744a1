"""Earlier sessions of a project: list, search, read, go on from one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.node import Node, SessionRow
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.times import absolute, ago, now
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.row_list import Cell, Column, Row
from orchestrator.tui.widgets.search_list import SearchList
from orchestrator.tui.widgets.transcript import transcript

PAGE = 200
PAUSE_S = 0.15
"""After the last key of a search, and after the last move to another session."""

COLUMNS = (
    Column(11),  # started
    Column(),  # first prompt
    Column(11, from_width=64),  # prompts
    Column(18, from_width=96),  # model
    Column(11),  # how it ended
)


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """The id of a session; `read_only` to look at it, else to go on from where it stopped."""

    session: str
    read_only: bool = False


class SessionsScreen(Dialog[SessionChoice | None]):
    """Gives the chosen session; showing it, and starting a fresh instance, is the caller's business.

    `current` is the id of the session that is open. On wide screens the words of the highlighted
    session stand beside the list.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "go on"),
        Binding("o", "read", "read only"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("ctrl+down", "scroll(1)", "scroll text", key_display="^↓"),
        Binding("ctrl+up", "scroll(-1)", "scroll back", show=False),
        Binding("escape", "back", "close", key_display="esc"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 -- as its base declares it

    def __init__(
        self,
        node: Node,
        project: str,
        current: str = "",
        *,
        clock: Callable[[], datetime] = now,
        pause_s: float = PAUSE_S,
    ) -> None:
        super().__init__()
        self._node = node
        self._project = project
        self._current = current
        self._clock = clock
        self._pause_s = pause_s
        self._limit = PAGE
        self._sessions: dict[str, SessionRow] = {}
        self._soon: dict[str, Timer] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sessions"
            with Horizontal():
                yield SearchList(
                    COLUMNS, placeholder="/ to search prompts and answers", typing=False, keys="o"
                )
                with VerticalScroll(can_focus=False):
                    yield Static(id="words")
            yield Static(id="says")
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._list = self.query_one(SearchList)
        self._load()

    # --- rows -------------------------------------------------------------------------------

    def _load(self) -> None:
        self.run_worker(self._ask(self._list.text, self._limit), exclusive=True, group="sessions")

    async def _ask(self, search: str, limit: int) -> None:
        try:
            found = await asyncio.to_thread(self._node.sessions, self._project, search=search, limit=limit)
        except OrchError as error:
            self._say(str(error))
            return
        self._sessions = {row.id: row for row in found}
        self._list.set_rows(map(self._row, found))
        if not found:
            self._words(Content())
            self._say("No session says that." if search else "No session yet in this project.")

    def _row(self, session: SessionRow) -> Row:
        at = self._clock()
        ended = "this one" if session.id == self._current else session.ended or "running"
        return Row(
            session.id,
            (
                Cell(ago(session.started, at), "dim"),
                Cell(session.title or "(nothing was asked)", "" if session.title else "dim"),
                Cell(_counted(session.prompts), "dim"),
                Cell(session.model, "dim"),
                Cell(ended, "" if ended in ("running", "this one") else "dim"),
            ),
            tip=f"{session.citation}, {absolute(session.started, at)}",
        )

    @on(SearchList.Searched)
    def _searched(self) -> None:
        self._limit = PAGE
        self._after_a_pause("search", self._load)

    @on(SearchList.Moved)
    def _moved(self, event: SearchList.Moved) -> None:
        session = self._sessions[event.id]
        at = absolute(session.started, self._clock())
        facts = (session.citation, at, session.model, _counted(session.prompts), session.ended or "running")
        self._say(" · ".join(fact for fact in facts if fact))
        self._after_a_pause("words", self._preview)
        if self._list.rows.highlighted == self._limit - 1 and len(self._sessions) == self._limit:
            self._limit += PAGE
            self._load()

    def _preview(self) -> None:
        if self.has_class("-wide"):
            self.run_worker(self._read(), exclusive=True, group="words")

    async def _read(self) -> None:
        if (current := self._list.rows.current) is None:
            return
        try:
            records = await asyncio.to_thread(self._node.transcript, current)
        except OrchError as error:
            self._words(Content(one_line(str(error), 400)))
        else:
            self._words(transcript(records))

    def _words(self, content: Content) -> None:
        for found in self.query("#words").results(Static):  # none once the screen is closed
            found.update(content)
        for box in self.query(VerticalScroll):
            box.scroll_home(animate=False)

    def _after_a_pause(self, what: str, act: Callable[[], None]) -> None:
        """Only the last of several in a row is done."""
        if waiting := self._soon.pop(what, None):
            waiting.stop()
        self._soon[what] = self.set_timer(self._pause_s, act)

    # --- what a person does -----------------------------------------------------------------

    @on(SearchList.Chosen)
    def action_choose(self) -> None:
        if (current := self._list.rows.current) == self._current and current is not None:
            self._say("This is the session that is open.")
        elif current is not None:
            self.dismiss(SessionChoice(current))

    def action_read(self) -> None:
        if (current := self._list.rows.current) is not None:
            self.dismiss(SessionChoice(current, read_only=True))

    def action_search(self) -> None:
        self._list.search()

    def action_scroll(self, direction: int) -> None:
        words = self.query_one(VerticalScroll)
        words.scroll_relative(y=direction * max(words.size.height // 2, 1), animate=False)

    def action_back(self) -> None:
        if not self._list.back():
            self.dismiss(None)

    def on_resize(self) -> None:
        self._after_a_pause("words", self._preview)

    def _say(self, text: str) -> None:
        for found in self.query("#says").results(Static):  # none once the screen is closed
            found.update(Content(one_line(text, 500)), layout=False)


def _counted(prompts: int) -> str:
    return "1 prompt" if prompts == 1 else f"{prompts} prompts"
