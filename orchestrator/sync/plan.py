"""What to send to a peer, decided from two vectors. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrator.sync.wire import Head, Key, Vector

Knows = Callable[[Key, Head], bool | None]
"""Whether a peer's head stands in our chain (True), is known not to (False), or is not known (None)."""


class Segment(NamedTuple):
    """The records of our chain after seq `after`, up to our head `last`."""

    key: Key
    after: int
    last: int


def plan(mine: Vector, theirs: Vector, knows: Knows) -> list[Segment]:
    """The chains that the peer lacks, or has another branch of.

    A peer on the same chain gets what follows its head. One on another branch gets all of ours: it finds
    where they part. A head that we do not know is one of a chain that is ahead of ours.
    """
    segments = []
    for key, head in sorted(mine.items()):
        their = theirs.get(key)
        if their == head:
            continue
        known = True if their is None else knows(key, their)
        if known is None:
            continue
        after = their.seq if their and known else 0
        if after < head.seq:
            segments.append(Segment(key, after, head.seq))
    return segments
