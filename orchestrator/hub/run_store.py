"""Runs and their events on disk: each event is there before a device is told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from orchestrator.hub.sqlite import HubDatabase
from orchestrator.remote.run_events import RunEvent

REPLAY_MS = 10 * 60 * 1000
"""After its end a run can be replayed this long, piece by piece; then its answer is the journal's."""
KEPT_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class RunRow:
    """`record` is the id of the answer in the journal, "" where there is none."""

    id: str
    device: str
    project: str
    status: str
    prompt: str | None
    session: str
    model: str
    record: str
    citation: str
    created: int
    ended: int | None
    asked_sha256: bytes


_COLUMNS = (
    "id, device_id, project, status, prompt, coalesce(session, ''), coalesce(model, ''),"
    " coalesce(record, ''), coalesce(citation, ''), created, ended, asked_sha256"
)


class RunStore:
    def __init__(self, database: HubDatabase) -> None:
        self._database = database

    def add(
        self,
        run: str,
        device: str,
        project: str,
        prompt: str,
        *,
        key: str | None,
        asked_sha256: bytes,
        now: int,
    ) -> None:
        """A run that waits."""
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO runs (id, device_id, project, status, prompt, created, idempotency_key,"
                " asked_sha256) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)",
                (run, device, project, prompt, now, key, asked_sha256),
            )

    def event(self, run: str, event: RunEvent, **columns: object) -> None:
        """Keep an event, and what it changes of its run."""
        with self._database.writing() as db:
            values = (run, event.id, event.type, json.dumps(event.data))
            db.execute("INSERT INTO run_events VALUES (?, ?, ?, ?)", values)
            if columns:
                changes = ", ".join(f"{name} = ?" for name in columns)
                db.execute(f"UPDATE runs SET {changes} WHERE id = ?", (*columns.values(), run))

    def find(self, run: str, device: str) -> RunRow | None:
        return self._one("id = ? AND device_id = ?", run, device)

    def by_key(self, device: str, key: str) -> RunRow | None:
        return self._one("device_id = ? AND idempotency_key = ?", device, key)

    def claims(self, record: str) -> bool:
        """Whether a record of the journal is the answer of a run."""
        return bool(self._database.rows("SELECT 1 FROM runs WHERE record = ?", (record,)))

    def unfinished(self) -> list[RunRow]:
        query = f"SELECT {_COLUMNS} FROM runs WHERE ended IS NULL ORDER BY created, id"
        return [RunRow(*row) for row in self._database.rows(query)]

    def events(self, run: str) -> list[RunEvent]:
        query = "SELECT type, data, seq FROM run_events WHERE run_id = ? ORDER BY seq"
        return [
            RunEvent(kind, json.loads(data), seq) for kind, data, seq in self._database.rows(query, (run,))
        ]

    def prune(self, now: int) -> None:
        """Forget the pieces of runs that ended a while ago, and runs that ended long ago."""
        old = "run_id IN (SELECT id FROM runs WHERE ended < ?)"
        if not self._database.rows(f"SELECT 1 FROM run_events WHERE {old} LIMIT 1", (now - REPLAY_MS,)):
            return
        with self._database.writing() as db:
            db.execute(f"DELETE FROM run_events WHERE {old}", (now - REPLAY_MS,))
            db.execute("DELETE FROM runs WHERE ended < ?", (now - KEPT_MS,))

    def _one(self, where: str, *values: Any) -> RunRow | None:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM runs WHERE {where}", values)
        return RunRow(*rows[0]) if rows else None


def said(events: list[RunEvent]) -> str:
    """The answer as far as it was told."""
    text = ""
    for event in events:
        if event.type == "token":
            text += str(event.data.get("text", ""))
        elif event.type == "serving" and event.data.get("anew"):
            text = ""
    return text
