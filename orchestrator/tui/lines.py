"""Lines of a list as values: pieces of text with a role, fitted to a width in terminal cells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len, chop_cells, set_cell_size

from orchestrator.terminal import plain

TAB = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. `role` names its colour: muted, strong, accent, added, removed, warning."""

    text: str
    role: str = ""


Line = tuple[Span, ...]


class Items(Protocol):
    """What a `LineList` shows: items of one or more lines each, oldest first."""

    empty: str
    """Shown when there is no item."""

    def __len__(self) -> int: ...

    def height(self, index: int, width: int) -> int:
        """Lines of the item at this width in cells; at least 1."""
        ...

    def line(self, index: int, number: int, width: int) -> Line: ...

    def matches(self, index: int, needle: str, width: int) -> list[int]:
        """Numbers of the item's lines that hold the needle; it comes casefolded. Of a folded item: [0]."""
        ...

    def tooltip(self, index: int) -> str:
        """What resting the mouse on the item says; may be empty."""
        ...


def cells(line: Line) -> int:
    """Width of the line in terminal cells."""
    return sum(cell_len(span.text) for span in line)


def fold(text: str, width: int) -> list[str]:
    """The untrusted text as lines of at most `width` cells, tabs expanded, without control characters."""
    width = max(width, 2)  # a wide character must fit
    folded: list[str] = []
    for line in plain(text).splitlines():
        if len(line) <= width and line.isascii() and "\t" not in line:  # most lines
            folded.append(line)
            continue
        whole = line.expandtabs(TAB)
        folded += chop_cells(whole, width) or [whole]  # nothing is cut from what has no width
    return folded


def fit(line: Line, width: int) -> Line:
    """The line cut with an ellipsis where it is wider than `width` cells."""
    if width <= 0:
        return ()
    room, kept = width, []
    for index, span in enumerate(line):
        size = cell_len(span.text)
        last = index == len(line) - 1
        if size > room or (size == room and not last):
            kept.append(Span(set_cell_size(span.text, room - 1).rstrip() + "…", span.role))
            return tuple(kept)
        kept.append(span)
        room -= size
    return tuple(kept)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; `left` gives way first."""
    right = fit(right, max(width - 8, 0))
    left = fit(left, width - cells(right) - 1)
    gap = width - cells(left) - cells(right)
    return (*left, Span(" " * max(gap, 0)), *right)


def count(number: int, noun: str) -> str:
    """`1 line`, `1,204 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
