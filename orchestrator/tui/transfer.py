"""How a download goes: bytes, rate, and an honest remaining time; as text, without a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from orchestrator.models.machine import size_text
from orchestrator.tui.remaining import duration

WINDOW_S = 15.0
"""The rate is that of the last seconds, so that it follows a network that changes."""
ENOUGH_S = 3.0
"""Before that much was measured, nothing is said about time."""
STALLED_S = 5.0


class Transfer:
    """One download. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self.done = 0
        self.total = 0

    def update(self, done: int, total: int) -> None:
        """`done` of `total` bytes are there now; call it at least once a second or so."""
        now = self._clock()
        if done < self.done:  # begun anew, or another step
            self._seen.clear()
        self.done, self.total = done, total
        if not self._seen or self._seen[-1][1] != done:
            self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()

    @property
    def percent(self) -> int:
        """Whole per cent, 100 only when all is there."""
        return min(self.done, self.total) * 100 // self.total if self.total else 0

    def text(self) -> str:
        """`512 MB of 1.1 GB · 8 MB/s · about 75 s left`; of rate and time only what is known."""
        said = f"{size_text(self.done)} of {size_text(self.total)}"
        if not self._seen or self.done >= self.total:
            return said
        now = self._clock()
        (began, first), (newest, _) = self._seen[0], self._seen[-1]
        if now - newest >= STALLED_S:
            return f"{said} · nothing came for {now - newest:.0f} s"
        if now - began < ENOUGH_S or self.done <= first:
            return said
        rate = (self.done - first) / (now - began)
        return f"{said} · {size_text(round(rate))}/s · {duration((self.total - self.done) / rate)} left"
