"""The places beside the chat: three stacked where there is room, else one at a time over its edge."""

from __future__ import annotations

from collections.abc import Mapping

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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places: Mapping[str, Widget] = {}

    def on_mount(self) -> None:
        self._arrange()

    async def furnish(self, places: Mapping[str, Widget]) -> None:
        """Mount the places, one after another, so that no key has to wait for all of them."""
        self._places = places
        self._arrange()
        for place in places.values():
            await self.mount(place)

    def toggle(self, name: str) -> Widget | None:
        """Show the place alone and return it, if it is there yet, or close it again and return None."""
        self.opened = "" if self.opened == name else name
        return self._places.get(name) if self.opened else None

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
