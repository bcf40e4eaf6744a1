"""The screen of one program: pyte's, with what it lacks (alternate screen, reflow, history, true colours).

Lines that leave it at the top, and lines that a program clears away, go to the history, so that nothing
is lost which was printed. pyte is loaded with this module: import it where a program starts.
"""

from __future__ import annotations

import copy
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence

import pyte
import pyte.modes as modes
from pyte.charsets import LAT1_MAP
from rich.cells import get_character_cell_size

from orchestrator.tui.emulator import cells, colours
from orchestrator.tui.emulator.cells import BLANK, Cell, Pen, Row
from orchestrator.tui.emulator.grid import Cells, Glyphs, reflowed

History = Callable[[Row], None]
_ALTERNATE = (47, 1047, 1049)
_KEPT = {6: modes.DECOM, 7: modes.DECAWM, 25: modes.DECTCEM}
_USUAL = {modes.DECAWM, modes.DECTCEM}
_SAVEPOINTS = 32
_MARKS = 8
_PENS = 256


class EmulatedScreen(pyte.Screen):  # type: ignore[misc]
    """`answer` takes what the terminal says back to the program (its cursor's place), if it may.

    `returns`: a newline goes to the line's start, as output needs that no terminal driver has passed.
    """

    columns: int
    lines: int
    cursor: pyte.screens.Cursor
    buffer: defaultdict[int, Cells]

    def __init__(
        self,
        columns: int,
        lines: int,
        history: History,
        *,
        answer: Callable[[str], None] | None = None,
        returns: bool = False,
    ) -> None:
        self._history = history
        self._answer = answer
        self.returns = returns
        self._pens: dict[Pen, Glyphs] = {}
        self._before: tuple[defaultdict[int, Cells], pyte.screens.Cursor, int, int] | None = None
        """Of the primary screen while the alternate one is shown: rows, cursor, columns, lines."""
        self._last = ""
        self.private: set[int] = set()
        """Private modes that only the side that types has to know: 1 cursor keys, 2004 bracketed paste."""
        super().__init__(max(columns, 2), max(lines, 1))
        self.buffer = defaultdict(Cells)
        self.reset()

    # --- what it shows ----------------------------------------------------------------------

    @property
    def alternate(self) -> bool:
        """A full-screen program has the screen to itself."""
        return self._before is not None

    def rows(self, *, cursor: bool = False) -> list[Row]:
        """The rows in use, from the top; all of them on the alternate screen, with `cursor` its row too."""
        shown = [self._row(y) for y in range(self.lines)]
        least = self.lines if self.alternate else self.cursor.y + 1 if cursor else 0
        while len(shown) > least and shown[-1] == Row(()):
            shown.pop()
        return shown

    def _row(self, y: int) -> Row:
        row = self.buffer.get(y)
        if not row:
            return Row(())
        end = min(max(row) + 1, self.columns)
        return Row(cells.of_cells([row[x] for x in range(end)]), row.wrapped)

    def leave(self) -> None:
        """The program has ended: everything goes to the history."""
        if self.alternate:
            self._show_primary()
        self._retire()

    def _retire(self) -> None:
        rows = self.rows()
        for row in rows[:-1]:
            self._history(row)
        for row in rows[-1:]:
            self._history(Row(row.line))
        self.buffer.clear()

    # --- drawing ----------------------------------------------------------------------------

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

    def print_lines(self, lines: Sequence[str]) -> None:
        """Whole lines of ASCII, each with a newline that returns. Most of a flood is never drawn."""
        passing = len(lines) - self.lines
        if passing <= 1 or self.alternate or self.margins or self.mode != _USUAL or self.charset:
            passing = 1
        self._print(lines[:1])
        if passing > 1:
            self._retire()
            self.cursor.x = self.cursor.y = 0
            pen = self.cursor.attrs.pen
            for line in lines[1:passing]:
                for row in cells.split(((line, pen),) if line else (), self.columns):
                    self._history(Row(cells.trimmed(row.line), row.wrapped))
        self._print(lines[passing:])

    def _print(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.draw(line)
            self.carriage_return()
            self.linefeed()

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
            self._wrap()
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

    def _wrap(self) -> None:
        if modes.DECAWM not in self.mode:
            self.cursor.x = min(self.cursor.x, self.columns - 1)
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

    # --- scrolling and erasing --------------------------------------------------------------

    def linefeed(self) -> None:
        row = self.buffer.get(self.cursor.y)
        if row is not None:
            row.wrapped = False
        self.index()
        if self.returns or modes.LNM in self.mode:
            self.carriage_return()

    def next_line(self) -> None:
        self.carriage_return()
        self.index()

    def index(self) -> None:
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y != bottom:
            self.cursor.y = min(self.cursor.y + 1, self.lines - 1)
            return
        if top == 0 and not self.alternate:
            self._history(self._row(0))
        if self.margins:
            super().index()
        else:  # the hot path
            self.buffer = defaultdict(Cells, {y - 1: row for y, row in self.buffer.items() if y})
        self.dirty.clear()

    def scroll_up(self, count: int = 1) -> None:
        here = self.cursor.y
        self.cursor.y = self.margins.bottom if self.margins else self.lines - 1
        for _ in range(min(max(count, 1), self.lines)):
            self.index()
        self.cursor.y = here

    def scroll_down(self, count: int = 1) -> None:
        here = self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        for _ in range(min(max(count, 1), self.lines)):
            self.reverse_index()
        self.cursor.y = here

    def back_tab(self, count: int = 1) -> None:
        for _ in range(min(max(count, 1), self.columns)):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

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

    def erase_in_display(self, how: int = 0) -> None:
        if how == 2 and not self.alternate:
            self._retire()
        ranges = {0: range(self.cursor.y + 1, self.lines), 1: range(self.cursor.y), 2: range(self.lines)}
        for y in ranges.get(how, ()):
            self.buffer.pop(y, None)
            if self.cursor.attrs.pen.bg:
                self._blank(self.buffer[y], 0, self.columns)
        if how in (0, 1):
            self.erase_in_line(how)

    def _blank(self, row: Cells, first: int, last: int) -> None:
        background = self.cursor.attrs.pen.bg
        if background:
            row.update(dict.fromkeys(range(first, last), Cell(" ", Pen(bg=background))))
        else:
            for x in range(first, last):
                row.pop(x, None)

    # --- modes ------------------------------------------------------------------------------

    def reset(self) -> None:
        if self._before is not None:
            self._show_primary()
        if self.buffer.default_factory is Cells:  # not in the middle of pyte's constructor
            self._retire()
        super().reset()
        self.cursor.attrs = BLANK
        self.savepoints.clear()
        self.private.clear()

    def switch(self, mode: int, on: bool, private: bool) -> None:
        """Set or reset one mode; those with no meaning here are left alone."""
        if not private:
            if mode in (modes.IRM, modes.LNM):
                self.mode.add(mode) if on else self.mode.discard(mode)
        elif mode in _KEPT:
            super().set_mode(mode, private=True) if on else super().reset_mode(mode, private=True)
        elif mode == 1048:
            self.save_cursor() if on else self.restore_cursor()
        elif mode in _ALTERNATE:
            if on and not self.alternate:
                self._before = (self.buffer, copy.copy(self.cursor), self.columns, self.lines)
                self.buffer = defaultdict(Cells)
                self.margins = None
            elif not on and self.alternate:
                self._show_primary()
        elif mode in (1, 2004):
            self.private.add(mode) if on else self.private.discard(mode)

    def _show_primary(self) -> None:
        assert self._before is not None
        columns, lines = self.columns, self.lines
        self.buffer, self.cursor, self.columns, self.lines = self._before
        self._before = None
        self.margins = None
        self.resize(lines, columns)

    def save_cursor(self) -> None:
        super().save_cursor()
        del self.savepoints[:-_SAVEPOINTS]

    def cursor_to_line(self, line: int | None = None) -> None:
        self.cursor_position(line, self.cursor.x + 1)

    def write_process_input(self, data: str) -> None:
        if self._answer:
            self._answer(data)

    # --- resizing ---------------------------------------------------------------------------

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """The primary screen's lines are folded anew; a full-screen program draws its own anew."""
        lines, columns = max(lines or self.lines, 1), max(columns or self.columns, 2)
        if (lines, columns) == (self.lines, self.columns):
            return
        if self.alternate:
            self._clip(lines, columns)
        else:
            self._reflow(lines, columns)
        self.lines, self.columns = lines, columns
        self.margins = None
        self.tabstops = set(range(8, columns, 8))
        self.cursor.y = min(max(self.cursor.y, 0), lines - 1)
        self.cursor.x = min(max(self.cursor.x, 0), columns)

    def _clip(self, lines: int, columns: int) -> None:
        for y in [y for y in self.buffer if y >= lines]:
            del self.buffer[y]
        for row in self.buffer.values():
            for x in [x for x in row if x >= columns]:
                del row[x]

    def _reflow(self, lines: int, columns: int) -> None:
        here = (self.cursor.y, self.cursor.x)
        rows, self.cursor.y, self.cursor.x = reflowed(self.rows(cursor=True), here, self.columns, columns)
        below = max(0, len(rows) - max(lines, self.cursor.y + 1))
        rows = rows[: len(rows) - below]
        above = max(0, len(rows) - lines)
        for row in rows[:above]:
            self._history(row)
        self.cursor.y -= above
        self.buffer.clear()
        for y, row in enumerate(rows[above:]):
            self.buffer[y].update(enumerate(cells.to_cells(row.line)))
            self.buffer[y].wrapped = row.wrapped
