"""Records with the same number that are not the same: a device was cloned, or restored from a backup. Pure.

Then a chain (dev, epoch, stream) has branches. Every node puts them into the same order, whatever it learned
of them first, and so that nothing is lost: where branches part, the record that is older (then: the one with
the smaller id) keeps its number, and each other branch is filed anew as a chain of its own.

The epoch of such a chain follows from the id of the branch's first record, its seq counts from 1. A record
filed anew is a new record with a new id; its last parent is the record that it stands for, its origin. Being
a function of the branches alone, it is the same on every node, and any node can do it: also for a
device that is gone. Filed anew once more, a record keeps its origin, so that it does not matter in which
order branches were learned of.

Epochs that devices give themselves are below `FILED_ANEW`, those of branches from there on.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.journal.canonical import record_id, record_json
from orchestrator.types import Record

FILED_ANEW = 1 << 52


def is_filed_anew(record: Record) -> bool:
    return record.epoch >= FILED_ANEW


def mark(record: Record) -> str:
    """The id that the record had when it was written: of one filed anew its origin's."""
    return record.parents[-1] if is_filed_anew(record) and record.parents else record.id


def true_parents(record: Record) -> tuple[str, ...]:
    """The parents that its author gave it."""
    return record.parents[:-1] if is_filed_anew(record) else record.parents


def older(one: Record, other: Record) -> bool:
    """Whether `one` keeps the number that both have."""
    return (one.ts, mark(one)) < (other.ts, mark(other))


def branch_epoch(first: Record) -> int:
    """The epoch of the branch that begins with this record."""
    return FILED_ANEW + int(mark(first)[:13], 16)


def filed(record: Record, epoch: int, seq: int) -> Record:
    """The record under another number; itself where that is its own."""
    if (record.epoch, record.seq) == (epoch, seq):
        return record
    moved = replace(record, epoch=epoch, seq=seq, parents=(*true_parents(record), mark(record)), id="")
    return replace(moved, id=record_id(record_json(moved)))
