"""What is forgotten is in no byte of any file, and everything else is as it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.journal import forget
from orchestrator.journal.canonical import parse_record, record_id, record_json, record_line
from orchestrator.journal.excerpts import Recall
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Record

SECRET = "zanzibarquokka"


def said(text: str, session: str = "s1", **more: Any) -> Entry:
    return Entry("message", {"role": "user", "text": text}, "p1", session, **more)


def holding(home: Home) -> list[str]:
    """Files with the secret, also as the index has it: without the letters shared with the word before."""
    return [
        path.name
        for path in home.root.iterdir()
        if any(form in path.read_bytes().lower() for form in (SECRET.encode(), SECRET[3:].encode()))
    ]


@pytest.fixture
def filled(journal: SqliteJournal) -> Record:
    """A journal in which the secret was said long, early and often enough to be moved about."""
    journal._connection.execute("PRAGMA secure_delete = OFF")  # Debian's SQLite has it on, others have not
    for number in range(120):
        journal.append([said(f"word{number} about lamps and windows")])
    record = journal.append([said(f"my passphrase {SECRET} lives here. " * 300)])[0]
    for number in range(120):
        journal.append([said(f"more{number} about lamps and zanzibar")])
    return record


def test_no_byte_is_left(filled: Record, journal: SqliteJournal, orch_home: Home) -> None:
    journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert set(holding(orch_home)) == {"journal.sqlite3", "memory_log.jsonl"}
    journal.redact([filled])
    assert holding(orch_home) == []
    journal.close()
    assert holding(orch_home) == []


def test_the_hash_stays_and_the_rest_is_as_it_was(
    filled: Record, journal: SqliteJournal, orch_home: Home
) -> None:
    before = journal.records()
    made = journal.redact([filled])
    after = journal.records()
    gone = next(record for record in after if record.id == filled.id)
    assert (gone.body, gone.salt, gone.body_sha) == (None, None, filled.body_sha)
    assert record_id(record_json(gone)) == filled.id
    assert [record for record in after if record.id != filled.id] == [
        *(record for record in before if record.id != filled.id),
        *made,
    ]
    assert made[0].kind == "redact"
    assert made[0].body == {"redacts": filled.id, "by": "user"}
    assert orch_home.memory_log.read_bytes() == b"".join(map(record_line, after))
    assert all(parse_record(json.loads(line)) for line in orch_home.memory_log.read_bytes().splitlines())
    assert not list(orch_home.root.glob("*.replaced"))
    recall = Recall(journal)
    assert not recall.ask(SECRET, 999).excerpts
    assert "more7 about lamps and zanzibar" in {one.content for one in recall.ask("more7", 999).excerpts}


def test_forgetting_twice_changes_nothing_more(filled: Record, journal: SqliteJournal) -> None:
    journal.redact([filled])
    before = journal.records()
    assert journal.redact([filled]) == []
    assert journal.records() == before


def test_a_private_record_is_redacted_in_private(journal: SqliteJournal) -> None:
    record = journal.append([said("hush", private=True)])[0]
    assert journal.redact([record])[0].stream == "private"


def test_what_a_forgotten_note_replaced_is_valid_again(journal: SqliteJournal, orch_home: Home) -> None:
    from orchestrator.journal.rebuild import rebuild

    old = journal.append([Entry("decision", {"text": "old"}, "p1", "s1")])[0]
    new = journal.append([Entry("decision", {"text": "new", "supersedes": old.id}, "p1", "s1")])[0]
    journal.redact([new])
    assert [record.id for record in journal.live_notes("p1")] == [old.id]
    journal.close()
    orch_home.journal.unlink()
    rebuild(orch_home)
    with SqliteJournal.open(orch_home) as again:
        assert [record.id for record in again.live_notes("p1")] == [old.id]


def _never(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "cut",
    [
        (forget, "clean"),
        (MemoryLog, "rewrite"),
        (forget, "_without"),
    ],
    ids=["before the files", "before the mirror", "before the database"],
)
def test_cut_off_in_between_the_next_start_does_the_rest(
    filled: Record, journal: SqliteJournal, orch_home: Home, cut: tuple[Any, str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*cut, _never)
        with pytest.raises(KeyboardInterrupt):
            journal.redact([filled])
    assert holding(orch_home)
    journal.close()
    with SqliteJournal.open(orch_home) as again:
        assert holding(orch_home) == []
        assert again.records(kinds=["redact"])
        assert orch_home.memory_log.read_bytes() == b"".join(map(record_line, again.records()))


def test_a_kept_copy_of_an_old_mirror_loses_the_record_too(
    filled: Record, journal: SqliteJournal, orch_home: Home
) -> None:
    aside = MemoryLog(orch_home.memory_log).aside
    aside.write_bytes(orch_home.memory_log.read_bytes())
    journal.redact([filled])
    assert holding(orch_home) == []
    assert len(aside.read_bytes().splitlines()) == 240


def test_another_process_that_reads_holds_nothing_up_for_good(
    filled: Record, journal: SqliteJournal, orch_home: Home
) -> None:
    with sqlite3.connect(orch_home.journal) as reader:
        reader.execute("SELECT count(*) FROM records").fetchone()
        journal.redact([filled])
        assert reader.execute("SELECT count(*) FROM records").fetchone() == (242,)
    reader.close()
    assert holding(orch_home) == []


def test_the_search_of_files_crosses_its_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "_BLOCK", 16)
    found: Callable[[bytes], Path] = lambda data: (tmp_path / "f").write_bytes(data) and tmp_path / "f"  # noqa: E731
    path = found(b"x" * 12 + "tür\n".encode() + b"y" * 40)
    assert list(forget.holding([path, tmp_path / "missing"], ["tür"])) == [path]
    assert not list(forget.holding([path], ["zzz"]))
    assert list(forget.holding([found(b"a" * 30 + rb"line\nline")], ["line\nline"])) == [path]
