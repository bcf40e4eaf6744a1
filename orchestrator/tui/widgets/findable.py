"""A list that can be searched by typing: what the trace, the memory log and a record share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from orchestrator.tui.line_map import Place
from orchestrator.tui.lines import Items
from orchestrator.tui.widgets.find_bar import FindBar
from orchestrator.tui.widgets.line_list import LineList

NO_MATCH = "no match"


class FindableList(Widget):
    """`/` searches, `n` goes on, `N` goes back, escape ends it.

    `newest_first`: the list grows at its end, so a search looks at the newest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search", show=False),
        Binding("n", "find_next(1)", "next match", show=False),
        Binding("N", "find_next(-1)", "previous match", show=False),
        Binding("escape", "end_find", "end the search", show=False),
    ]

    def __init__(self, items: Items, *, newest_first: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self.list = LineList(items, follow=newest_first)
        self.find_bar = FindBar()
        self._step = -1 if newest_first else 1
        self._origin: Place | None = None

    def compose(self) -> ComposeResult:
        yield from self.head()
        yield self.list
        yield self.find_bar

    def head(self) -> Iterable[Widget]:
        """What stands above the list."""
        return ()

    def focus(self, scroll_visible: bool = True) -> Self:
        """The list takes the keys; the pane itself has none to take."""
        self.list.focus(scroll_visible)
        return self

    # --- searching --------------------------------------------------------------------------

    def action_find(self) -> None:
        self._origin = self.list.place
        self.find_bar.open()

    def action_find_next(self, way: int) -> None:
        self._look(self._step * way)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of a search do nothing without one, so that escape goes on to who else waits for it."""
        return bool(self.list.needle) if action in ("find_next", "end_find") else True

    def action_end_find(self) -> None:
        self._mark("")

    def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        event.stop()
        self._mark(event.needle)
        if self._origin:
            self.list.go(self._origin)
        if event.needle:
            self._look(self._step, here=True, typing=True)
        else:
            self.find_bar.say("")

    def on_find_bar_kept(self, event: FindBar.Kept) -> None:
        event.stop()
        self.find_bar.close()
        self.list.focus()
        if event.needle:
            self._look(self._step, here=True)

    def on_find_bar_dropped(self, event: FindBar.Dropped) -> None:
        event.stop()
        self.find_bar.close()
        self.list.focus()
        self._mark("")
        if self._origin:
            self.list.go(self._origin)

    def _mark(self, needle: str) -> None:
        self.list.needle = needle
        self.list.refresh()

    def _look(self, step: int, *, here: bool = False, typing: bool = False) -> bool:
        """Go to the next match. False when there is none."""
        wrap = step > 0 or not self.more_above()
        place = self.list.find(self.list.needle.casefold(), step, wrap=wrap, here=here)
        if place:
            self.list.go(place)
            self.find_bar.say("")
        else:
            self.missed(typing)
        return place is not None

    def more_above(self) -> bool:
        """Whether a search may still look at older items that are not loaded yet."""
        return False

    def missed(self, typing: bool) -> None:
        """No loaded item matches; `typing` while the user still types."""
        if typing:
            self.find_bar.say(NO_MATCH)
        else:
            self.app.notify(f"{NO_MATCH}.", markup=False, timeout=2)
