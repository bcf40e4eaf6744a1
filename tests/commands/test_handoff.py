"""`orch handoff` as a person or a script calls it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestrator.commands.handoff import app
from orchestrator.commands.note import app as notes
from orchestrator.errors import UsageError
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.workspaces import open_project, remember
from tests.commands.orch import ORCH, run, script
from tests.handoff.test_git_state import commit, git


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def handoff(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def note(*arguments: str) -> str:
    return CliRunner().invoke(notes, list(arguments), catch_exceptions=False).stdout.strip()


def states(result: Result) -> dict[str, str]:
    (project,) = json.loads(result.stdout)["projects"]
    return {Path(item["path"]).name: item["state"] for item in project["documents"]}


def briefing(project: Path) -> str:
    return (project / "SESSION_BRIEFING.md").read_text(encoding="utf-8")


def goals(home: Home) -> list[dict[str, Any]]:
    with SqliteJournal.open(home) as journal:
        return [dict(record.body or {}) for record in journal.records(kinds=("goal",))]


def test_tiers_are_made_and_then_up_to_date(project: Path) -> None:
    note("decision", "PostgreSQL", "--because", "SQLite locks")
    assert states(handoff("--json")) == {
        "PROJECT_CONTEXT.md": "created",
        "SESSION_BRIEFING.md": "unchanged",
        "SESSION_LOG.md": "unchanged",
    }
    (project / "SESSION_BRIEFING.md").unlink()
    assert states(handoff("--json", "--tier", "3")) == {"SESSION_BRIEFING.md": "created"}
    assert "- PostgreSQL: SQLite locks [" in briefing(project)
    assert handoff("--tier", "3").stdout == f"{project / 'SESSION_BRIEFING.md'}: up to date\n"


def test_diff_writes_nothing_and_check_says_what_is_wrong(project: Path) -> None:
    note("decision", "PostgreSQL")
    handoff()
    assert (handoff("--check").exit_code, handoff("--diff").stdout) == (0, "")
    whole = briefing(project)
    region = whole[whole.index("<!-- orch:begin") : whole.index("<!-- orch:end -->")]
    (project / "SESSION_BRIEFING.md").write_text(whole.replace(region, "<!-- orch:begin summary -->\n"))
    told = handoff("--diff").stdout
    assert "+- PostgreSQL [S" in told
    assert "- PostgreSQL" not in briefing(project)
    checked = handoff("--check")
    assert checked.exit_code == 1
    assert "SESSION_BRIEFING.md: stale. Run `orch handoff`." in checked.stdout
    handoff()
    assert briefing(project) == whole
    (project / "SESSION_BRIEFING.md").write_text(whole.replace("[S", "[Sffff"))
    checked = handoff("--check", "--json")
    assert checked.exit_code == 1
    assert "dangling" in {finding["what"] for finding in json.loads(checked.stdout)["findings"]}


def test_a_goal_is_a_draft_until_it_is_taken(project: Path, orch_home: Home) -> None:
    for number in range(12):
        note("decision", f"rates of carrier {number} are kept", "--because", "words that fill the line " * 5)
    note("decision", "quota rows are locked", "--because", "Redis lost increments")
    for number in range(12):
        note("decision", f"portal page {number} stays", "--because", "words that fill the line " * 5)
    handoff("--budget", "600")
    assert "quota rows are locked" not in briefing(project)
    before = briefing(project)
    draft = handoff("lock the quota row", "--budget", "600")
    assert "**Goal**: lock the quota row (not recorded yet)" in draft.stdout
    assert "- quota rows are locked: Redis lost increments [S" in draft.stdout
    assert "Nothing is written" in draft.stderr
    assert (briefing(project), goals(orch_home)) == (before, [])
    handoff("lock the quota row", "--yes")
    assert "**Goal**: lock the quota row [S" in briefing(project)
    handoff("lock the quota row", "--yes")
    assert len(goals(orch_home)) == 1


def test_a_draft_is_edited(project: Path, orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    cited = note("decision", "PostgreSQL")
    note("decision", "Money in cents")
    editor = project.parent / "editor"
    editor.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "path = sys.argv[-1]\n"
        "lines = [line for line in open(path) if 'PostgreSQL' not in line]\n"
        "open(path, 'w').writelines([*lines, 'Ask Ines for the rates of Portugal.\\n'])\n"
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(editor))
    handoff("bill by the second", "--edit")
    (goal,) = goals(orch_home)
    assert goal["without"] == [cited]
    assert "PostgreSQL" not in briefing(project)
    assert "- Money in cents" in briefing(project)
    assert briefing(project).endswith(
        "## For the goal: bill by the second\nAsk Ines for the rates of Portugal.\n"
    )
    note("next", "round at the end")  # the choice lasts as long as the goal
    assert "PostgreSQL" not in briefing(project)
    assert "Ask Ines" in briefing(project)
    monkeypatch.setenv("VISUAL", "false")
    with pytest.raises(UsageError, match="nothing is written"):
        handoff("another goal", "--edit")
    assert len(goals(orch_home)) == 1


def test_all_projects(project: Path, orch_home: Home) -> None:
    with pytest.raises(UsageError, match="No project is known"):
        handoff("--all")
    for name in ("one", "two"):
        (project / name).mkdir()
        remember(open_project(project / name, here=True), orch_home)
    (project / "two" / "SESSION_BRIEFING.md").write_bytes(b"\xff\xfe not text")
    done = handoff("--all", "--json")
    assert done.exit_code == 1
    assert (project / "one" / "SESSION_BRIEFING.md").is_file()
    assert "not UTF-8" in json.loads(done.stdout)["said"][-1]


def test_in_the_background_only_what_is_there_is_touched(project: Path, orch_home: Home) -> None:
    for name in ("one", "two"):
        (project / name).mkdir()
        place = open_project(project / name, here=True)
        remember(place, orch_home)
    note("decision", "PostgreSQL", "--project", "one")
    (project / "one" / "SESSION_BRIEFING.md").write_text("mine\n")
    done = run("handoff", "--background", cwd=project)  # it gives its priority away for good
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "PostgreSQL" in (project / "one" / "SESSION_BRIEFING.md").read_text()
    assert not list((project / "two").glob("*.md"))


@pytest.mark.skipif(os.name == "nt", reason="interrupts by signal")
def test_a_watch_follows_git_and_leaves_an_editors_work_alone(project: Path) -> None:
    git(project, "init", "-q", "-b", "main")
    note("decision", "PostgreSQL")
    handoff()
    path = project / "SESSION_BRIEFING.md"
    path.write_text("My preface\n" + briefing(project) + "my notes, no newline", encoding="utf-8")
    command = [*ORCH, "handoff", "--watch", "--tier", "3"]
    with subprocess.Popen(
        command,
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stderr.readline() == "Watching; Ctrl+C ends it.\n"
        made = commit(project, "a.py", "The first", 0)
        assert process.stdout.readline().endswith("SESSION_BRIEFING.md: brought up to date\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    text = briefing(project)
    assert f"- `The first`, 2026-11-18 [{made}]" in text
    assert text.startswith("My preface\n")
    assert text.endswith("my notes, no newline")


def test_a_model_may_say_it_shorter_but_not_otherwise(project: Path, orch_home: Home) -> None:
    long = "we have found out that at the end of it all the `quota` table is locked by 3 writers at once"
    kept = note("lesson", long)
    lost = note("lesson", f"{long}, and it is not to be touched by hand")
    said = f"`quota` is locked by 3 writers at once [{kept}, confirmed]"
    model = script(
        project.parent / "model.json",
        {"answer": f"`quota` is locked by 3 writers at once [{lost}, confirmed]"},
        {"answer": said},
    )
    done = handoff("--model", model)
    text = briefing(project)
    assert f"- {said}" in text
    assert "and it is not to be touched by hand" in text
    assert "since its denials were changed" in done.stderr
    assert handoff("--diff").stdout == ""
    assert handoff("--check").exit_code == 0
    (file,) = (orch_home.root / "polished").iterdir()
    assert long in file.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--all", "--project", "."],
        ["--diff", "--check"],
        ["goal", "--all"],
        ["--edit"],
        ["--model", "auto", "--check"],
    ],
)
def test_wishes_that_do_not_go_together(project: Path, arguments: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        handoff(*arguments)
    assert caught.value.remedy
    assert not list(project.glob("*.md"))
