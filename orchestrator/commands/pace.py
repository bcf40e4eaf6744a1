"""How long a prefill still takes, from what was just measured: it slows down as the window fills."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_LATELY_S = 8.0
_ENOUGH_S = 1.5


class Pace:
    """One wait in tokens. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def remaining(self, done: int, total: int) -> float | None:
        """Seconds, at the speed of the last few; None until enough was measured."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _LATELY_S:
            self._seen.popleft()
        began, first = self._seen[0]
        if now - began < _ENOUGH_S or done <= first:
            return None
        return (total - done) * (now - began) / (done - first)


def duration(seconds: float | None) -> str:
    """`about 12 s left`, `about 3 min left`; empty when it is not known."""
    if seconds is None:
        return ""
    return (
        f"about {max(round(seconds), 1)} s left" if seconds < 90 else f"about {round(seconds / 60)} min left"
    )
