from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import JournalError
from orchestrator.journal import schema
from orchestrator.journal.canonical import parse_record, record_json
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Record
from tests.journal.conftest import SteppedClock, entry


def texts(records: list[Record]) -> list[str]:
    return [record.body["text"] for record in records if record.body]


def test_a_record_has_every_field_and_its_hashes(journal: SqliteJournal) -> None:
    parent, child = journal.append([entry("one"), entry("two", "decision")])
    grandchild = journal.append([entry("three", parents=(child.id,), entity="e")])[0]
    assert [parse_record(record_json(record)) for record in (parent, child)] == [parent, child]
    assert (parent.seq, child.seq, parent.entity, child.entity) == (1, 2, "7f3a01#1", "7f3a01#2")
    assert (parent.dev, parent.epoch) == journal.device
    assert grandchild.ts > child.ts > parent.ts
    assert (grandchild.entity, grandchild.parents) == ("e", (child.id,))
    assert journal.records() == [parent, child, grandchild]


def test_what_is_read_is_what_was_given_and_survives_reopening(orch_home: Home) -> None:
    body = {"text": "é\ud800", "deep": [{"n": 10**30, "f": 0.1}], "nan": float("nan")}
    with SqliteJournal.open(orch_home) as first:
        given = first.append([entry(body=body, session="s\udfff")])
        device = first.device
    with SqliteJournal.open(orch_home) as second:
        assert second.records() == given
        assert second.device == device
    assert given[0].body == {"text": "é\ufffd", "deep": [{"n": 10**30, "f": 0.1}], "nan": None}
    assert given[0].session == "s\ufffd"


def test_streams_number_themselves_and_the_session_counts_over_all(journal: SqliteJournal) -> None:
    made = journal.append([entry(), entry(private=True), entry(project=""), entry(project="p2"), entry()])
    assert [(r.stream, r.seq) for r in made] == [("p1", 1), ("private", 1), ("node", 1), ("p2", 1), ("p1", 2)]
    assert [r.entity for r in made] == [f"7f3a01#{n}" for n in range(1, 6)]


@pytest.mark.parametrize("name", ["private", "node"])
def test_no_project_takes_the_name_of_a_stream(journal: SqliteJournal, name: str) -> None:
    with pytest.raises(JournalError, match="cannot have the id"):
        journal.append([entry(project=name)])


def test_all_entries_or_none(journal: SqliteJournal) -> None:
    with pytest.raises(JournalError, match="cannot hold"):
        journal.append([entry("fine"), entry(body={"x": object()})])
    assert journal.append([]) == []
    assert journal.records() == []


def test_the_clock_counts_on_when_the_wall_steps_back(orch_home: Home, clock: SteppedClock) -> None:
    with SqliteJournal.open(orch_home, clock) as journal:
        journal.append([entry("a")])
    clock.now -= 86_400_000
    with SqliteJournal.open(orch_home, clock) as journal:
        journal.append([entry("b"), entry("c")])
        assert texts(journal.records()) == ["a", "b", "c"]


def test_a_secret_is_nowhere_on_the_disk(journal: SqliteJournal, orch_home: Home) -> None:
    secret = "ghp_" + "a1" * 18
    record = journal.append([entry(f"use {secret} here", body={"k": [secret]})])[0]
    assert record.body == {"text": "use [redacted:github-token] here", "k": ["[redacted:github-token]"]}
    assert len(list(orch_home.root.iterdir())) >= 4
    assert all(secret.encode() not in path.read_bytes() for path in orch_home.root.iterdir())


def test_only_the_owner_reads_the_journal(journal: SqliteJournal, orch_home: Home) -> None:
    journal.append([entry()])
    assert [oct(path.stat().st_mode & 0o077) for path in orch_home.root.iterdir()] == ["0o0"] * len(
        list(orch_home.root.iterdir())
    )


# --- queries ------------------------------------------------------------------------------------


def test_records_are_filtered_ordered_and_limited(journal: SqliteJournal, clock: SteppedClock) -> None:
    for number, kind in enumerate(["note", "message", "decision", "note", "message"]):
        clock.now += 1000
        journal.append(
            [entry(str(number), kind, session=f"s{number % 2}"), entry("other", kind, project="p2")]
        )
    mine = {"project": "p1"}
    assert texts(journal.records(**mine)) == ["0", "1", "2", "3", "4"]
    assert texts(journal.records(**mine, newest_first=True, limit=2)) == ["4", "3"]
    assert texts(journal.records(**mine, kinds=["note", "decision", "note"])) == ["0", "2", "3"]
    assert texts(journal.records(**mine, kinds=["note", "decision"], newest_first=True, limit=2)) == [
        "3",
        "2",
    ]
    assert texts(journal.records(**mine, session="s1", kinds=["message"])) == ["1"]
    assert texts(journal.records(**mine, since_ms=clock.now - 1000)) == ["3", "4"]
    assert journal.records(kinds=[]) == journal.records(limit=0) == []
    assert len(journal.records()) == 10


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "by_time"),
        ({"project": "p1"}, "by_project "),
        ({"kinds": ["note"]}, "by_kind"),
        ({"project": "p1", "kinds": ["note", "decision"]}, "by_project_kind"),
        ({"project": "p1", "session": "s", "kinds": ["note"]}, "by_session"),
    ],
)
def test_the_newest_come_from_an_index_without_sorting(
    journal: SqliteJournal, filters: dict[str, object], index: str
) -> None:
    queries: list[str] = []
    journal._connection.set_trace_callback(queries.append)
    journal.records(**filters, newest_first=True, limit=5)  # type: ignore[arg-type]
    journal._connection.set_trace_callback(None)
    assert queries
    for query in queries:
        plan = " ".join(row[3] for row in journal._connection.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert f"USING INDEX {index}" in plan + " "
        assert "TEMP B-TREE" not in plan


def test_live_notes_leave_out_the_superseded_by_chains_too(journal: SqliteJournal) -> None:
    first = journal.append([entry("sqlite", "decision"), entry("keep", "lesson"), entry("said", "message")])[
        0
    ]
    second = journal.append([entry("postgres", "decision", body={"supersedes": first.id})])[0]
    journal.append([entry("mysql", "decision", body={"supersedes": second.id})])
    journal.append([entry("elsewhere", "decision", project="p2")])
    assert texts(journal.live_notes("p1")) == ["keep", "mysql"]


def test_live_notes_are_found_among_notes_only(journal: SqliteJournal) -> None:
    queries: list[str] = []
    journal._connection.set_trace_callback(queries.append)
    journal.live_notes("p1")
    journal._connection.set_trace_callback(None)
    plan = [row[3] for row in journal._connection.execute(f"EXPLAIN QUERY PLAN {queries[0]}")]
    assert plan[0] == "SEARCH note USING INDEX by_project_kind (project=? AND kind=?)"
    assert not any("SCAN" in step for step in plan)


def test_another_project_retires_nothing_here(journal: SqliteJournal) -> None:
    mine = journal.append([entry("mine", "decision")])[0]
    journal.append([entry("theirs", "decision", project="p2", body={"supersedes": mine.id})])
    assert texts(journal.live_notes("p1")) == ["mine"]


def test_a_message_retires_nothing(journal: SqliteJournal) -> None:
    mine = journal.append([entry("mine", "decision")])[0]
    journal.append([entry("chat", "message", body={"supersedes": mine.id})])
    assert texts(journal.live_notes("p1")) == ["mine"]


def test_a_claim_retires_claims_only(journal: SqliteJournal) -> None:
    said = journal.append([entry("said", "decision", body={"by": "user", "status": "confirmed"})])[0]
    claim = journal.append([entry("guess", "decision", body={"by": "model", "status": "claimed"})])[0]
    for target in (said, claim):
        body = {"status": "claimed", "supersedes": target.id}
        journal.append([entry("newer guess", "decision", body=body)])
    assert texts(journal.live_notes("p1")) == ["said", "newer guess", "newer guess"]


def test_a_tombstone_hides_and_brings_back_what_was_superseded(journal: SqliteJournal) -> None:
    first = journal.append([entry("first", "decision")])[0]
    second = journal.append([entry("second", "decision", body={"supersedes": first.id})])[0]
    journal.append([entry("", "tombstone", entity=second.entity, project="p2")])
    assert texts(journal.live_notes("p1")) == ["second"]
    journal.append([entry("", "tombstone", entity=second.entity, parents=(second.id,))])
    assert texts(journal.live_notes("p1")) == ["first"]


# --- citations ----------------------------------------------------------------------------------


def test_a_citation_names_its_record_again(journal: SqliteJournal) -> None:
    made = journal.append([entry(session="7f3a01"), entry(session="7f3a01"), entry(session="7fff00")])
    cited = [journal.cite(record) for record in made]
    assert cited == ["S7f3a#1", "S7f3a#2", "S7fff#1"]
    assert [journal.resolve(text) for text in cited] == [[record] for record in made]
    assert journal.resolve(" [S7f3a#2] ") == [made[1]]
    assert journal.resolve("S7f3a") == made[:2]
    assert journal.cite_session("7f3a01") == "S7f3a"
    assert journal.resolve(made[1].id[:10].upper()) == [made[1]]
    own = journal.append([entry(session="7fff00", entity="doc:x")])[0]
    assert journal.resolve(journal.cite(own)) == [own]


def test_prefixes_grow_and_what_became_ambiguous_says_so(journal: SqliteJournal) -> None:
    first = journal.append([entry(session="7f3a01"), entry(session="7f3a01")])
    other = journal.append([entry(session="7f3a77")])
    assert [journal.cite(record) for record in (first[0], other[0])] == ["S7f3a0#1", "S7f3a7#1"]
    assert journal.resolve("S7f3a#2") == [first[1]]
    with pytest.raises(JournalError, match=r"ambiguous: it may be S7f3a0#1 .*S7f3a7#1"):
        journal.resolve("S7f3a#1")
    with pytest.raises(JournalError, match=r"ambiguous: it may be S7f3a0, S7f3a7"):
        journal.resolve("S7f3a")


def test_a_session_whose_id_begins_another(journal: SqliteJournal) -> None:
    short, long = journal.append([entry(session="abcd"), entry(session="abcdef")])
    assert journal.resolve(journal.cite(short)) == [short]
    assert journal.resolve(journal.cite(long)) == [long]


@pytest.mark.parametrize(
    "text", ["S9999#1", "S9999", "7f3a#1", "S7f3a01#9", "deadbeef", "abc", "", "S7f3a01#0"]
)
def test_a_citation_of_nothing_is_a_clear_error(journal: SqliteJournal, text: str) -> None:
    journal.append([entry()])
    with pytest.raises(JournalError, match=r"There is no|not a citation"):
        journal.resolve(text)


# --- the file -----------------------------------------------------------------------------------


def test_a_newer_journal_is_not_touched(orch_home: Home) -> None:
    SqliteJournal.open(orch_home).close()
    with sqlite3.connect(orch_home.journal) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(JournalError, match="Update orch"):
        SqliteJournal.open(orch_home)


def test_a_journal_that_was_moved_away_acknowledges_nothing(journal: SqliteJournal, orch_home: Home) -> None:
    journal.append([entry()])
    orch_home.journal.rename(orch_home.root / "elsewhere")
    with pytest.raises(JournalError, match="replaced"):
        journal.append([entry()])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be opened for writing"):
        SqliteJournal.open(Home(tmp_path / "file" / "home"))


def test_threads_share_one_journal(journal: SqliteJournal) -> None:
    threads = [
        threading.Thread(target=lambda: [journal.append([entry()]) for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.seq for record in journal.records()] == list(range(1, 81))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_processes_write_at_once_without_loss_or_gap(orch_home: Home) -> None:
    children = []
    for number in range(4):
        if (child := os.fork()) == 0:
            try:
                with SqliteJournal.open(orch_home) as journal:
                    for count in range(40):
                        journal.append(
                            [entry(f"{number}.{count}", session=f"s{number}"), entry(private=True)]
                        )
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    with SqliteJournal.open(orch_home) as journal:
        found = journal.records()
        assert len({record.ts for record in found}) == len(found) == 320
        for stream in ("p1", "private"):
            assert [record.seq for record in found if record.stream == stream] == list(range(1, 161))
        for number in range(4):
            own = journal.records(session=f"s{number}")
            assert texts(own) == [f"{number}.{count}" for count in range(40)]
            assert [record.entity for record in own] == [f"s{number}#{n}" for n in range(1, 41)]
    assert len(orch_home.memory_log.read_bytes().splitlines()) == 320


def test_a_second_connection_takes_no_lock_from_the_first(orch_home: Home) -> None:
    """Else another process that closes the journal removes the log that this one goes on writing to."""
    with SqliteJournal.open(orch_home) as first:
        first.append([entry("before")])
        SqliteJournal.open(orch_home).close()
        other = (
            "from orchestrator.paths import home; from orchestrator.journal.store import SqliteJournal\n"
            "with SqliteJournal.open(home()) as journal: print(len(journal.records()))"
        )
        count = [sys.executable, "-c", other]
        assert subprocess.run(count, capture_output=True, text=True, check=True).stdout == "1\n"
        first.append([entry("after")])
        assert subprocess.run(count, capture_output=True, text=True, check=True).stdout == "2\n"


def test_a_record_written_by_another_device_keeps_its_ordinal(journal: SqliteJournal) -> None:
    made = journal.append([entry(), entry()])[1]
    foreign = replace(made, dev="f" * 32, session="bbbb", entity="bbbb#9", id="0" * 64)
    journal._connection.execute("BEGIN IMMEDIATE")
    schema.insert(journal._connection, foreign)
    journal._connection.execute("COMMIT")
    assert journal.cite(foreign) == "Sbbbb#9"
    assert journal.append([entry(session="bbbb")])[0].entity == "bbbb#10"
