"""Autonomous runs in the app, real ones: in a repository, with a sandbox and a scripted model."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from textual.pilot import Pilot

from orchestrator.tui.app import OrchApp
from orchestrator.tui.conductor import Phase
from orchestrator.tui.screens.apply import ApplyScreen
from orchestrator.tui.screens.question import QuestionScreen
from orchestrator.tui.screens.run import RunScreen
from orchestrator.tui.screens.runs import RunsScreen
from tests.tui.app_host import running, text_of, until

WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
EDIT = {"tool": "edit", "arguments": {"path": "calc.py", "old": "a - b", "new": "a + b"}}
LINE = "/run let add add --check grep -q 'a + b' calc.py"


@pytest.fixture
def calc(tmp_path: Path) -> Path:
    folder = tmp_path / "calc"
    folder.mkdir()
    (folder / "calc.py").write_text(WRONG)
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for args in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *args], cwd=folder, check=True)
    return folder


async def say(app: OrchApp, pilot: Pilot[None], line: str) -> None:
    app.main.prompt.load(line)
    app.main.prompt.focus()
    await pilot.pause()
    await pilot.press("enter")


def test_a_run_is_watched_applied_with_its_diff_and_discarded(calc: Path) -> None:
    async def story() -> None:
        async with running(calc, EDIT, {"answer": "It adds now."}) as (app, pilot):
            await say(app, pilot, LINE)
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
            await until(pilot, lambda: "Reached: The check passed" in text_of(pilot))
            screen = text_of(pilot)
            assert "✔ Run the check and read what fails" in screen
            assert "Step 1: let add add" in screen
            assert (calc / "calc.py").read_text() == WRONG, "only its own tree has it"
            await until(pilot, lambda: "x discard" in text_of(pilot))
            await pilot.press("d")
            await until(pilot, lambda: isinstance(app.screen, ApplyScreen))
            assert "return a + b" in text_of(pilot)
            await pilot.press("enter")
            assert isinstance(app.screen, ApplyScreen), "enter merges nothing"
            await pilot.press("y")
            await until(pilot, lambda: "has the work of" in text_of(pilot))
            assert (calc / "calc.py").read_text() == RIGHT
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
            await pilot.press("y")
            await until(pilot, lambda: app.screen is app.main)
            await pilot.press("f5")
            await until(pilot, lambda: "No run yet" in text_of(pilot))
            assert isinstance(app.screen, RunsScreen)

    asyncio.run(story())


def test_a_run_is_taken_over_and_handed_back(calc: Path) -> None:
    async def story() -> None:
        async with running(calc, {"pause": "thinking"}) as (app, pilot):
            await say(app, pilot, LINE)
            player = app.dialogs.runs.player
            await until(pilot, lambda: player.doing.startswith("writing"))
            await until(pilot, lambda: "t take over" in text_of(pilot))
            await pilot.press("t")
            await until(pilot, lambda: app.wish.project != calc and app.conductor.phase is Phase.READY)
            assert "Its plan:" in text_of(pilot)
            tree = app.wish.project
            assert (tree / "calc.py").read_text() == WRONG
            (tree / "calc.py").write_text(RIGHT)
            await say(app, pilot, "/handback")
            await until(pilot, lambda: app.wish.project == calc)
            await until(pilot, lambda: "Reached: The check passed" in text_of(pilot))
            assert (calc / "calc.py").read_text() == WRONG

    asyncio.run(story())


def test_leaving_the_app_pauses_the_run(calc: Path) -> None:
    async def story() -> None:
        async with running(calc, {"pause": "thinking"}) as (app, pilot):
            await say(app, pilot, LINE)
            await until(pilot, lambda: app.dialogs.runs.player.doing.startswith("writing"))
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
            await pilot.press("ctrl+c", "ctrl+c")
        (view,) = app.dialogs.runs.node.all(calc)
        assert (view.standing, view.state.phase) == ("paused", "paused")

    asyncio.run(story())


def test_a_run_without_a_goal_lists_them_and_without_git_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()

    async def story() -> None:
        async with running(folder) as (app, pilot):
            await say(app, pilot, LINE)
            await until(pilot, lambda: "is in no git repository" in text_of(pilot))
            await say(app, pilot, "/run")
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))

    asyncio.run(story())
