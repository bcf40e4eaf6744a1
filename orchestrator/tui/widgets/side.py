"""The places beside the chat: three stacked where there is room, else one at a time over its edge."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widget import Widget

STACKED = ("trace", "terminal", "log")
WIDE = 110
"""Columns from which the stack stands beside the chat."""


class Side(Vertical):
    """`opened` is the one place shown alone; empty: the stack when wide, nothing when narrow."""

    opened: reactive[str] = reactive("", init=False)
    wide: reactive[bool] = reactive(True, init=False)

    def __init__(self, places: Mapping[str, Widget], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places = places

    def compose(self) -> ComposeResult:
        yield from self._places.values()

    def on_mount(self) -> None:
        self._arrange()

    def toggle(self, name: str) -> Widget | None:
        """Show the place alone and return it, or close it again and return None."""
        self.opened = "" if self.opened == name else name
        return self._places[name] if self.opened else None

    def place(self, name: str) -> Widget:
        return self._places[name]

    def on_screen(self, name: str) -> bool:
        """Whether the place is on screen."""
        return bool(self.display and self._places[name].display)

    def watch_opened(self) -> None:
        self._arrange()

    def watch_wide(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        stacked = self.wide and not self.opened
        for name, place in self._places.items():
            place.display = name == self.opened or (stacked and name in STACKED)
        self.display = stacked or bool(self.opened)
        self.set_class(not self.wide, "over")
