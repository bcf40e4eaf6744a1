from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.commands.log import app, since_time
from orchestrator.errors import JournalError, UsageError
from orchestrator.journal.canonical import parse_record
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Record
from orchestrator.workspaces import open_project

HOSTILE = "red \x1b[31mtext\x1b]0;title\x07\nsecond\x9b2J [bold]line[/bold] \u202e"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return open_project(tmp_path).id


@pytest.fixture
def written(project: str, orch_home: Home) -> list[Record]:
    entries = [
        Entry("session", {"event": "start", "model": "m"}, project, "7f3a01"),
        Entry("message", {"role": "user", "text": HOSTILE}, project, "7f3a01"),
        Entry("tool_call", {"name": "search", "arguments": {"query": "x", "n": 1}}, project, "7f3a01"),
        Entry("tool_result", {"name": "search", "ok": True, "text": "y" * 5000}, project, "7f3a01"),
        Entry("decision", {"text": "use it", "because": "fast"}, project, "7fff01"),
        Entry("lesson", {"text": "elsewhere"}, "p2", "8888aa"),
    ]
    with SqliteJournal.open(orch_home) as journal:
        return journal.append(entries)


def log(*arguments: str) -> list[str]:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout.splitlines()


def test_one_clean_line_a_record_newest_last(written: list[Record]) -> None:
    lines = log()
    assert [line.split()[2] for line in lines] == [
        "session",
        "message",
        "tool_call",
        "tool_result",
        "decision",
    ]
    assert lines[1].endswith("user: red text second [bold]line[/bold]  [S7f3a#2]")
    assert lines[2].endswith("search n=1, query=x  [S7f3a#3]")
    assert lines[4].endswith("use it (because fast)  [S7fff#1]")
    assert all(len(line) <= 400 and line.isprintable() for line in lines)


def test_filters(written: list[Record]) -> None:
    assert [line.split()[2] for line in log("--kind", "decision", "--kind", "message")] == [
        "message",
        "decision",
    ]
    assert len(log("--all")) == 6
    assert [line.split()[2] for line in log("--limit", "2")] == ["tool_result", "decision"]
    assert len(log("--session", "S7f3a")) == 4
    assert len(log("--since", "1h")) == 5
    assert log("--since", "2999-01-01") == []


def test_json_is_the_records(written: list[Record]) -> None:
    rows = [json.loads(line) for line in log("--all", "--json")]
    assert [row.pop("citation") for row in rows][-1] == "S8888#1"
    assert [parse_record(row) for row in rows] == written


def test_a_folder_without_a_project_shows_all(
    written: list[Record], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert len(log()) == 6
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("--kind", "idea"), UsageError, "no kind 'idea'"),
        (("--since", "soon"), UsageError, "no time"),
        (("--since", "9999-12-31T23:59:59-20:00"), UsageError, "no time"),
        (("--all", "--project", "."), UsageError, "exclude"),
        (("--session", "S9999"), JournalError, "There is no S9999"),
    ],
)
def test_wrong_arguments(
    written: list[Record], arguments: tuple[str, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        log(*arguments)


def test_times() -> None:
    assert since_time("2d", 10**12) == 10**12 - 172_800_000
    assert since_time("90m", 10**12) == 10**12 - 5_400_000
    assert since_time("999999w", 10**12) == 0
    local = datetime(2026, 11, 1).astimezone().timestamp() * 1000
    assert since_time("2026-11-01", 0) == since_time("2026-11-01T00:00", 0) == local
    assert since_time("1970-01-01T01:00:00+01:00", 0) == since_time("1970-01-01T00:00:00Z", 0) == 0


def test_a_reader_that_left_is_no_error(written: list[Record], orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([Entry("note", {"text": "z" * 300}, "p2", "8888aa") for _ in range(1000)])
    code = "from orchestrator.commands.log import app; app(['--all'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_text_that_the_terminal_cannot_show(written: list[Record], orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([Entry("note", {"text": "Größe \U0001f600"}, "p2", "8888aa")])
    done = subprocess.run(
        [sys.executable, "-c", "from orchestrator.commands.log import app; app(['--all'])"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"Gr" in done.stdout


def test_rebuild(written: list[Record], orch_home: Home) -> None:
    assert log("--rebuild") == ["The journal is sound: nothing was rebuilt."]
    orch_home.journal.write_bytes(b"garbage" * 2000)
    with pytest.raises(JournalError, match="orch log --rebuild"):
        log("--all")
    said = log("--rebuild")
    assert said[0] == "The new journal holds 6 records."
    assert "damaged-" in said[1]
    assert len(log("--all")) == 6


def test_help_has_an_example() -> None:
    assert "Example: orch log" in CliRunner().invoke(app, ["--help"]).stdout
