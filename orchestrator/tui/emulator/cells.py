"""Cells of a terminal and lines made of them, as values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, get_character_cell_size


class Pen(NamedTuple):
    """How a cell is drawn. Colours are Rich's names ("red", "color(123)", "#aabbcc"); "" is the default.

    `role` marks lines of our own ("title", "ended", "failed", "notice"): no program can make them.
    """

    fg: str = ""
    bg: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False
    hidden: bool = False
    role: str = ""


PLAIN = Pen()


class Cell(NamedTuple):
    """One character (with its combining marks); the second half of a wide one is "" ."""

    data: str
    pen: Pen = PLAIN


BLANK = Cell(" ")
Run = tuple[str, Pen]
Line = tuple[Run, ...]


class Row(NamedTuple):
    """A line as wide as the screen. `wrapped`: the next row continues it."""

    line: Line
    wrapped: bool = False


def of_cells(cells: Sequence[Cell]) -> Line:
    """The cells as runs of one pen each, without blanks that nobody sees at the end."""
    if len({cell[1] for cell in cells}) == 1:
        runs = [("".join([cell[0] for cell in cells]), cells[0][1])]
    else:
        runs = _runs(cells)
    return trimmed(runs)


def whole(cells: Sequence[Cell]) -> Sequence[Cell]:
    """A wide character that lost its second half, to an insertion or at the edge, is a blank."""
    if all(cell[0].isascii() for cell in cells):
        return cells
    halves = [cell[0] for cell in cells[1:]] + ["x"]
    return [
        Cell(" ", cell[1]) if after and cell[0] and cell_len(cell[0]) > 1 else cell
        for cell, after in zip(cells, halves, strict=True)
    ]


def trimmed(runs: Sequence[Run]) -> Line:
    """Without blanks at the end that nobody sees."""
    kept = list(runs)
    while kept and not (kept[-1][1].bg or kept[-1][1].underline or kept[-1][1].strike or kept[-1][1].reverse):
        text, pen = kept.pop()
        if text := text.rstrip(" "):
            kept.append((text, pen))
            break
    return tuple(kept)


def _runs(cells: Sequence[Cell]) -> list[Run]:
    return [("".join([cell[0] for cell in some]), pen) for pen, some in groupby(cells, itemgetter(1))]


def to_cells(line: Line) -> list[Cell]:
    cells: list[Cell] = []
    for text, pen in line:
        for character in text:
            size = get_character_cell_size(character)
            if size == 0 and cells:
                cells[-1] = Cell(cells[-1].data + character, cells[-1].pen)
            else:
                cells.append(Cell(character, pen))
            if size == 2:
                cells.append(Cell("", pen))
    return cells


def text_of(line: Line) -> str:
    return "".join([text for text, _pen in line])


def length(line: Line) -> int:
    """Characters, which are at most as many as cells but for combining marks."""
    return sum([len(text) for text, _pen in line])


def width_of(line: Line) -> int:
    """Cells."""
    return sum([cell_len(text) for text, _pen in line])


def join(first: Line, second: Line) -> Line:
    if first and second and first[-1][1] == second[0][1]:
        return (*first[:-1], (first[-1][0] + second[0][0], second[0][1]), *second[1:])
    return first + second


def split(line: Line, width: int) -> list[Row]:
    """The line as rows of at most `width` cells (at least 2); an empty line is one row."""
    width = max(width, 2)
    if length(line) * 2 <= width or width_of(line) <= width:
        return [Row(line)]
    rows: list[list[Run]] = [[]]
    room = width
    for text, pen in line:
        for piece in _pieces(text, room, width):
            size = cell_len(piece)
            if size > room:
                rows.append([])
                room = width
            rows[-1].append((piece, pen))
            room -= size
    last = len(rows) - 1
    return [Row(tuple(row), wrapped=number < last) for number, row in enumerate(rows)]


def folded(rows: Iterable[Row], width: int) -> list[Row]:
    """Rows of a screen of another width, at this one: wrapped lines are whole again first."""
    result: list[Row] = []
    line: Line = ()
    for row in rows:
        line = join(line, row.line)
        if not row.wrapped:
            result += split(line, width)
            line = ()
    return result + (split(line, width) if line else [])


def _pieces(text: str, room: int, width: int) -> list[str]:
    """The text cut where rows end; the first piece fits into `room` if anything of it does."""
    if text.isascii():
        return [text[:room]] * bool(room) + [text[at : at + width] for at in range(room, len(text), width)]
    pieces = []
    if room:
        taken = 0
        while taken < len(text) and (size := get_character_cell_size(text[taken])) <= room:
            room -= size
            taken += 1
        pieces = [text[:taken]] * bool(taken)
        text = text[taken:]
    return pieces + (chop_cells(text, width) if text else [])
