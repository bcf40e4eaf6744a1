"""Which item stands on which line of a list, and where a search goes next. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from orchestrator.tui.lines import Items


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a list: the item's index, and the line's number in it."""

    item: int
    line: int


class LineMap:
    """The lines of `Items` at one width, numbered from 0 through the whole list."""

    def __init__(self) -> None:
        self.width = 1
        """Cells of a line, as last measured."""
        self._ends: list[int] = []
        """Of each item, the number of the line after its last."""

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def lines(self) -> int:
        return self._ends[-1] if self._ends else 0

    def measure(self, items: Items, width: int, first: int = 0) -> None:
        """Take the heights of the items from `first` on anew; of all when the width has changed."""
        first = min(first, len(self._ends)) if width == self.width else 0
        self.width = width
        heights = (items.height(index, width) for index in range(first, len(items)))
        self._ends[first:] = list(accumulate(heights, initial=self.start(first)))[1:]

    def start(self, item: int) -> int:
        """Number of the item's first line."""
        return self._ends[item - 1] if item else 0

    def height(self, item: int) -> int:
        return self._ends[item] - self.start(item)

    def y(self, place: Place) -> int:
        return self.start(place.item) + place.line

    def at(self, y: int) -> Place | None:
        """The place on line `y`; None beyond the list."""
        item = bisect_right(self._ends, y)
        return Place(item, y - self.start(item)) if y >= 0 and item < len(self._ends) else None

    def nearest(self, item: int, line: int) -> Place:
        """The place, or the nearest to it that exists."""
        if not self._ends or item < 0:
            return Place(0, 0)
        if item >= len(self._ends):
            return self.at(self.lines - 1) or Place(0, 0)
        return Place(item, min(line, self.height(item) - 1))


def find(
    items: Items, lines: LineMap, at: Place, needle: str, step: int, *, wrap: bool, here: bool
) -> Place | None:
    """The next line from `at`, in the direction of `step` (1 or -1), that holds the casefolded needle.

    The one at `at` counts when `here`. Beyond the end it goes on from the other one if `wrap`.
    """
    total = len(lines)
    for distance in range(total + 1 if total else 0):
        index = at.item + step * distance
        if not wrap and not 0 <= index < total:
            return None
        index %= total
        for number in items.matches(index, needle, lines.width)[::step]:
            ahead = (number - at.line) * step
            if distance or ahead > 0 or (here and ahead == 0):
                return Place(index, number)
    return None
