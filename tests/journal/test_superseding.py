"""Which notes still hold, however they name what they replace and whoever wrote them first."""

from __future__ import annotations

import sqlite3
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from orchestrator.journal import schema
from orchestrator.journal.cited import cited, number_of, retired
from orchestrator.journal.database import connect
from orchestrator.journal.naming import decision
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Record

ONE, TWO, THREE = "aa" + "0" * 30, "ab" + "0" * 30, "cd" + "0" * 30


def note(text: str, session: str, supersedes: str = "", **more: Any) -> Entry:
    body = {
        "text": text,
        "by": "user",
        "status": "confirmed",
        **({"supersedes": supersedes} if supersedes else {}),
    }
    return Entry("decision", body | more, "p1", session)


def live(journal: SqliteJournal) -> list[str]:
    return [str(record.body["text"]) for record in journal.live_notes("p1") if record.body]


def test_a_short_citation_and_the_beginning_of_an_id_retire_a_note(journal: SqliteJournal) -> None:
    (first,) = journal.append([note("first", ONE)])
    journal.append([note("second", TWO, "Saa00#1")])
    assert live(journal) == ["second"]
    journal.append([note("third", THREE, first.id[:10])])
    assert live(journal) == ["second", "third"]
    assert first.id in retired(journal, [first])
    journal.append([note("fourth", THREE, "S99#1")])  # names nothing: retires nothing
    assert live(journal) == ["second", "third", "fourth"]


def test_records_of_another_device_give_the_same_notes_in_any_order_of_arrival(tmp_path: Path) -> None:
    made: list[Record] = []
    with SqliteJournal.open(Home(tmp_path / "theirs")) as theirs:
        made += theirs.append([note("first", ONE)])
        made += theirs.append([note("second", TWO, "[Saa00#1]")])
        made += theirs.append([note("third", THREE, made[1].id)])
        expected = live(theirs)
    assert expected == ["third"]
    for number, order in enumerate(permutations(made)):
        home = Home(tmp_path / str(number))
        with SqliteJournal.open(home) as mine:
            connection = connect(home.journal)
            _arrive(connection, order)
            connection.close()
            assert live(mine) == expected, [record.body for record in order]


def _arrive(connection: sqlite3.Connection, records: tuple[Record, ...]) -> None:
    for record in records:
        connection.execute("BEGIN IMMEDIATE")
        schema.insert(connection, record)
        connection.execute("COMMIT")


def test_a_circle_leaves_one_standing_and_nothing_replaces_itself(journal: SqliteJournal) -> None:
    (old,) = journal.append([note("old", ONE, "Sab00#1")])  # cites what is not there yet
    journal.append([note("new", TWO, old.id)])
    assert live(journal) == ["new"]
    journal.append([note("self", THREE, "Scd00#1")])
    assert live(journal) == ["new", "self"]


def test_what_a_model_claims_retires_no_word_of_a_persons_by_any_citation(journal: SqliteJournal) -> None:
    (mine,) = journal.append([note("mine", ONE)])
    journal.append([note("guess", TWO, "Saa00#1", by="model", status="claimed")])
    assert live(journal) == ["mine", "guess"]
    assert retired(journal, [mine]) == {}


def test_many_citations_at_once_name_what_each_names_alone(journal: SqliteJournal) -> None:
    records = journal.append([note(str(number), session) for number in range(450) for session in (ONE, TWO)])
    wanted = [journal.cite(record) for record in records]
    found = cited(journal, [*wanted, "Saa", "Sa", "Saa00", "nonsense", "S#1", records[3].id[:12]])
    assert [found[cite].record for cite in wanted] == records
    assert found["Saa00"].session == ONE
    assert found["Sa"].ambiguous
    assert not found["Sa"]
    assert found[records[3].id[:12]].record == records[3]
    assert not found["nonsense"]
    assert not found["S#1"]


def test_decisions_have_numbers(journal: SqliteJournal) -> None:
    first, second = journal.append([note("a", ONE), note("b", ONE)])
    journal.append([Entry("decision", {"text": "theirs"}, "p2", TWO)])
    assert [decision(journal, "p1", text) for text in ("D1", "[D2]", "D3", "D0", "2")] == [
        *(first, second),
        *(None, None, None),
    ]
    assert [number_of(journal, record) for record in (first, second)] == ["D1", "D2"]


@pytest.mark.parametrize("jump_ms", [-86_400_000, 86_400_000])
def test_a_clock_that_jumps_changes_nothing(orch_home: Home, jump_ms: int) -> None:
    class Jumping:
        ms = 1_795_344_000_000

        def now_ms(self) -> int:
            return self.ms

    clock = Jumping()
    with SqliteJournal.open(orch_home, clock) as journal:
        (first,) = journal.append([note("first", ONE)])
        clock.ms += jump_ms
        journal.append([note("second", TWO, first.id)])
        assert live(journal) == ["second"]
