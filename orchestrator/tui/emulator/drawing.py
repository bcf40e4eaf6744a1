"""A screen that characters are drawn on: pyte's, with wide characters, marks and colours as runs need them.

pyte is loaded with this module: import it where a program starts.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import pyte
import pyte.modes as modes
from pyte.charsets import LAT1_MAP
from rich.cells import get_character_cell_size

from orchestrator.tui.emulator import colours
from orchestrator.tui.emulator.cells import BLANK, Cell, Pen
from orchestrator.tui.emulator.grid import Cells, Glyphs

_MARKS = 8
_PENS = 256


class DrawnScreen(pyte.Screen):  # type: ignore[misc]
    """Draws, wraps and erases; what scrolls and what it means is `EmulatedScreen`'s."""

    columns: int
    lines: int
    cursor: pyte.screens.Cursor
    buffer: defaultdict[int, Cells]

    def __init__(self, columns: int, lines: int) -> None:
        self._pens: dict[Pen, Glyphs] = {}
        self._last = ""
        super().__init__(columns, lines)
        self.buffer = defaultdict(Cells)

    @property
    def default_char(self) -> Cell:
        return BLANK

    def draw(self, data: str) -> None:
        charset = self.g1_charset if self.charset else self.g0_charset
        if charset is not LAT1_MAP:
            data = data.translate(charset)
        self._last = data[-1:]
        if data.isascii() and modes.IRM not in self.mode:
            self._draw_narrow(data)
        else:
            for character in data:
                self._draw_one(character)

    def _draw_narrow(self, data: str) -> None:
        glyphs = self._glyphs()
        at = 0
        while at < len(data):
            if self.cursor.x >= self.columns:
                self._wrap()
            x, row = self.cursor.x, self.buffer[self.cursor.y]
            piece = data[at : at + self.columns - x]
            self._break_wide(row, x, x + len(piece))
            row.update(zip(range(x, x + len(piece)), map(glyphs.__getitem__, piece), strict=True))
            self.cursor.x = x + len(piece)
            at += len(piece)

    def _draw_one(self, character: str) -> None:
        size = get_character_cell_size(character)
        if size == 0:
            self._mark(character)
            return
        if self.cursor.x + size > self.columns:
            self._wrap(size)
        if modes.IRM in self.mode:
            self.insert_characters(size)
        x, row = self.cursor.x, self.buffer[self.cursor.y]
        self._break_wide(row, x, x + size)
        row[x] = self._glyphs()[character] if character.isascii() else Cell(character, self.cursor.attrs.pen)
        if size == 2:
            row[x + 1] = Cell("", self.cursor.attrs.pen)
        self.cursor.x = x + size

    def _mark(self, mark: str) -> None:
        """A combining mark joins the character before it; other characters without width are dropped."""
        if not unicodedata.combining(mark):
            return
        row, x = self.buffer[self.cursor.y], self.cursor.x - 1
        if x > 0 and row[x].data == "":
            x -= 1
        if x >= 0 and len(row[x].data) < _MARKS:
            row[x] = row[x]._replace(data=row[x].data + mark)

    def _wrap(self, size: int = 1) -> None:
        """Go on in the next line, or where nothing wraps, at the last place that holds `size` cells."""
        if modes.DECAWM not in self.mode:
            self.cursor.x = min(self.cursor.x, self.columns - size)
            if self.cursor.x and self.buffer[self.cursor.y][self.cursor.x].data == "":
                self.cursor.x -= 1
            return
        self.buffer[self.cursor.y].wrapped = True
        self.cursor.x = 0
        self.index()

    def _break_wide(self, row: Cells, start: int, end: int) -> None:
        """What is written over half of a wide character blanks its other half."""
        if start in row and row[start].data == "":
            row[start - 1] = Cell(" ", row[start - 1].pen)
        if end in row and row[end].data == "":
            row[end] = Cell(" ", row[end].pen)

    def _glyphs(self) -> Glyphs:
        pen = self.cursor.attrs.pen
        glyphs = self._pens.get(pen)
        if glyphs is None:
            if len(self._pens) >= _PENS:
                self._pens.clear()
            glyphs = self._pens[pen] = Glyphs(pen)
        return glyphs

    def repeat(self, count: int = 1) -> None:
        self.draw(self._last * min(max(count, 1), self.columns * self.lines))

    def select_graphic_rendition(self, fields: Sequence[str]) -> None:
        self.cursor.attrs = Cell(" ", colours.drawn(self.cursor.attrs.pen, fields))

    def erase_in_line(self, how: int = 0) -> None:
        if how not in (0, 1, 2):
            return
        first = self.cursor.x if how == 0 else 0
        last = min(self.cursor.x + 1, self.columns) if how == 1 else self.columns
        row = self.buffer[self.cursor.y]
        self._break_wide(row, first, last)
        self._blank(row, first, last)
        if how != 1:
            row.wrapped = False

    def erase_characters(self, count: int = 1) -> None:
        row, first = self.buffer[self.cursor.y], self.cursor.x
        last = min(first + max(count, 1), self.columns)
        self._break_wide(row, first, last)
        self._blank(row, first, last)

    def _blank(self, row: Cells, first: int, last: int) -> None:
        background = self.cursor.attrs.pen.bg
        if background:
            row.update(dict.fromkeys(range(first, last), Cell(" ", Pen(bg=background))))
        else:
            for x in range(first, last):
                row.pop(x, None)
