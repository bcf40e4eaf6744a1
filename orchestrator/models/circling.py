"""Whether a generation goes round in circles, as greedy small models do when they know no more. Pure."""

from __future__ import annotations

from collections.abc import Sequence

LOOK_BACK = 32
"""Tokens between two looks."""
_ROUND, _CIRCLED = 150, 150
"""Tokens of one round at most, and of all that is said again at least: a row of zeros is shorter."""


def circling(ids: Sequence[int]) -> bool:
    """Whether the newest tokens say for the third time what stands before them."""
    for period in range(1, min(_ROUND, len(ids) // 3) + 1):
        length = max(2 * period, _CIRCLED)
        if len(ids) >= length + period and ids[-length:] == ids[-length - period : -period]:
            return True
    return False
