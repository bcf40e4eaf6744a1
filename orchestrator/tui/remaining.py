"""How long a wait goes on, said honestly: from what was measured, and only once it was."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

ENOUGH_S = 1.0


class Remaining:
    """One wait. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began: tuple[float, int] | None = None

    def text(self, done: int, total: int) -> str:
        """`reading 512 of 3,771 tokens · about 12 s`; nothing about time in the first second."""
        now = self._clock()
        if self._began is None:
            self._began = (now, done)
        began, first = self._began
        what = f"reading {done:,} of {total:,} tokens"
        if now - began < ENOUGH_S or done <= first:
            return what
        return f"{what} · {duration((total - done) * (now - began) / (done - first))}"


def duration(seconds: float) -> str:
    """`about 12 s`, `about 3 min`."""
    return f"about {max(round(seconds), 1)} s" if seconds < 90 else f"about {round(seconds / 60)} min"
