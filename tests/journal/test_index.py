"""The index agrees with the records, whatever happened to them and to the processes that wrote them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.journal import index, schema, words
from orchestrator.journal.excerpts import Recall
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from tests.journal.conftest import without_sync

TABLES = {
    "recall_projects": "number, project, turns, words",
    "recall_sessions": "number, project, session, turns",
    "recall_turns": "turn, arrival, words, at_ms",
    "temp.vocabulary": "term, doc",
}


def stored(journal: SqliteJournal) -> dict[str, list[tuple[Any, ...]]]:
    """All that the index holds, down to each word of each turn."""
    connection = journal._connection
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, recall_index, instance)"
    )
    return {
        table: sorted(connection.execute(f"SELECT {columns} FROM {table}"))
        for table, columns in TABLES.items()
    }


def rebuilt(journal: SqliteJournal, page: int = 7) -> dict[str, list[tuple[Any, ...]]]:
    """The same, built anew from the records in small pages."""
    with journal._transaction():
        index.clear(journal._connection)
    more = True
    while more:
        with journal._transaction():
            more = index.build_page(journal._connection, page)
    return stored(journal)


def said(text: str, session: str = "s1", project: str = "p1", **more: Any) -> Entry:
    return Entry("message", {"role": "user", "text": text}, project, session, **more)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("say"),
            st.lists(
                st.tuples(st.text(max_size=30), st.sampled_from("abc"), st.sampled_from(["p", "q"])),
                min_size=1,
                max_size=4,
            ),
        ),
        st.tuples(st.just("note"), st.text(max_size=20)),
        st.tuples(st.just("tool"), st.text(max_size=20)),
        st.tuples(st.just("forget"), st.integers(0, 50)),
        st.tuples(st.just("bury"), st.integers(0, 50)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_it_equals_a_rebuild_after_any_sequence(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    with SqliteJournal.open(Home(tmp_path_factory.mktemp("home"))) as journal:
        for name, what in steps:
            records = journal.records()
            if name == "say":
                journal.append([said(text, session, project) for text, session, project in what])
            elif name == "note":
                journal.append([Entry("decision", {"text": what, "because": "why"}, "p", "n")])
            elif name == "tool":
                journal.append([Entry("tool_result", {"text": what}, "p", "a")])
            elif records and name == "forget":
                journal.redact([records[what % len(records)]])
            elif records:
                journal.append([Entry("tombstone", {}, "p", "n", entity=records[what % len(records)].entity)])
        assert journal.reading(index.is_current)
        now = stored(journal)
        assert now == rebuilt(journal)


def test_each_word_of_a_turn_is_there_until_it_is_redacted(journal: SqliteJournal) -> None:
    made = journal.append([said("lamp lamp lamp running"), said("window")])
    terms = {term for term, _ in stored(journal)["temp.vocabulary"]}
    assert {"lamp", "run", "window"} <= terms
    journal.redact(made[:1])
    assert {term for term, _ in stored(journal)["temp.vocabulary"]}.isdisjoint({"lamp", "run"})


def test_a_session_of_very_many_turns(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PLACE_BITS", 3)
    journal.append([said(f"turn {number}") for number in range(20)])
    journal.append([said("turn 20")])
    kept = stored(journal)
    assert [turns for _, _, _, turns in kept["recall_sessions"]] == [8, 8, 5]
    assert kept == rebuilt(journal)


# --- older journals -------------------------------------------------------------------------------


def without_index(home: Home) -> None:
    """Make the journal one of the version before the index."""
    with sqlite3.connect(home.journal) as connection:
        for name in ("index", "projects", "sessions", "turns"):
            connection.execute(f"DROP TABLE recall_{name}")
        connection.execute("DROP TABLE imported")
        without_sync(connection)
        connection.execute("DELETE FROM meta WHERE key LIKE 'recall%'")
        connection.execute("PRAGMA user_version = 3")
    connection.close()


def test_an_older_journal_is_indexed_in_pages_when_somebody_asks(
    orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([said(f"lamp {number}", f"s{number % 3}") for number in range(95)])
        whole = stored(journal)
    without_index(orch_home)
    monkeypatch.setattr(index.build_page, "__defaults__", (20,))
    with SqliteJournal.open(orch_home) as journal:
        assert journal.reading(index.progress) == (0, 95)  # opening builds nothing
        heard: list[tuple[int, int]] = []
        assert not Recall(journal).build(lambda *now: heard.append(now), pages=2)
        journal.append([said("written meanwhile")])
        assert heard == [(20, 95), (40, 95)]
    with SqliteJournal.open(orch_home) as journal:  # interrupted, and resumed
        assert Recall(journal).build()
        now = stored(journal)
        assert len(now["recall_turns"]) == 96
        assert set(whole["recall_turns"]) < set(now["recall_turns"])
        assert "written meanwhile" in {one.content for one in Recall(journal).ask("meanwhile", 9).excerpts}


def test_a_call_or_prompt_of_a_model_waits_for_some_pages_only(
    orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.journal import remembering

    with SqliteJournal.open(orch_home) as journal:
        journal.append([said(f"lamp {number}", f"s{number % 3}") for number in range(95)])
    without_index(orch_home)
    monkeypatch.setattr(index.build_page, "__defaults__", (20,))
    monkeypatch.setattr(remembering, "TOOL_PAGES", 2)
    with SqliteJournal.open(orch_home) as journal:
        memory = remembering.SessionRecall(journal, "p1")
        memory.automatic("lamp", "now", "")
        assert journal.reading(index.progress) == (20, 95)
        assert "not indexed yet" in memory.asked("lamp", "now")
        assert journal.reading(index.progress) == (60, 95)
        assert "not indexed yet" not in memory.asked("lamp", "now")


def test_records_that_an_older_version_wrote_meanwhile_are_indexed(journal: SqliteJournal) -> None:
    journal.append([said("first")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "add", lambda *_: None)
        journal.append([said("second")])
    journal.append([said("third")])
    assert not journal.reading(index.is_current)
    Recall(journal).build()
    assert stored(journal) == rebuilt(journal)
    assert len(stored(journal)["recall_turns"]) == 3


def test_other_rules_for_words_build_it_anew(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journal.append([said("getUserName"), said("forgotten")])
    monkeypatch.setattr(words, "VERSION", 999)
    journal.append([said("lamp")])
    journal.redact(made[1:])
    Recall(journal).build()
    assert stored(journal) == rebuilt(journal)
    assert len(stored(journal)["recall_turns"]) == 3


def test_a_rebuilt_journal_is_indexed_again(orch_home: Home) -> None:
    from orchestrator.journal.rebuild import rebuild

    with SqliteJournal.open(orch_home) as journal:
        made = journal.append([said("lamp"), said("secret tortoise")])
        journal.redact(made[1:])
    orch_home.journal.write_bytes(b"damaged" * 1000)
    rebuild(orch_home)
    with SqliteJournal.open(orch_home) as journal:
        Recall(journal).build()
        assert [one.content for one in Recall(journal).ask("lamp", 9).excerpts] == ["lamp"]
        assert not Recall(journal).ask("tortoise", 9).excerpts


def test_a_migration_that_is_cut_off_is_done_again(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([said("lamp")])
    without_index(orch_home)
    broken = (*schema.MIGRATIONS[:3], (*schema.MIGRATIONS[3], "SELECT no_such_column"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        with pytest.raises(Exception, match="no_such_column"):
            SqliteJournal.open(orch_home)
    with SqliteJournal.open(orch_home) as journal:
        assert Recall(journal).build()
        assert len(Recall(journal).ask("lamp", 9).excerpts) == 1


# --- several processes ----------------------------------------------------------------------------

_WRITER = """
    import sys
    from pathlib import Path
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.types import Entry
    with SqliteJournal.open(Home(Path(sys.argv[1]))) as journal:
        print("open", flush=True)
        for number in range(int(sys.argv[3])):
            text = f"lamp {sys.argv[2]} number {number}"
            session = f"{sys.argv[2]}{number // 9}"
            journal.append([Entry("message", {"role": "user", "text": text}, "p1", session)])
            print(number, flush=True)
"""


def writer(home: Home, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(_WRITER), str(home.root), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})


def finished(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=120)
    assert process.returncode == 0


def test_two_processes_append_while_a_third_recalls(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        running = [writer(orch_home, name, 120) for name in ("left", "right")]
        recall = Recall(journal)
        counts = [0]
        while any(process.poll() is None for process in running):
            recall.build()
            counts.append(len(recall.ask("lamp number", 99_999).excerpts))
        for process in running:
            finished(process)
        assert counts == sorted(counts)
        assert len(recall.ask("lamp number", 99_999).excerpts) == 240
        assert stored(journal) == rebuilt(journal)


@pytest.mark.parametrize("after", [1, 5, 17])
def test_a_writer_killed_in_mid_append_leaves_index_and_journal_agreeing(orch_home: Home, after: int) -> None:
    process = writer(orch_home, "killed", 100_000)
    assert process.stdout is not None
    for _ in range(after + 1):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with SqliteJournal.open(orch_home) as journal:
        kept = len(journal.records())
        assert kept >= after
        assert journal.reading(index.is_current)
        assert len(stored(journal)["recall_turns"]) == kept
        assert stored(journal) == rebuilt(journal)


@pytest.mark.parametrize("where", ["add", "progress"])
def test_an_append_that_fails_leaves_nothing_behind(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    journal.append([said("kept")])
    before = stored(journal)
    original: Callable[..., Any] = index._index

    def fails(*arguments: Any) -> None:
        original(*arguments)
        raise RuntimeError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(index, "_index", fails)
        with pytest.raises(RuntimeError):
            journal.append([said("lost")]) if where == "add" else rebuilt(journal)
    assert stored(journal)["recall_turns"] == (before["recall_turns"] if where == "add" else [])
    Recall(journal).build()
    assert stored(journal) == before


def test_opening_needs_no_look_at_the_index(orch_home: Home, tmp_path: Path) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([said("lamp")])
    queries: list[str] = []
    original = sqlite3.connect

    def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = original(*arguments, **named)
        connection.set_trace_callback(queries.append)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", traced)
        SqliteJournal.open(orch_home).close()
    assert queries
    assert not any("recall_" in query for query in queries)
