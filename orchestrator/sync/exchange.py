"""One sync with a peer, whatever carries it: pull until nothing is left, then push what the peer lacks.

Nothing is kept between two syncs but the records: cut off anywhere, the next one goes on from what is
stored. No lock is held while the link is used.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, Self

from orchestrator.errors import PageTooLarge, SyncError
from orchestrator.sync.engine import WHOLE, PageSize, Streams, SyncEngine
from orchestrator.sync.plan import Segment
from orchestrator.sync.wire import Head, Key, Page, Received, Rejected, Vector

Progress = Callable[[str, int, int], None]
"""Takes "pull" or "push", how many records are done, and of how many."""

_ROUNDS = 4  # a fork takes two or three: each side learns of the other's branch


class Link(Protocol):
    """The peer's two calls. Errors are `SyncError`s; after one the sync may simply begin again."""

    def pull(self, vector: Vector) -> Page:
        """The next page for a node that holds `vector`, with the peer's heads."""
        ...

    def push(self, page: Page) -> Received:
        """Raises `PageTooLarge` when the page has to be smaller."""
        ...


@dataclass
class Exchanged:
    """What one sync did. `streams` are those that something new came for."""

    pulled: int = 0
    pushed: int = 0
    suspect: int = 0
    forked: bool = False
    streams: set[str] = field(default_factory=set)
    rejected_here: list[Rejected] = field(default_factory=list)
    rejected_there: list[Rejected] = field(default_factory=list)


def exchange(
    engine: SyncEngine,
    link: Link,
    streams: Streams = None,
    progress: Progress = lambda *_: None,
    size: PageSize = WHOLE,
) -> Exchanged:
    """Make both hold the same records of these streams. Raises `SyncError`, `JournalError`."""
    done = Exchanged()
    for _ in range(_ROUNDS):
        theirs, forked_here = _pull(engine, link, streams, progress, done)
        forked_there = _push(engine, link, theirs, streams, progress, size, done)
        if not forked_here and not forked_there:
            break
        done.forked = True
    return done


def _pull(
    engine: SyncEngine, link: Link, streams: Streams, progress: Progress, done: Exchanged
) -> tuple[Vector, bool]:
    """The peer's heads as it last told them, and whether branches were put in order here."""
    vector = dict(engine.heads(streams))
    forked, taken, total = False, 0, 0
    while True:
        page = link.pull(vector)
        received = engine.receive(page, streams)
        done.pulled += received.stored
        done.suspect += received.suspect
        done.rejected_here += received.rejected
        done.streams |= {key.stream for key in received.reached} if received.stored else set()
        forked |= bool(received.forked)
        total = total or _missing(vector, page.heads)
        taken += len(page.lines)
        if page.lines:
            progress("pull", taken, max(total, taken))
        before = dict(vector)
        vector |= received.reached
        # A chain with a line that was refused would come again for ever: it is left for the next sync.
        vector |= {key: page.heads[key] for key in received.blocked if key in page.heads}
        if not page.more:
            return page.heads, forked
        if vector == before:
            raise SyncError("The peer sends the same page again and again.", "Update orch on both sides.")


def _push(
    engine: SyncEngine,
    link: Link,
    theirs: Vector,
    streams: Streams,
    progress: Progress,
    size: PageSize,
    done: Exchanged,
) -> bool:
    """Whether the peer found branches."""
    segments = engine.segments(theirs, streams)
    total = sum(segment.last - segment.after for segment in segments)
    forked: set[Key] = set()
    sent = 0
    with _Ahead(engine) as ahead:
        while segments:
            page, left = ahead.page(segments, size)
            if not page.lines:
                break
            if left:
                ahead.prepare(left, size)
            try:
                received = link.push(page)
            except PageTooLarge:
                if len(page.lines) == 1:
                    raise
                size = PageSize(min(size.records, len(page.lines)), size.bytes).halved()
                continue
            sent += len(page.lines)
            done.pushed += received.stored
            done.rejected_there += received.rejected
            forked.update(received.forked)
            segments = [segment for segment in left if segment.key not in received.blocked]
            progress("push", sent, total)
    engine.begin_epoch(forked)
    return bool(forked)


class _Ahead:
    """Packs the next page while the peer still takes in the one before it. Nothing is kept of it but time:
    where the peer's answer changes what is to be sent, the page is made anew."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, "sync-page")
        self._wanted: tuple[list[Segment], PageSize] | None = None
        self._made: Future[tuple[Page, list[Segment]]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        error = self._made.exception() if self._made else None
        if error and not isinstance(error, Exception):
            raise error

    def prepare(self, segments: list[Segment], size: PageSize) -> None:
        self._wanted = (segments, size)
        self._made = self._thread.submit(self._make, segments, size)

    def page(self, segments: list[Segment], size: PageSize) -> tuple[Page, list[Segment]]:
        """The first page of these segments, and what is left of them."""
        made, self._made = self._made, None
        found = made.result() if made else None
        return found if found and self._wanted == (segments, size) else self._make(segments, size)

    def _make(self, segments: list[Segment], size: PageSize) -> tuple[Page, list[Segment]]:
        page, left = self._engine.next_page(segments, size)
        page.packed  # noqa: B018
        return page, left


def _missing(vector: Vector, theirs: Vector) -> int:
    nothing = Head(0, "")
    return sum(max(head.seq - vector.get(key, nothing).seq, 0) for key, head in theirs.items())
