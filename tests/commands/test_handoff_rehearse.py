"""`orch handoff --rehearse`, with a scripted newcomer and with the real small model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.paths import Home
from tests.commands.orch import run, script

GOAL = "calls are billed by the second"
NEXT = "make charge refuse at zero"


@pytest.fixture
def heron(tmp_path: Path, orch_home: Home) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    for kind, text in (("goal", GOAL), ("next", NEXT), ("constraint", "no schema change before Friday")):
        run("note", kind, text, cwd=folder)
    return folder


def rehearsed(folder: Path, model: str, *more: str) -> dict[str, Any]:
    done = run("handoff", "--rehearse", "--json", "--model", model, *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)["projects"][0]
    return report


def test_what_a_newcomer_would_miss(heron: Path, tmp_path: Path) -> None:
    answers = [
        {"answer": "Billing calls by the second."},
        {"answer": "Sleep."},
        {"answer": "No schema change."},
    ]
    model = script(tmp_path / "steps.json", *answers)
    before = {path: path.read_bytes() for path in heron.iterdir() if path.is_file()}
    report = rehearsed(heron, model)
    assert (report["known"], report["of"]) == (2, 3)
    missed = next(one for one in report["answers"] if not one["known"])
    assert (missed["kind"], missed["expected"], missed["documented"]) == ("next", NEXT, True)
    assert missed["cites"]
    assert before == {path: path.read_bytes() for path in heron.iterdir() if path.is_file()}
    shown = run("handoff", "--rehearse", "--model", model, cwd=heron).stdout
    assert f"MISSED  next: {NEXT} [S" in shown
    assert "this model did not find it" in shown


def test_what_has_no_room_in_the_documents_is_told(heron: Path, tmp_path: Path) -> None:
    briefing = heron / "SESSION_BRIEFING.md"
    briefing.write_text(f"# Session briefing\n\n**Goal**: {GOAL}\n", encoding="utf-8")
    model = script(tmp_path / "steps.json", *[{"answer": "I do not know."}] * 3)
    answers = {one["kind"]: one for one in rehearsed(heron, model)["answers"]}
    assert answers["goal"]["documented"]
    assert not answers["next"]["documented"]


def test_nothing_to_ask_for(tmp_path: Path, orch_home: Home) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    model = script(tmp_path / "steps.json")
    done = run("handoff", "--rehearse", "--model", model, cwd=folder)
    assert done.returncode == 0
    assert "orch note goal" in done.stdout


def test_it_goes_with_nothing_that_writes(heron: Path) -> None:
    assert run("handoff", "--rehearse", "--check", cwd=heron).returncode == 2
    assert run("handoff", "a goal", "--rehearse", cwd=heron).returncode == 2


@pytest.mark.model
def test_the_real_small_model_answers_each(heron: Path, small_model: Path) -> None:
    report = rehearsed(heron, str(small_model))
    assert [one["kind"] for one in report["answers"]] == ["goal", "next", "constraint"]
    assert all(one["said"] and one["documented"] for one in report["answers"])
