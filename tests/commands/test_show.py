from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.commands import note as note_command
from orchestrator.commands import show as show_command
from orchestrator.errors import JournalError, UsageError
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.workspaces import open_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(*arguments: str) -> str:
    result = CliRunner().invoke(note_command.app, list(arguments), catch_exceptions=False)
    return result.stdout.strip()


def show(*arguments: str) -> str:
    return CliRunner().invoke(show_command.app, list(arguments), catch_exceptions=False).stdout


def git(*arguments: str) -> str:
    who = ("-c", "user.name=Ines", "-c", "user.email=ines@x")
    done = subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_decision_by_number_and_what_superseded_it(project: Path) -> None:
    first = note("decision", "use SQLite")
    second = note("decision", "use PostgreSQL", "--supersedes", "D1")
    shown = show("D1")
    assert f"{first}  decision D1" in shown
    assert f"superseded by: {second}" in shown
    value = json.loads(show("D2", "--json"))
    assert (value["citation"], value["number"], value["superseded_by"]) == (second, "D2", None)
    with pytest.raises(JournalError, match="names nothing here"):
        show("D3")


def test_a_line_of_a_file_and_no_file_outside(project: Path) -> None:
    (project / "a.txt").write_bytes(b"one\r\ntwo\x1b[31m\r\nthree\r\n")
    assert show("a.txt:2", "--around", "1").splitlines() == [
        "      1  one",
        ">     2  two[31m",
        "      3  three",
    ]
    assert json.loads(show("a.txt:3", "--json", "--around", "0")) == {
        "path": "a.txt",
        "line": 3,
        "text": "three",
    }
    with pytest.raises(UsageError, match="3 lines"):
        show("a.txt:4")
    (project.parent / "outside.txt").write_text("secret", encoding="utf-8")
    (project / "link.txt").symlink_to(project.parent / "outside.txt")
    for path in ("../outside.txt:1", str(project.parent / "outside.txt"), "link.txt:1"):
        with pytest.raises(JournalError):
            show(path)


def test_a_commit_that_was_rebased_away_and_all_evidence_of_a_line(project: Path) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "First")
    git("commit", "-q", "--allow-empty", "-m", "Second")
    commit = git("rev-parse", "--short", "HEAD")
    assert json.loads(show(commit, "--json"))["lost"] is None
    git("reset", "-q", "--hard", "HEAD~1")
    lesson = note("lesson", "use TZ=UTC")
    shown = show(f"x [{lesson}, {commit}, verified]")
    assert "use TZ=UTC" in shown
    assert "This commit is in no branch any more" in shown
    assert "Second" in shown


def test_confirming_makes_a_claim_a_persons_word_and_may_retire_another(
    project: Path, orch_home: Home
) -> None:
    place = open_project(project)
    with SqliteJournal.open(orch_home) as journal:
        body = {"text": "use TZ=UTC", "because": "tests fail", "by": "model", "status": "claimed"}
        claim = journal.append([Entry("lesson", body, place.id, "7f3a" + "0" * 28)])[0]
    other = note("lesson", "use local time")
    made = json.loads(note("confirm", "S7f3a#1", "--supersedes", other, "--json"))
    assert made["kind"] == "lesson"
    assert made["body"]["confirms"] == claim.id
    assert made["body"]["because"] == "tests fail"
    briefing = (project / "SESSION_BRIEFING.md").read_text(encoding="utf-8")
    lessons = briefing.split("## Lessons\n")[1].split("\n\n")[0].splitlines()
    assert [line.rpartition(" [")[2] for line in lessons] == [f"{made['citation']}, S7f3a#1, confirmed]"]
    with pytest.raises(UsageError, match="holds no longer"):
        note("confirm", other)
    with pytest.raises(JournalError):
        note("confirm", "Sffff#1")
