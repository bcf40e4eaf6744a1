"""How often somebody may ask: token buckets by name, in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

MOST_NAMES = 10_000


class Rate:
    """`burst` at once, then `each_s` seconds for every further one. `now` in seconds, rising."""

    def __init__(self, burst: int, each_s: float, now: Callable[[], float]) -> None:
        self._burst = burst
        self._each_s = each_s
        self._now = now
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str) -> int:
        """Whole seconds until `name` may again; 0: now."""
        used = self._level(name)
        return 0 if used <= self._burst - 1 else math.ceil((used - self._burst + 1) * self._each_s)

    def spend(self, name: str) -> None:
        self._used[name] = (self._level(name) + 1, self._now())
        self._used.move_to_end(name)
        if len(self._used) > MOST_NAMES:
            self._used.popitem(last=False)

    def _level(self, name: str) -> float:
        used, since = self._used.get(name, (0.0, 0.0))
        return max(0.0, used - (self._now() - since) / self._each_s)
