"""What has been printed, oldest first, folded to the width at which it is shown."""

from __future__ import annotations

from collections import deque

from orchestrator.tui.emulator import cells
from orchestrator.tui.emulator.cells import Line, Row

MOST_LINES = 5000
MOST_CHARS = 1_000_000
LINE_CHARS = 4096
"""Longer lines are stored as several: a program may print a megabyte without a newline."""
_AT_ONCE = 200


class Scrollback:
    """Keeps the newest lines; `rows` are they at `width` cells. `gone` counts rows that were dropped."""

    def __init__(self, width: int = 80) -> None:
        self._lines: deque[Line] = deque()
        self._heights: deque[int] = deque()
        self._chars = 0
        self._open = False
        """The last line goes on with the next row."""
        self._width = width
        self.rows: list[Row] = []
        self.gone = 0

    def add(self, row: Row) -> None:
        """The next row of a program's screen; `wrapped` rows are one line with the row after them."""
        self._chars += cells.length(row.line)
        if self._open and cells.length(self._lines[-1]) < LINE_CHARS:
            line = cells.join(self._lines.pop(), row.line)
            del self.rows[len(self.rows) - self._heights.pop() :]
        else:
            line = row.line
        self._lines.append(line)
        self._fold(line)
        self._open = row.wrapped
        if len(self._lines) > MOST_LINES + _AT_ONCE or self._chars > MOST_CHARS:
            self._drop()

    def close(self) -> None:
        """What comes next begins a line of its own."""
        self._open = False

    def clear(self) -> None:
        self.gone += len(self.rows)
        self._lines.clear()
        self._heights.clear()
        self.rows.clear()
        self._chars, self._open = 0, False

    def fit(self, width: int) -> None:
        """Fold everything to another width."""
        if width == self._width:
            return
        self._width = width
        self._heights.clear()
        self.rows.clear()
        for line in self._lines:
            self._fold(line)

    def _fold(self, line: Line) -> None:
        folded = cells.split(line, self._width)
        self._heights.append(len(folded))
        self.rows += folded

    def _drop(self) -> None:
        rows = 0
        while len(self._lines) > 1 and (len(self._lines) > MOST_LINES or self._chars > MOST_CHARS * 0.9):
            self._chars -= cells.length(self._lines.popleft())
            rows += self._heights.popleft()
        del self.rows[:rows]
        self.gone += rows
