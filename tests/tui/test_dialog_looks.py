"""Pictures of every dialog. Look at them before you keep them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, TextArea

from orchestrator.autonomy.ending import Budget, Ending, Spent
from orchestrator.autonomy.happenings import CheckRun, RunStarted, StepBegun, StepEnded
from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.plan import Plan, Step
from orchestrator.autonomy.state import Facts, RunState
from orchestrator.errors import ProjectError
from orchestrator.events import Answer, ToolCallEvent
from orchestrator.ports import Approver
from orchestrator.terminal import visible
from orchestrator.tui import commands
from orchestrator.tui.app import OrchApp
from orchestrator.tui.node import LoggedRecord, Opened, Wish
from orchestrator.tui.run_desk import RunDesk
from orchestrator.tui.run_node import RunView
from orchestrator.tui.screens.apply import ApplyScreen
from orchestrator.tui.screens.edit import EditScreen, PlanScreen
from orchestrator.tui.screens.first_run import FirstRunScreen, ModelScreen
from orchestrator.tui.screens.handover import HandoverScreen
from orchestrator.tui.screens.help import HelpScreen
from orchestrator.tui.screens.question import QuestionScreen
from orchestrator.tui.screens.record import RecordScreen
from orchestrator.tui.screens.run import RunScreen
from orchestrator.tui.screens.runs import RunsScreen
from orchestrator.tui.screens.sessions import SessionsScreen
from orchestrator.tui.screens.view import ViewScreen
from orchestrator.tui.screens.workspaces import WorkspaceScreen
from orchestrator.tui.themes import DARK
from orchestrator.tui.unified import diff_rows, text_rows
from orchestrator.types import Usage
from tests.tui import test_first_run, test_handover, test_main_looks, test_sessions, test_workspaces
from tests.tui.album import Album
from tests.tui.host import STYLES, Host, settled
from tests.tui.small_node import NOON, SmallNode, SmallRuns

ALL = sorted(path.stem for path in STYLES.glob("*.tcss"))
HERON = Path("/home/ada/code/heron")
BEGAN = datetime(2026, 3, 4, 11, 40, tzinfo=UTC).isoformat()
STEPS = (
    Step("Run the check and read what fails", "done", ("exit 1", "2 failed 14 passed")),
    Step("Compare with <= in `charge`", "failed", ("S7f3a#9",)),
    Step("Let `charge` refuse at zero", "doing"),
    Step("Say so in the [changelog]"),
)
BEFORE = Outcome(1, failed=2, passed=14)
AFTER = Outcome(1, failed=1, passed=15)


def _view(run: str, goal: str, *, alive: bool = False, **more: Any) -> RunView:
    plan = Plan(goal, "pytest -q", Budget(), STEPS)
    facts = Facts(str(HERON), "d", "a1b2c3d4e5f6", "main", f"orch/run-{run}", "qwen2.5-coder-1.5b", BEGAN)
    spent = Spent(3, 512, 18_204)
    state = RunState(run * 4, "p1", plan, facts, spent=spent, first=BEFORE, now=AFTER, **more)
    return RunView(state, alive)


AT_WORK = _view("3f9c2a1b", "Calls are billed by the second, with a hard quota per account", alive=True)
PASSED = Ending("success", "The check passed 2 times in a row.")
ENDED = _view("77aa01fe", "Fix [the] failing tests", phase="ended", ending=PASSED)
PAUSED = _view("0badcafe", "Tidy the imports of utils", phase="paused")
TOLD = """# Run 77aa01fe: Fix the failing tests

It ended (success): The check passed 2 times in a row.

Branch `orch/run-77aa01fe`.

## Work
- Let `charge` refuse at zero [a1b2c3d]
  utils/quota.py | 2 +-

## Check
- `pytest -q`
- before: exit 1, 2 failed, 14 passed
- now: exit 0, 16 passed

## Left
- Nothing is known.
"""


def _runs() -> SmallRuns:
    return SmallRuns([AT_WORK, PAUSED, ENDED], TOLD, test_main_looks.DIFF)


def _run(view: RunView) -> Screen[Any]:
    """The screen of a run; of one that is at work, with what happened."""
    node = SmallNode(runs=_runs())
    desk = RunDesk(OrchApp(node, Wish(HERON)), node.runs)
    if view.alive:
        state = view.state
        desk.player.run = state.run
        for event in (
            RunStarted(state.run, state.plan.goal, "pytest -q", state.facts.branch, "/t", state.facts.base),
            CheckRun("pytest -q", 1, 2, 14, ("E assert 0 == 1", "FAILED tests/test_quota.py"), "S3f9c#2"),
            StepBegun(1, "Compare with <= in `charge`"),
            ToolCallEvent("edit", {"path": "utils/quota.py", "old": "<", "new": "<="}, "S7f3a#4"),
            Answer("I compare with <= now.", "S7f3a#6", False, Usage(1, 1, 1, 1.0, 0.0, 1.0)),
            StepEnded(1, "failed", "the check got worse: 3 failed; before: 2 failed"),
            StepBegun(2, "Let `charge` refuse at zero"),
        ):
            desk.player.log.hear(event)
    return RunScreen(desk, HERON, view.state.run)


def _record() -> LoggedRecord:
    return test_main_looks._logged(1, "decision", "use PostgreSQL, not SQLite [/red]", "confirmed")


def _first(kind: type[FirstRunScreen] | type[ModelScreen]) -> Screen[Any]:
    return kind(test_first_run._node(), clock=lambda: 0.0)


DIALOGS: dict[str, Callable[[], Screen[Any]]] = {
    "first-run": lambda: _first(FirstRunScreen),
    "models": lambda: _first(ModelScreen),
    "sessions": lambda: SessionsScreen(test_sessions._node(), "p", "s0", clock=lambda: NOON, pause_s=0.001),
    "workspace": lambda: WorkspaceScreen(test_workspaces._node(), "p1", clock=lambda: NOON),
    "help": lambda: HelpScreen(commands.listing()),
    "handover": lambda: HandoverScreen(test_handover.PROPOSED, lambda typed: None),
    "record": lambda: RecordScreen(_record()),
    "part-of-the-window": lambda: ViewScreen("PROJECT_CONTEXT.md", text_rows("# heron\n\nBills calls.\n")),
    "edit-of-a-call": lambda: EditScreen("shell", "line", "rm -rf build && make [all]"),
    "question": lambda: QuestionScreen("Forget old-thesis?", "Its files and its records stay."),
    "runs": lambda: RunsScreen(_runs(), HERON, clock=lambda: NOON),
    "no-runs": lambda: RunsScreen(SmallRuns(), HERON, clock=lambda: NOON),
    "run-at-work": lambda: _run(AT_WORK),
    "run-ended": lambda: _run(ENDED),
    "run-plan": lambda: PlanScreen("Plan", "run 3f9c2a1b", "# Bill calls\n\nCheck: pytest -q\n\n- [ ] one\n"),
    "run-apply": lambda: ApplyScreen("Run 77aa01fe", diff_rows(visible(test_main_looks.DIFF)), "main"),
}


class Closed(SmallNode):
    """A node on which no session opens."""

    def open(self, wish: Wish, approver: Approver) -> AbstractAsyncContextManager[Opened]:
        raise ProjectError("This folder cannot be read.", "Choose another: ^W.")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")


async def _still(pilot: Pilot[Any]) -> None:
    for field in pilot.app.screen.query("Input, TextArea"):
        assert isinstance(field, Input | TextArea)
        field.cursor_blink = False
    await settled(pilot)
    await settled(pilot)


@pytest.mark.parametrize("name", DIALOGS)
def test_dialog(album: Album, name: str) -> None:
    async def story() -> None:
        host = Host(DIALOGS[name](), ALL, DARK.name)
        async with host.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await album.take(pilot, _still)

    asyncio.run(story())


def test_palette(album: Album) -> None:
    async def drawn(pilot: Pilot[Any]) -> None:
        if pilot.app.screen is not app.main:  # it keeps the colours that it was opened with
            await pilot.press("escape")
            await pilot.pause()
        await pilot.press("ctrl+p")
        await pilot.pause()
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        for _ in range(4):
            await pilot.pause()

    app = OrchApp(Closed(), Wish(HERON))
    app.animation_level = "none"

    async def story() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await app.main.furnished.wait()
            await album.take(pilot, drawn)

    asyncio.run(story())
