"""The list of sessions: right, and as quick with years of history as with a day's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from orchestrator.journal import schema
from orchestrator.journal.sessions import TITLE_CHARS, page_query, sessions
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Record
from tests.journal.conftest import SteppedClock


def _run(
    journal: SqliteJournal,
    clock: SteppedClock,
    session: str,
    *prompts: str,
    project: str = "p1",
    end: str = "",
) -> None:
    clock.now += 60_000
    entries = [Entry("session", {"event": "start", "model": "qwen"}, project, session)]
    for prompt in prompts:
        entries.append(Entry("message", {"role": "user", "text": prompt}, project, session))
        entries.append(Entry("tool_result", {"name": "search", "text": "haystack"}, project, session))
        entries.append(
            Entry("message", {"role": "assistant", "text": f"answer to {prompt}"}, project, session)
        )
    if end:
        entries.append(Entry("session", {"event": "end", "reason": end}, project, session))
    journal.append(entries)


def test_newest_first_with_what_a_list_shows(journal: SqliteJournal, clock: SteppedClock) -> None:
    _run(journal, clock, "7f3a01", "Find the bug", "Fix it", end="done")
    _run(journal, clock, "7f3a02", end="interrupted")
    _run(journal, clock, "beef03", "Why?")
    _run(journal, clock, "cafe04", "Elsewhere", project="p2")
    found = sessions(journal, "p1")
    assert [(one.id, one.ended, one.prompts, one.title) for one in found] == [
        ("beef03", "", 1, "Why?"),
        ("7f3a02", "interrupted", 0, ""),
        ("7f3a01", "done", 2, "Find the bug"),
    ]
    assert [one.citation for one in found] == ["Sbeef", "S7f3a02", "S7f3a01"]
    assert {one.model for one in found} == {"qwen"}
    assert found[0].started == journal.records(session="beef03")[0].wall
    assert [one.id for one in sessions(journal, "p1", limit=1)] == ["beef03"]
    assert sessions(journal, "p1", limit=0) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("cache", ["b2"]),
        ("CACHE", ["b2"]),
        ("answer cache", ["b2"]),
        ("cache quota", []),  # each in another message
        ("haystack", []),  # tools' results are not searched
        ("50%", ["c3"]),
        ("5_%", []),
        ("\\n", ["c3"]),
        ("'; DROP TABLE records; --", []),
        ("naïve", ["c3"]),
        ("   ", ["c3", "b2", "a1"]),
    ],
)
def test_search(journal: SqliteJournal, clock: SteppedClock, search: str, found: list[str]) -> None:
    _run(journal, clock, "a1", "Which function raises QuotaExceeded?")
    _run(journal, clock, "b2", "Where is the cache?", "And the quota?")
    _run(journal, clock, "c3", "A naïve 50% of C:\\new")
    assert [one.id for one in sessions(journal, "p1", search=search)] == found


def test_what_a_peer_may_send(journal: SqliteJournal, clock: SteppedClock) -> None:
    """A second start, a second end, values of other types, a prompt of a megabyte."""
    _run(journal, clock, "a1", "x" * 1_000_000, end="done")
    clock.now += 1000
    odd = {"event": "start", "model": ["[b]"]}
    journal.append([Entry("session", odd, "p1", "a1"), Entry("message", {"role": "user"}, "p1", "a1")])
    journal.append([Entry("session", {"event": "end", "reason": 7}, "p1", "a1")])
    (one,) = sessions(journal, "p1")
    assert one.model == '["[b]"]'
    assert one.ended == "7"
    assert one.prompts == 2
    assert one.title == "x" * TITLE_CHARS


@pytest.fixture(scope="module")
def long_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteJournal]:
    """100,000 records in 2,000 sessions."""
    with SqliteJournal.open(Home(tmp_path_factory.mktemp("history"))) as journal:
        connection = journal._connection
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        for number in range(100_000):
            _insert(journal, number)
        connection.execute("COMMIT")
        yield journal


def _insert(journal: SqliteJournal, number: int) -> None:
    session, place = divmod(number, 50)
    kind, body = ("tool_result", {"text": "line"})
    if place in (0, 49):
        kind, body = ("session", {"event": "end" if place else "start", "reason": "done", "model": "m"})
    elif place % 8 < 2:
        kind, body = ("message", {"role": "user" if place % 8 else "assistant", "text": f"prompt {number}"})
    name = hashlib.sha256(b"%d" % session).hexdigest()[:32]
    identity = hashlib.sha256(b"r%d" % number).hexdigest()
    schema.insert(
        journal._connection,
        Record(
            1, "d", 1, "p1", number + 1, (number, 0), "2026-01-01T00:00:00+00:00", "p1", name, kind,  # type: ignore[arg-type]
            f"{name}#{place + 1}", (), body, "s", "x", identity,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("search", ["", "no such words"])
def test_only_indexed_look_ups(journal: SqliteJournal, search: str) -> None:
    query, values = page_query("p1", search, 200)
    plan = [row[3] for row in journal.rows(f"EXPLAIN QUERY PLAN {query}", values)]
    assert not [step for step in plan if step.startswith("SCAN") and "page" not in step], plan
    assert any("by_project_kind (project=? AND kind=?)" in step for step in plan)
    assert any("by_life (session=?)" in step for step in plan)
    assert sum("by_role (session=?" in step for step in plan) == (3 if search else 2)


def test_work_follows_the_page_and_not_the_history(long_history: SqliteJournal) -> None:
    def steps(limit: int) -> int:
        count = 0

        def one() -> int:
            nonlocal count
            count += 1
            return 0

        long_history._connection.set_progress_handler(one, 100)
        try:
            assert len(sessions(long_history, "p1", limit=limit)) == limit
        finally:
            long_history._connection.set_progress_handler(None, 0)
        return count

    # Steps of SQLite's virtual machine, in hundreds: exact, where a clock would not be.
    assert steps(200) < 500
    assert steps(20) < steps(200) / 4
