"""What is new in a project: by arrival, of some kinds, without reading history."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from orchestrator.errors import JournalError
from orchestrator.journal import schema
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Kind
from tests.journal.conftest import entry, without_sync


def texts(found: list[tuple[int, object, str]]) -> list[str]:
    return [record.body["text"] for _, record, _ in found]  # type: ignore[attr-defined]


def test_the_newest_after_an_arrival_oldest_first(journal: SqliteJournal) -> None:
    journal.append([entry(str(n)) for n in range(1, 6)])
    assert texts(journal.after(0, project="p1", limit=3)) == ["3", "4", "5"]
    assert [number for number, _, _ in journal.after(3, project="p1", limit=9)] == [4, 5]
    assert journal.after(5, project="p1", limit=9) == []
    assert journal.after(0, project="p1", limit=0) == []


def test_older_ones_before_an_arrival(journal: SqliteJournal) -> None:
    journal.append([entry(str(n)) for n in range(1, 6)])
    assert texts(journal.after(0, project="p1", limit=2, before=4)) == ["2", "3"]
    assert texts(journal.after(2, project="p1", limit=9, before=4)) == ["3"]
    assert journal.after(0, project="p1", limit=9, before=1) == []


def test_only_this_project_and_these_kinds(journal: SqliteJournal) -> None:
    journal.append(
        [
            entry("a", "decision"),
            entry("b", "lesson"),
            entry("other", project="p2"),
            entry("c", "note"),
            entry("private", "decision", private=True),
        ]
    )
    kinds: tuple[Kind, ...] = ("decision", "note", "decision")
    assert texts(journal.after(0, project="p1", kinds=kinds, limit=9)) == ["a", "c", "private"]
    assert texts(journal.after(0, project="p1", limit=9)) == ["a", "b", "c", "private"]
    assert journal.after(0, project="p3", limit=9) == []


def test_each_record_comes_whole_with_the_citation_that_finds_it(journal: SqliteJournal) -> None:
    made = journal.append([entry(session="7f3a01"), entry(session="7f3a02"), entry(session="9")])
    found = journal.after(0, project="p1", limit=9)
    assert [record for _, record, _ in found] == made
    assert [citation for _, _, citation in found] == [journal.cite(record) for record in made]
    assert [journal.resolve(citation) for _, _, citation in found] == [[record] for record in made]


@pytest.mark.parametrize("kinds", [(), ("decision", "lesson")])
def test_no_history_is_read_for_it(journal: SqliteJournal, kinds: tuple[Kind, ...]) -> None:
    """Every step of SQLite's plan is a search in an index, or works on what was found."""
    queries: list[str] = []
    connection = journal._connection
    connection.set_trace_callback(queries.append)
    journal.after(7, project="p1", kinds=kinds, limit=5, before=90)
    connection.set_trace_callback(None)
    query = next(text for text in queries if "by_arrival" in text)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    searches = [step for step in plan if "records" in step]
    assert searches[0] == "SEARCH records USING INTEGER PRIMARY KEY (rowid=?)"
    walk = "SEARCH records USING COVERING INDEX by_arrival (project=? AND kind=? AND arrival>? AND arrival<?)"
    assert set(searches[1:]) == {walk}
    assert len(searches) == 1 + (len(kinds) or len(get_args(Kind)))


def test_a_journal_of_the_first_version_gets_the_index(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        made = journal.append([entry("kept")])
    with sqlite3.connect(orch_home.journal) as connection:
        without_sync(connection)
        for name in ("by_arrival", "by_role", "by_life"):
            connection.execute(f"DROP INDEX {name}")
        for name in ("index", "projects", "sessions", "turns"):
            connection.execute(f"DROP TABLE recall_{name}")
        connection.execute("DROP TABLE imported")
        connection.execute("DELETE FROM meta WHERE key LIKE 'recall%'")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with SqliteJournal.open(orch_home) as journal:
        assert [record for _, record, _ in journal.after(0, project="p1", limit=9)] == made
        version = journal._connection.execute("PRAGMA user_version").fetchone()[0]
        assert version == len(schema.MIGRATIONS)


def test_a_damaged_row_is_one_sentence(journal: SqliteJournal, tmp_path: Path) -> None:
    journal.append([entry()])
    journal._connection.execute("UPDATE records SET body = '{'")
    with pytest.raises(JournalError, match="damaged"):
        journal.after(0, project="p1", limit=1)
