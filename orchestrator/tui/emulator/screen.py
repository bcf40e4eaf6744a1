"""The screen of one program: what is drawn on it, and what pyte lacks (alternate screen, reflow, history).

Lines that leave it at the top, and lines that a program clears away, go to the history, so that nothing
is lost which was printed. pyte is loaded with this module: import it where a program starts.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence

import pyte
import pyte.modes as modes

from orchestrator.tui.emulator import cells
from orchestrator.tui.emulator.cells import BLANK, Row
from orchestrator.tui.emulator.drawing import DrawnScreen
from orchestrator.tui.emulator.grid import Cells, reflowed

History = Callable[[Row], None]
_ALTERNATE = (47, 1047, 1049)
_KEPT = {6: modes.DECOM, 7: modes.DECAWM, 25: modes.DECTCEM}
_USUAL = {modes.DECAWM, modes.DECTCEM}
_SAVEPOINTS = 32


class EmulatedScreen(DrawnScreen):
    """`answer` takes what the terminal says back to the program (its cursor's place), if it may.

    `returns`: a newline goes to the line's start, as output needs that no terminal driver has passed.
    """

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
        self._before: tuple[defaultdict[int, Cells], pyte.screens.Cursor, int, int] | None = None
        """Of the primary screen while the alternate one is shown: rows, cursor, columns, lines."""
        self.private: set[int] = set()
        """Private modes that only the side that types has to know: 1 cursor keys, 2004 bracketed paste."""
        super().__init__(max(columns, 2), max(lines, 1))
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
        return Row(cells.of_cells(cells.whole([row[x] for x in range(end)])), row.wrapped)

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

    # --- many lines at once -----------------------------------------------------------------

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
