"""Six ways to get sync wrong, each as a patch of the real engine: the machine must find every one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.journal import intake, store, versions
from orchestrator.journal.clock import ClockState, Ts, tick
from orchestrator.journal.intake import Intake, Place
from orchestrator.sync.engine import Streams, SyncEngine
from orchestrator.sync.verify import verified
from orchestrator.sync.wire import Head, Key, Page, Received
from orchestrator.types import Record

Patch = Callable[[pytest.MonkeyPatch], None]


def max_index_cursor(patch: pytest.MonkeyPatch) -> None:
    """A record is stored wherever it belongs, and the highest number counts as held."""
    honest = Intake.take

    def take(self: Intake, record: Record) -> str:
        chain = (record.dev, record.epoch, record.stream)
        self._places[chain] = record.seq - 1, Place(record.epoch, record.seq - 1)
        return honest(self, record)

    patch.setattr(Intake, "take", take)


def cursor_before_commit(patch: pytest.MonkeyPatch) -> None:
    """What was asked for counts as held before it is stored."""
    cursors: dict[str, dict[Key, Head]] = {}
    heads, receive = SyncEngine.heads, SyncEngine.receive

    def ahead(self: SyncEngine, streams: Streams = None) -> dict[Key, Head]:
        return {**heads(self, streams), **cursors.get(self._journal._home.root.as_posix(), {})}

    def eager(self: SyncEngine, page: Page, allowed: Streams = None) -> Received:
        cursor = cursors.setdefault(self._journal._home.root.as_posix(), {})
        for line in page.lines:
            record = verified(line)
            cursor[Key(record.dev, record.epoch, record.stream)] = Head(record.seq, record.id)
        return receive(self, page, allowed)

    patch.setattr(SyncEngine, "heads", ahead)
    patch.setattr(SyncEngine, "receive", eager)


def wall_clock(patch: pytest.MonkeyPatch) -> None:
    def wall(state: ClockState, now_ms: int, parents: Any = ()) -> tuple[Ts, ClockState]:
        return (now_ms, 0), ClockState((now_ms, 0), state.ahead)

    patch.setattr(store, "tick", wall)


def arrival_order(patch: pytest.MonkeyPatch) -> None:
    """The version that came last holds."""
    patch.setattr(versions, "_ALL", versions._ALL + " ORDER BY arrival")
    patch.setattr(versions, "ordered", lambda leaves: tuple(reversed(list(leaves))))


def ignored_fork(patch: pytest.MonkeyPatch) -> None:
    """On conflict do nothing."""
    honest = Intake._put

    def put(self: Intake, record: Record, epoch: int, seq: int) -> Place:
        query = "SELECT 1 FROM records WHERE dev = ? AND epoch = ? AND stream = ? AND seq = ?"
        if self.connection.execute(query, (record.dev, epoch, record.stream, seq)).fetchone():
            return Place(epoch, seq)
        return honest(self, record, epoch, seq)

    patch.setattr(Intake, "_put", put)


def no_ratchet_on_receipt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(intake, "later", lambda ours, theirs: ours)


def no_ratchet_on_parents(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(store, "tick", lambda state, now_ms, parents=(): tick(state, now_ms))


MUTANTS: tuple[Patch, ...] = (
    max_index_cursor,
    cursor_before_commit,
    wall_clock,
    arrival_order,
    ignored_fork,
    no_ratchet_on_receipt,
    no_ratchet_on_parents,
)
