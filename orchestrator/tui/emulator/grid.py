"""Rows of a screen while a program draws on them, and how they fold to another width."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.tui.emulator import cells
from orchestrator.tui.emulator.cells import BLANK, Cell, Line, Pen, Row


class Cells(dict[int, Cell]):
    """A row of the screen by column; what is missing is blank."""

    wrapped = False
    default = BLANK

    def __missing__(self, column: int) -> Cell:
        return BLANK


class Glyphs(dict[str, Cell]):
    """The cells of one pen, made once."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen

    def __missing__(self, character: str) -> Cell:
        cell = self[character] = Cell(character, self.pen)
        return cell


def reflowed(
    rows: Sequence[Row], cursor: tuple[int, int], before: int, after: int
) -> tuple[list[Row], int, int]:
    """Rows of `before` columns at `after`, and where the cursor (row, column) is then."""
    result: list[Row] = []
    line: Line = ()
    start = 0
    place, offset = (0, 0), None
    for y, row in enumerate(rows):
        if y == cursor[0]:
            offset = start + cursor[1]
        line = cells.join(line, row.line)
        start += before
        if row.wrapped and y < len(rows) - 1:
            continue
        if offset is not None:
            place, offset = (len(result) + offset // after, offset % after), None
        result += cells.split(line, after)
        line, start = (), 0
    result += [Row(())] * (place[0] + 1 - len(result))
    return result, *place
