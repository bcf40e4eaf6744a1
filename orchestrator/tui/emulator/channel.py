"""One program after another on its way to the screen: titles, output and ends, in their order.

What comes is taken in at once and digested later, in slices, so that a flood stalls nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from orchestrator.tui.emulator.cells import Pen, Row
from orchestrator.tui.emulator.scrollback import Scrollback

if TYPE_CHECKING:
    from orchestrator.tui.emulator.screen import EmulatedScreen

SLICE = 16 * 1024
MOST_WAITING = 1 << 20
"""Characters of a channel that may lose some; then all but the newest quarter are left out."""


@dataclass(frozen=True, slots=True)
class _Begin:
    title: str


@dataclass(frozen=True, slots=True)
class _End:
    said: str
    failed: bool


class Channel:
    """`size` is asked (columns, rows) when a program begins.

    `answer` takes what the screen says back to the program. `returns`: no terminal driver has put
    carriage returns before its newlines. `lossy`: a flood may lose its middle.
    """

    def __init__(
        self,
        scrollback: Scrollback,
        size: Callable[[], tuple[int, int]],
        *,
        answer: Callable[[str], None] | None = None,
        returns: bool = False,
        lossy: bool = False,
    ) -> None:
        self._scrollback = scrollback
        self._size = size
        self._answer = answer
        self._returns = returns
        self._lossy = lossy
        self._lost = 0
        self._queue: deque[str | _Begin | _End] = deque()
        self._begun = False
        self.waiting = 0
        """Characters that are not digested yet."""
        self.screen: EmulatedScreen | None = None
        """Of the program that runs, as far as its output is digested."""

    @property
    def idle(self) -> bool:
        return not self._queue

    def begin(self, title: str) -> None:
        """A program starts; one that was not said to have ended has ended."""
        self._begun = True
        self._queue.append(_Begin(title))

    def feed(self, text: str) -> None:
        if not self._begun:
            self.begin("")
        for at in range(0, len(text), SLICE):
            self._queue.append(text[at : at + SLICE])
        self.waiting += len(text)
        if self._lossy and self.waiting > MOST_WAITING:
            self._lose()

    def end(self, said: str, *, failed: bool = False) -> None:
        """The program is over; `said` is written below its output."""
        if self._begun:
            self._begun = False
            self._queue.append(_End(said, failed))

    def _lose(self) -> None:
        kept: deque[str | _Begin | _End] = deque()
        lost = 0
        for item in self._queue:
            if isinstance(item, str) and self.waiting - lost > MOST_WAITING // 4:
                lost += len(item)
                continue
            kept.append(item)
        self.waiting -= lost
        self._lost += lost
        # The notice stands where the loss began: before the first item that is kept of this program.
        at = next((n for n, item in enumerate(kept) if isinstance(item, str)), len(kept))
        kept.insert(at, f"\x18\x1b[m\r\n[… {self._lost:,} characters are not shown …]\r\n")
        self.waiting += len(str(kept[at]))
        self._queue = kept

    # --- digesting --------------------------------------------------------------------------

    def digest(self, seconds: float) -> None:
        """Work through what waits, for about so long; at least one slice."""
        until = monotonic() + seconds
        while self._queue:
            self._take(self._queue.popleft())
            if not self._queue:
                self._lost = 0
            if monotonic() >= until:
                break

    def _take(self, item: str | _Begin | _End) -> None:
        if isinstance(item, str):
            self.waiting -= len(item)
            self._escapes.feed(item)
            return
        self._leave()
        if isinstance(item, _Begin):
            self._say(item.title, "title")
            self._open()
        else:
            self._say(item.said, "failed" if item.failed else "ended")

    def _open(self) -> None:
        from orchestrator.tui.emulator.escapes import Escapes
        from orchestrator.tui.emulator.screen import EmulatedScreen

        columns, rows = self._size()
        self.screen = EmulatedScreen(
            columns, rows, self._scrollback.add, answer=self._answer, returns=self._returns
        )
        self._escapes = Escapes(self.screen)

    def _leave(self) -> None:
        if self.screen is not None:
            self.screen.leave()
            self.screen = None
        self._scrollback.close()

    def _say(self, text: str, role: str) -> None:
        if text:
            self._scrollback.add(Row(((text, Pen(role=role)),)))
