"""What has been printed, searched by typing; the newest match comes first."""

from __future__ import annotations

from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from orchestrator.tui.widgets.find_bar import FindBar
from orchestrator.tui.widgets.terminal_view import TerminalView


class FindableTerminal(Widget):
    """`/` searches, `n` goes on to older matches, `N` to newer ones, escape ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search", show=False),
        Binding("n", "find_next(1)", "next match", show=False),
        Binding("N", "find_next(-1)", "previous match", show=False),
        Binding("escape", "end_find", "end the search", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = TerminalView()
        self.find_bar = FindBar()
        self._matches: list[int] = []
        self._match = 0

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.find_bar

    def focus(self, scroll_visible: bool = True) -> Self:
        """The view takes the keys; the pane itself has none to take."""
        self.view.focus(scroll_visible)
        return self

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of a search do nothing without one, so that escape goes on to who else waits for it."""
        return bool(self.view.needle) if action in ("find_next", "end_find") else True

    def action_find(self) -> None:
        self.find_bar.open()

    def action_find_next(self, way: int) -> None:
        """The next match is the one above: the newest come first."""
        self._look(self._match - way)

    def action_end_find(self) -> None:
        self._mark("")

    def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        event.stop()
        self._mark(event.needle)
        self._look(-1)

    def on_find_bar_kept(self, event: FindBar.Kept) -> None:
        event.stop()
        self.find_bar.close()
        self.view.focus()

    def on_find_bar_dropped(self, event: FindBar.Dropped) -> None:
        event.stop()
        self.find_bar.close()
        self.view.focus()
        self._mark("")

    def _mark(self, needle: str) -> None:
        self.view.needle = needle
        self.view.refresh()

    def _look(self, number: int) -> None:
        needle = self.view.needle.casefold()
        self._matches = self.view.find(needle) if needle else []
        if not self._matches:
            self.find_bar.say("no match" if needle else "")
            return
        self._match = number % len(self._matches)
        self.view.reveal(self._matches[self._match])
        self.find_bar.say(f"{self._match + 1} of {len(self._matches)}")
