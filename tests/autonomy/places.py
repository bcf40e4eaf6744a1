"""A repository of a user's, what of it must not change, and runs that a script plays."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from orchestrator.auto_node import resuming, runs_of, starting
from orchestrator.autonomy.ending import Budget
from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.autonomy.happenings import Happening, RunEnded
from orchestrator.autonomy.state import RunState
from orchestrator.autonomy.wish import Wish
from orchestrator.events import Event

CHECK = "python -B -m unittest -q"
WRONG = {
    "tool": "edit",
    "arguments": {"path": "calc.py", "old": "    return a - b", "new": "    return a * 3"},
}
RIGHT = {
    "tool": "edit",
    "arguments": {"path": "calc.py", "old": "    return a - b", "new": "    return a + b"},
}
TEST = """\
import unittest
from calc import add


class T(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 2), 4)
"""


def git(folder: Path, *args: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@b")
    return subprocess.run(
        ["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def repository(folder: Path) -> Path:
    """One failing test; one file uncommitted, one changed, and a second branch."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (folder / "test_calc.py").write_text(TEST)
    (folder / "README.md").write_text("# calc\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "branch", "other")
    (folder / "README.md").write_text("# calc, changed\n")
    (folder / "notes.txt").write_text("mine")
    return folder


def standing(folder: Path) -> dict[str, str]:
    """Every file but git's and orch's own, what git says of them, and the user's branches."""
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", ".orchestrator"} & set(path.relative_to(folder).parts)
    }
    branches = [row for row in git(folder, "show-ref").splitlines() if "orch/run-" not in row]
    return {**found, "status": git(folder, "status", "--porcelain"), "branches": "\n".join(branches)}


def script(path: Path, *steps: dict[str, Any]) -> str:
    path.write_text(json.dumps(steps))
    return f"scripted:{path}"


def begin(
    project: Path,
    model: str,
    goal: str = "Make the failing test pass",
    check: str = CHECK,
    budget: Budget | None = None,
    steps: tuple[str, ...] = (),
    heard: Callable[[GoalRun, Any], None] = lambda run, event: None,
) -> tuple[RunState, list[Any]]:
    """Start a run and play it; `heard` gets each event as it comes."""

    async def play() -> tuple[RunState, list[Any]]:
        async with starting(Wish(goal, project, check, budget or Budget(), model, steps)) as run:
            return await _played(run, heard)

    return asyncio.run(play())


def go_on(project: Path, run: RunState, model: str) -> tuple[RunState, list[Any]]:
    async def play() -> tuple[RunState, list[Any]]:
        async with resuming(project, run.run, model) as resumed:
            return await _played(resumed, lambda run, event: None)

    return asyncio.run(play())


async def _played(run: GoalRun, heard: Callable[[GoalRun, Any], None]) -> tuple[RunState, list[Any]]:
    events: list[Any] = []
    items: AsyncIterator[Happening | Event] = run.play()
    async for event in items:
        events.append(event)
        heard(run, event)
    return run.state, events


def ended(events: list[Any]) -> RunEnded:
    assert isinstance(events[-1], RunEnded)
    return events[-1]


def report(project: Path, run: RunState) -> str:
    with runs_of(project) as runs:
        return runs.report(runs.find(run.run))
