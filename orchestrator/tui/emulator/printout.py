"""Everything that is printed: by commands of the agent, and by the user's own below them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.tui.emulator.cells import Row, folded
from orchestrator.tui.emulator.channel import Channel
from orchestrator.tui.emulator.scrollback import Scrollback

LEAST_COLUMNS, LEAST_ROWS = 80, 24
"""Commands of the agent get at least these: programs cut what they say to the width they are told."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows to draw. `cursor` is its column and its row in `present`; `gone` rows have left `past`."""

    past: Sequence[Row]
    present: Sequence[Row]
    cursor: tuple[int, int] | None
    gone: int


class Printout:
    """`answer` takes what the terminal says back to the user's program. Sizes are in cells."""

    def __init__(self, answer: Callable[[str], None]) -> None:
        self._scrollback = Scrollback()
        self._gone = 0
        self.size = (LEAST_COLUMNS, LEAST_ROWS)
        """Columns and rows at which it is shown; set it by `fit`."""
        self.agent = Channel(self._scrollback, self.size_for_agent, returns=True, lossy=True)
        self.own = Channel(self._scrollback, lambda: self.size, answer=answer)

    def size_for_agent(self) -> tuple[int, int]:
        columns, rows = self.size
        return max(columns, LEAST_COLUMNS), max(rows, LEAST_ROWS)

    @property
    def idle(self) -> bool:
        """All that came is digested."""
        return self.agent.idle and self.own.idle

    @property
    def alone(self) -> bool:
        """A full-screen program of the user's has the whole view."""
        return self.own.screen is not None and self.own.screen.alternate

    def asked(self, mode: int) -> bool:
        """Whether the user's program has set this private mode."""
        return self.own.screen is not None and mode in self.own.screen.private

    def fit(self, columns: int, rows: int) -> None:
        """Fold what was printed to this width; the user's program has a screen of this size."""
        self.size = (columns, rows)
        self._scrollback.fit(columns)
        if self.own.screen is not None:
            self.own.screen.resize(rows, columns)

    def digest(self, seconds: float) -> None:
        """Work on what came, for about so long in each channel."""
        self.agent.digest(seconds)
        self.own.digest(seconds)

    def clear(self) -> None:
        self._scrollback.clear()

    def shown(self, *, cursor: bool) -> Shown:
        """What is to be seen now; `cursor`: the user's program still reads keys."""
        gone, self._gone = self._scrollback.gone - self._gone, self._scrollback.gone
        present: list[Row] = []
        if self.agent.screen is not None and not self.alone:
            present += folded(self.agent.screen.rows(), self.size[0])
        place, own = None, self.own.screen
        if own is not None:
            if cursor and not own.cursor.hidden:
                place = (min(own.cursor.x, own.columns - 1), len(present) + own.cursor.y)
            present += own.rows(cursor=True)
        return Shown(() if self.alone else self._scrollback.rows, present, place, gone)
