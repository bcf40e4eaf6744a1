"""`orch context` on a scripted model, which counts tokens but keeps no snapshots."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.paths import Home
from tests.commands.orch import run, script


def test_it_shows_the_parts_what_was_left_out_and_the_last_turn(orch_home: Home, tmp_path: Path) -> None:
    project = tmp_path / "heron"
    project.mkdir()
    orch_home.config.write_text("[context]\nproject = 40\nportfolio = 0\n", encoding="utf-8")
    model = script(tmp_path / "script.json", {"answer": "hi"})
    assert run("ask", "hello", "--model", model, cwd=project).returncode == 0
    (project / "PROJECT_CONTEXT.md").write_text("# Heron\n\n" + "It counts. " * 60, encoding="utf-8")
    before = sorted(path.name for path in project.rglob("*"))
    report = json.loads(run("context", "--json", "--model", model, cwd=project).stdout)
    assert sorted(path.name for path in project.rglob("*")) == before
    parts = {part["name"]: part["tokens"] for part in report["parts"]}
    assert list(parts) == ["system + tools", "project", "log", "conversation"] or list(parts) == [
        "system + tools",
        "project",
        "briefing",
        "log",
        "conversation",
    ]
    assert report["used"] == sum(parts.values())
    assert parts["project"] <= 40
    (left,) = report["left_out"]
    assert (left["part"], left["why"]) == ("project", "budget")
    assert left["tokens"] > 0
    turn = report["last_turn"]
    assert turn["prompt_tokens"] > turn["cached_tokens"] >= 0
    assert turn["session"].startswith("S")
    assert report["next_session"] is None
    shown = run("context", "--model", model, cwd=project).stdout
    assert "left out of project: " in shown
    assert "last turn: " in shown


def test_a_folder_that_is_no_project_has_the_fixed_part_only(orch_home: Home, tmp_path: Path) -> None:
    model = script(tmp_path / "script.json", {"answer": "hi"})
    folder = tmp_path / "empty"
    folder.mkdir()
    report = json.loads(run("context", "--json", "--model", model, cwd=folder).stdout)
    assert [part["name"] for part in report["parts"]] == ["system + tools", "conversation"]
    assert report["project"] is report["last_turn"] is None
    assert not list(folder.iterdir())
