"""A unified diff as numbered rows, and rows folded to a width. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from rich.cells import chop_cells

RowKind = Literal["same", "added", "removed", "hunk", "meta"]
TAB = 4
LONG = 20_000
"""Characters of a line from which wide characters are no longer measured one by one."""

_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")
_SIGNS: dict[RowKind, str] = {"same": " ", "added": "+", "removed": "-"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `old` and `new` are line numbers from 1, where the line is in that side."""

    kind: RowKind
    text: str
    old: int | None = None
    new: int | None = None

    @property
    def sign(self) -> str:
        return _SIGNS.get(self.kind, "")

    @property
    def number(self) -> int | None:
        """The line's number in the file as it will be, or of a removed line as it was."""
        return self.old if self.new is None else self.new


def diff_rows(diff: str) -> list[Row]:
    """The lines of a unified diff. `sign + text` of all rows, joined, is the diff again.

    Whatever a hunk's own counts do not cover is "meta", so no text can pass for a changed line.
    """
    rows: list[Row] = []
    old = new = old_left = new_left = 0
    for line in _lines(diff):
        sign, text = line[:1], line[1:]
        if sign == "+" and new_left:
            rows.append(Row("added", text, None, new))
            new, new_left = new + 1, new_left - 1
        elif sign == "-" and old_left:
            rows.append(Row("removed", text, old, None))
            old, old_left = old + 1, old_left - 1
        elif sign == " " and old_left and new_left:
            rows.append(Row("same", text, old, new))
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        elif found := _HUNK.match(line):
            old, new = int(found[1]), int(found[3])
            old_left, new_left = (int(found[n]) if found[n] else 1 for n in (2, 4))
            rows.append(Row("hunk", line))
        else:
            rows.append(Row("meta", line))
    return rows


def text_rows(text: str) -> list[Row]:
    """The lines of any text, numbered from 1."""
    return [Row("same", line, number, number) for number, line in enumerate(_lines(text), 1)]


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines


class Folded:
    """Rows folded to `width` cells each, so that nothing stands beyond the right edge.

    Lines are folded when they are asked for; only those with wide characters are kept folded.
    """

    def __init__(self, rows: Sequence[Row], width: int) -> None:
        self.width = max(width, 2)  # a wide character must fit
        self._texts = [row.text.expandtabs(TAB) for row in rows]
        self._pieces: dict[int, list[str]] = {}
        self._ends = list(accumulate(self._height(index) for index in range(len(rows))))

    def __len__(self) -> int:
        """Lines in all."""
        return self._ends[-1] if self._ends else 0

    def line(self, y: int) -> tuple[int, int, str]:
        """The row's index, how many lines of that row stand above, and the text. `y` from 0."""
        index = bisect_right(self._ends, y)
        above = y - (self._ends[index - 1] if index else 0)
        if index in self._pieces:
            return index, above, self._pieces[index][above]
        return index, above, self._texts[index][above * self.width : (above + 1) * self.width]

    def top(self, index: int) -> int:
        """The first line of a row."""
        return self._ends[index - 1] if index else 0

    def _height(self, index: int) -> int:
        text = self._texts[index]
        if text.isascii() or max(text) < "\u0300":  # one cell a character
            return max(1, -(-len(text) // self.width))
        self._pieces[index] = fold(text, self.width)
        return len(self._pieces[index])


def fold(text: str, width: int) -> list[str]:
    """Pieces of at most `width` cells; joined they are the text."""
    if len(text) <= LONG:
        return chop_cells(text, width) or [text]
    step = width // 2
    return [text[at : at + step] for at in range(0, len(text), step)]
