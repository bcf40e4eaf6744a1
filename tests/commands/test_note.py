from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.commands.note import app
from orchestrator.errors import JournalError, UsageError
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Record


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(*arguments: str, stdin: str = "") -> str:
    return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False).stdout.strip()


def noted(home: Home) -> list[Record]:
    with SqliteJournal.open(home) as journal:
        return journal.records()


def test_a_note_is_a_record_of_a_session_of_its_own(project: Path, orch_home: Home) -> None:
    citation = note("decision", "use PostgreSQL", "--because", "SQLite locks", "--rejected", "MySQL")
    (record,) = noted(orch_home)
    assert record.body == {
        "text": "use PostgreSQL",
        "because": "SQLite locks",
        "rejected": "MySQL",
        "by": "user",
        "status": "confirmed",
    }
    assert citation == f"S{record.session[:4]}#1"
    assert (record.kind, record.entity) == ("decision", f"{record.session}#1")
    briefing = (project / "SESSION_BRIEFING.md").read_text(encoding="utf-8")
    assert "use PostgreSQL" in briefing
    assert citation in briefing


def test_what_is_superseded_is_out_of_the_next_prompt(project: Path, orch_home: Home) -> None:
    first = note("decision", "use SQLite")
    made = json.loads(note("decision", "use PostgreSQL", "--supersedes", first, "--json"))
    assert made["body"]["supersedes"] == noted(orch_home)[0].id == made["parents"][0]
    assert made["citation"].startswith("S")
    note("decision", "use MySQL", "--supersedes", made["id"][:12])
    with SqliteJournal.open(orch_home) as journal:
        live = journal.live_notes(made["project"])
    assert [record.body and record.body["text"] for record in live] == ["use MySQL"]
    assert "use SQLite" not in (project / "SESSION_BRIEFING.md").read_text(encoding="utf-8")


def test_text_from_stdin_a_private_note_and_another_folder(project: Path, orch_home: Home) -> None:
    other = project / "other"
    other.mkdir()
    note("next", "-", "--private", "--project", str(other), stdin="ship it\n")
    (record,) = noted(orch_home)
    assert (record.stream, record.body and record.body["text"]) == ("private", "ship it")
    assert (other / ".orchestrator" / "project.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("idea", "x"), UsageError, "Choose from: decision"),
        (("note", "  "), UsageError, "empty"),
        (("note", "-"), UsageError, "empty"),
        (("note", "x", "--supersedes", "S9999#1"), JournalError, "There is no S9999#1"),
        (("note", "x", "--supersedes", "???"), JournalError, "not a citation"),
    ],
)
def test_what_cannot_be_noted(
    project: Path, orch_home: Home, arguments: tuple[str, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        note(*arguments)
    assert noted(orch_home) == []


def test_another_projects_note_is_not_superseded(project: Path, orch_home: Home) -> None:
    for name in ("a", "b"):
        (project / name).mkdir()
    theirs = note("note", "theirs", "--project", "a")
    with pytest.raises(UsageError, match="another project"):
        note("note", "mine", "--project", "b", "--supersedes", theirs)


def test_help_has_an_example() -> None:
    assert "Example: orch note" in CliRunner().invoke(app, ["--help"]).stdout
