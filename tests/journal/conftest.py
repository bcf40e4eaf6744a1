from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry


class SteppedClock:
    """A wall clock that stands where a test puts it."""

    def __init__(self, now: int = 1_760_000_000_000) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def journal(orch_home: Home, clock: SteppedClock) -> Iterator[SqliteJournal]:
    with SqliteJournal.open(orch_home, clock) as opened:
        yield opened


def entry(
    text: str = "x", kind: str = "note", project: str = "p1", session: str = "7f3a01", **more: object
) -> Entry:
    body = {"text": text, **(more.pop("body", {}))}  # type: ignore[dict-item]
    return Entry(kind, body, project, session, **more)  # type: ignore[arg-type]


def without_sync(connection: sqlite3.Connection) -> None:
    """Take out what the fifth migration and the later ones made."""
    connection.execute("DROP VIEW messages")
    connection.execute("DROP INDEX by_device")
    for name in ("redacted", "clock_suspects", "document_versions"):
        connection.execute(f"DROP TABLE {name}")
    connection.execute("DROP INDEX by_origin")
    connection.execute("ALTER TABLE records DROP COLUMN origin")
