"""The memory log: the project's records as they are written, newest at the bottom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual.binding import Binding, BindingType
from textual.widget import Widget

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.node import LoggedRecord
from orchestrator.tui.record_rows import RecordRows, Row, row_of
from orchestrator.tui.widgets.findable import FindableList
from orchestrator.tui.widgets.kind_bar import KindBar
from orchestrator.tui.widgets.line_list import LineList
from orchestrator.types import Kind

PAGE = 300
EMPTY = "Records appear here as they are written."
NONE_SUCH = "No record of this kind yet. 0 shows all."
READING = "Reading the journal …"


class Fetch(Protocol):
    """Called in a thread; raises `OrchError`s."""

    def __call__(
        self, after_arrival: int, kinds: Sequence[Kind], limit: int, /, *, before: int | None = None
    ) -> list[LoggedRecord]:
        """The newest `limit` records that arrived after one and before another, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as read, oldest first; `full` when there may be more of them."""

    rows: list[Row]
    full: bool


class MemoryLogPane(FindableList):
    """Reads through `fetch`: once a second while it is seen, and at `refresh_now`. `now` is Unix time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "show_kind(None)", "next filter", show=False),
        *(Binding(str(number), f"show_kind({number})", "filter", show=False) for number in range(10)),
    ]

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.time, *, id: str | None = None) -> None:
        self._rows = RecordRows(now)
        self._rows.empty = READING
        super().__init__(self._rows, id=id)
        self.border_title = "Memory log"
        self._fetch = fetch
        self._now = now
        self._kinds = KindBar()
        self._wanted = asyncio.Event()
        self._older = False
        self._has_older = False
        self._seeking = False
        self._reading_of = 0
        """Counts changes of what is read, so that a page which comes too late is dropped."""
        self._minute = 0

    def head(self) -> Iterable[Widget]:
        yield self._kinds

    def on_mount(self) -> None:
        self._second = self.set_interval(1, self._tick, pause=True)
        self.run_worker(self._read(), group="read", exclusive=True)

    def on_show(self) -> None:
        self._second.resume()
        self._wanted.set()

    def on_hide(self) -> None:
        self._second.pause()

    def refresh_now(self) -> None:
        """Something was recorded: look at once."""
        self._wanted.set()

    def reload(self) -> None:
        """`fetch` now speaks of another project: forget what is here and read anew."""
        self._reading_of += 1
        self._rows.clear()
        self._rows.empty = READING
        self._has_older = self._seeking = self._older = False
        self._kinds.note = ""
        self.list.changed()
        self._wanted.set()

    # --- reading ----------------------------------------------------------------------------

    def _tick(self) -> None:
        self._wanted.set()
        if self._minute != (minute := int(self._now() // 60)):
            self._minute = minute
            self.list.refresh()  # times are relative

    async def _read(self) -> None:
        while await self._wanted.wait():
            self._wanted.clear()
            older, of = self._older and self._has_older, self._reading_of
            needle = self.list.needle.casefold() if self._seeking else ""
            self._older = False
            try:
                page = await asyncio.to_thread(self._older_page if older else self._newer_page, needle)
            except OrchError as error:
                self._seeking = False
                self._trouble(str(error))
                continue
            if of == self._reading_of:
                self._put_older(page) if older else self._put(page)

    def _newer_page(self, _: str) -> Page:
        found = self._fetch(self._rows.last, self._kinds.kinds(), PAGE)
        return Page([row_of(one) for one in found], len(found) == PAGE)

    def _older_page(self, needle: str) -> Page:
        """The page before what is loaded; with a needle, as many as it takes to find it."""
        rows: list[Row] = []
        first, room = self._rows.first, self._rows.room
        while True:
            found = self._fetch(0, self._kinds.kinds(), PAGE, before=first)
            page = [row_of(one) for one in found]
            rows[:0] = page
            more = len(page) == PAGE
            if not (needle and more and len(rows) < room) or any(row.holds(needle) for row in page):
                return Page(rows, more)
            first = page[0].arrival

    def _put(self, page: Page) -> None:
        self._trouble("")
        self._rows.empty = NONE_SUCH if self._kinds.chosen else EMPTY
        known = len(self._rows)
        if known and not page.rows:
            return
        if page.full:  # there may be more between these and those known
            self._rows.clear()
            known = 0
            self._has_older = True
        gone = self._rows.add(page.rows)
        self._has_older = self._has_older or gone > 0
        self.list.changed(known, above=-gone)

    def _put_older(self, page: Page) -> None:
        self.list.changed(above=self._rows.add_older(page.rows))
        self._has_older = page.full and self._rows.room > 0
        if self._seeking:
            self._seeking = False
            self._trouble("")
            if self.list.needle:  # else the search was given up meanwhile
                self._look(self._step)

    def _trouble(self, text: str) -> None:
        self._kinds.note = one_line(text)

    # --- what the user does -----------------------------------------------------------------

    def on_line_list_at_top(self, event: LineList.AtTop) -> None:
        event.stop()
        self._want_older()

    def _want_older(self) -> None:
        if self._has_older:
            self._older = True
            self._wanted.set()

    def more_above(self) -> bool:
        return self._has_older

    def missed(self, typing: bool) -> None:
        if typing or not self._has_older:
            super().missed(typing)
            return
        self._seeking = True
        self._kinds.note = f"not in the newest {len(self._rows):,}: searching older records …"
        self._want_older()

    def action_show_kind(self, number: int | None) -> None:
        self._kinds.toggle(number)
        self.reload()

    def on_kind_bar_toggled(self, event: KindBar.Toggled) -> None:
        event.stop()
        self.action_show_kind(event.number)

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.run_worker(self._open(self._rows[event.place.item].arrival), group="open", exclusive=True)

    async def _open(self, arrival: int) -> None:
        try:
            found = await asyncio.to_thread(self._fetch, arrival - 1, (), 1, before=arrival + 1)
        except OrchError as error:
            self.app.notify(str(error), markup=False, severity="warning")
            return
        if found:
            from orchestrator.tui.screens.record import RecordScreen

            self.app.push_screen(RecordScreen(found[0]))
