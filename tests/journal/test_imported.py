"""Turns of other programs in the journal: each once, with their ids and times, secrets redacted."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.journal.excerpts import Recall, Scope
from orchestrator.journal.imported import Imported, take
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.transcripts.said import Item, Said, Skipped
from orchestrator.types import Entry
from tests.journal.conftest import SteppedClock


def taken(journal: SqliteJournal, items: Iterable[Item], project: str = "p1") -> Imported:
    done = Imported()
    for _ in take(journal, project, items, "jsonl", done):
        pass
    return done


def turns(count: int, session: str = "one") -> list[Item]:
    return [
        Said(f"D{n}", session, f"2024-01-03T10:{n % 60:02}:00", "Mara", f"lamp {n}") for n in range(count)
    ]


def test_importing_again_adds_what_is_new(journal: SqliteJournal) -> None:
    first = taken(journal, [*turns(1100), Skipped("broken line"), *turns(3, "two")])
    assert (first.taken, first.known, len(first.sessions), first.skipped) == (1103, 0, 2, {"broken line": 1})
    before = journal.records()
    again = taken(journal, [*turns(1101), *turns(3, "two")])
    assert (again.taken, again.known) == (1, 1103)
    assert journal.records()[:1103] == before
    assert taken(journal, turns(5), "p2").taken == 5  # another project is another memory


def test_the_same_id_twice_in_one_batch(journal: SqliteJournal) -> None:
    assert taken(journal, [*turns(2), *turns(2)]).taken == 2


def test_ids_sessions_and_times_are_kept(journal: SqliteJournal, clock: SteppedClock) -> None:
    taken(journal, [Said("D1:3", "session_1", "1:56 pm on 8 May, 2023", "Mara", "I bought a lamp")])
    found = Recall(journal).ask("lamp", 99).excerpts[0]
    assert (found.source_id, found.session, found.role) == ("D1:3", "session_1", "Mara")
    assert found.timestamp == "2023-05-08T13:56:00"
    assert journal.resolve(found.citation)[0].id == found.id
    assert not Recall(journal).ask("lamp", 99, Scope(since_ms=clock.now - 1)).excerpts
    assert Recall(journal).ask("what was bought on May 8, 2023", 99).excerpts


def test_secrets_are_redacted(journal: SqliteJournal, orch_home: Home) -> None:
    secret = "ghp_" + "a1" * 18
    taken(journal, [Said("1", "s", "", "user", f"use {secret} here")])
    assert all(secret.encode() not in path.read_bytes() for path in orch_home.root.iterdir())


def test_a_clock_in_the_future_moves_nothing(journal: SqliteJournal, clock: SteppedClock) -> None:
    done = taken(
        journal, [Said("1", "s", "2999-01-01T00:00:00Z", "user", "lamp"), Said("2", "s", "?", "user", "x")]
    )
    assert done.undated == 1
    assert journal.append([Entry("note", {"text": "now"}, "p1", "n")])[0].ts[0] == clock.now
    assert Recall(journal).ask("lamp", 9).excerpts[0].timestamp == "2999-01-01T00:00:00Z"


def test_what_was_forgotten_does_not_come_back(journal: SqliteJournal) -> None:
    taken(journal, turns(3))
    journal.redact(journal.records()[1:2])
    assert taken(journal, turns(3)).taken == 0
    assert {one.content for one in Recall(journal).ask("lamp", 99).excerpts} == {"lamp 0", "lamp 2"}


def test_it_is_known_after_a_rebuild_too(orch_home: Home) -> None:
    from orchestrator.journal.rebuild import rebuild

    with SqliteJournal.open(orch_home) as journal:
        taken(journal, turns(3))
        journal.redact(journal.records()[:1])
    orch_home.journal.unlink()
    rebuild(orch_home)
    with SqliteJournal.open(orch_home) as journal:
        assert taken(journal, turns(3)).taken == 0


def test_our_own_records_come_back_as_what_they_are(journal: SqliteJournal) -> None:
    own = journal.append([Entry("message", {"role": "user", "text": "mine"}, "p1", "s")])[0]
    assert taken(journal, [Said(own.id, "s", own.wall, "user", "mine")]).known == 1


def test_an_import_is_not_what_the_last_session_did(orch_home: Home, tmp_path: object) -> None:
    from orchestrator.handoff.evidence import collect_briefing

    with SqliteJournal.open(orch_home) as journal:
        journal.append(
            [
                Entry("session", {"event": "start"}, "p1", "7f3a"),
                Entry("message", {"role": "user", "text": "Where is the quota checked?"}, "p1", "7f3a"),
                Entry("session", {"event": "end", "reason": "done"}, "p1", "7f3a"),
            ]
        )
        before = collect_briefing(journal, "p1", "heron")
        taken(journal, turns(400))
        assert collect_briefing(journal, "p1", "heron") == before
