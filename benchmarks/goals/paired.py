"""The paired difference of two arms, and how sure it is: bootstrap over goals. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """`mean` of the differences, its percentile interval, and the number of `pairs` behind it."""

    mean: float
    low: float
    high: float
    pairs: int


def difference(pairs: Sequence[tuple[float, float]], seed: int = 1, resamples: int = RESAMPLES) -> Difference:
    """First minus second, goal by goal; for the interval goals are drawn anew, with replacement."""
    gaps = [first - second for first, second in pairs]
    if not gaps:
        return Difference(0.0, 0.0, 0.0, 0)
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(gaps, k=len(gaps))) / len(gaps) for _ in range(resamples))
    low = means[int(resamples * (1 - LEVEL) / 2)]
    high = means[int(resamples * (1 + LEVEL) / 2) - 1]
    return Difference(sum(gaps) / len(gaps), low, high, len(gaps))
