"""Hybrid logical clock: `ts = max(clock, max(parents.ts) + 1)`, never the same twice on one node.

A timestamp is (milliseconds, counter), compared in this order. It follows the wall clock while that
moves forward, and counts on from its last value when the wall clock stands still or is stepped back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

Ts = tuple[int, int]

FAR_AHEAD_MS = 5 * 60 * 1000
"""A peer's timestamp further ahead than this comes from a wrong clock and does not move ours."""

LAST: Ts = (253_402_300_799_999, (1 << 53) - 1)
"""Of the year 9999, after which no calendar follows, with the largest counter that every JSON can hold."""


class SystemClock:
    """The wall clock, in milliseconds since 1970."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class ClockState:
    """What a node keeps of its clock: read and written in the transaction that uses it.

    `last` is the newest timestamp given out; `ahead` the newest given to a record whose parent was
    far ahead, so that two such records differ too.
    """

    last: Ts = (0, 0)
    ahead: Ts = (0, 0)


def tick(state: ClockState, now_ms: int, parents: Iterable[Ts] = ()) -> tuple[Ts, ClockState]:
    """The next timestamp, later than all `parents`, and the state to keep.

    A parent far ahead of both our clock and the wall is answered with a timestamp just after it,
    since an edit beats what its author saw, but our clock stays where it was. Such a timestamp has
    an odd counter and every other an even one, so that none is given out again when our clock comes
    to that time.
    """
    newest = max(parents, default=(0, 0))
    if newest[0] > max(now_ms, state.last[0]) + FAR_AHEAD_MS:
        ts = _after(max(newest, state.ahead), odd=1)
        return ts, ClockState(state.last, ts)
    before = max(newest, state.last)
    ts = (now_ms, 0) if now_ms > before[0] else _after(before, odd=0)
    return ts, ClockState(ts, state.ahead)


def _after(ts: Ts, odd: int) -> Ts:
    """The next timestamp whose counter is odd (1) or even (0).

    None is past `LAST`, which no peer would take; where a peer made one so late, ours is not later.
    """
    counter = ts[1] + 1 + (ts[1] + 1 + odd) % 2
    return min((ts[0], counter) if counter <= LAST[1] else (ts[0] + 1, odd), LAST)
