"""Versions of one thing, such as the human text of a document: which holds, and which are in conflict.

Each version names those it was made from as its parents; one that is nobody's parent is a leaf. More than
one leaf is a conflict. Both follow from the records alone, so that every node finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.journal.forks import FILED_ANEW

KINDS = ("doc", "setting")
"""Kinds whose records are versions of their entity; others are each a thing of its own."""

_ALL = f"""
SELECT entity, id, parents, epoch, ts_ms, ts_ctr, dev, body IS NOT NULL FROM records AS version
WHERE project = ? AND kind IN ({",".join(f"'{kind}'" for kind in KINDS)}) AND stream <> 'private'
AND NOT EXISTS (SELECT 1 FROM records AS grave WHERE grave.kind = 'tombstone'
                AND grave.entity = version.entity AND grave.project = version.project)"""


class Rows(Protocol):
    def rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """A version that no other was made from."""

    id: str
    ts: tuple[int, int]
    dev: str


@dataclass(frozen=True, slots=True)
class Versions:
    """`leaves` of one entity, the one that holds first. None, where all were redacted."""

    entity: str
    leaves: tuple[Leaf, ...]

    @property
    def winner(self) -> Leaf | None:
        return self.leaves[0] if self.leaves else None

    @property
    def conflict(self) -> bool:
        return len(self.leaves) > 1


def versions(journal: Rows, project: str) -> list[Versions]:
    """Of every entity of a project that has versions, by entity."""
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for entity, *row in journal.rows(_ALL, (project,)):
        groups.setdefault(entity, []).append(tuple(row))
    return [Versions(entity, ordered(_leaves(rows))) for entity, rows in sorted(groups.items())]


def projects_with_versions(journal: Rows) -> list[str]:
    kinds = ",".join(f"'{kind}'" for kind in KINDS)
    return [
        row[0] for row in journal.rows(f"SELECT DISTINCT project FROM records WHERE kind IN ({kinds})", ())
    ]


def ordered(leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
    """The winner first: the newest, of those of one time the greatest device id."""
    return tuple(sorted(leaves, key=lambda leaf: (leaf.ts, leaf.dev, leaf.id), reverse=True))


def _leaves(rows: list[tuple[Any, ...]]) -> list[Leaf]:
    replaced: set[str] = set()
    origins: dict[str, str] = {}
    for identity, parents, epoch, *_ in rows:
        named = json.loads(parents)
        if epoch >= FILED_ANEW and named:
            origins[identity] = named.pop()  # what it stands for
        replaced.update(named)
    return [
        Leaf(identity, (ms, counter), dev)
        for identity, _, _, ms, counter, dev, said in rows
        if said and identity not in replaced and origins.get(identity) not in replaced
    ]
