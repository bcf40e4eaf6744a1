"""Whole runs with real parts, git and the sandbox among them; only the model follows a script."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from orchestrator import config
from orchestrator.auto_node import runs_of
from orchestrator.autonomy.attempt import Attempt
from orchestrator.autonomy.ending import Budget
from orchestrator.autonomy.happenings import CheckRun, StepEnded
from orchestrator.autonomy.plan import parse, render
from orchestrator.errors import OrchError, SandboxError, VcsError
from orchestrator.events import Answer, Event, Token, ToolResultEvent
from orchestrator.paths import Home
from orchestrator.types import Entry, Usage
from tests.autonomy.places import RIGHT, WRONG, begin, ended, git, go_on, report, repository, script, standing

SAID = {"answer": "It is mended."}
LOOK = {"tool": "search", "arguments": {"pattern": "add"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "calc")


def steps_of(events: list[Any]) -> list[StepEnded]:
    return [event for event in events if isinstance(event, StepEnded)]


def test_a_failing_test_is_mended_and_what_failed_is_not_tried_again(project: Path, tmp_path: Path) -> None:
    before = standing(project)
    touch = {"tool": "edit", "arguments": {"path": "test_calc.py", "old": "add(2, 2), 4", "new": "4, 4"}}
    push = {"tool": "git", "arguments": {"command": "commit -am mine"}}
    model = script(tmp_path / "s", touch, push, WRONG, SAID, WRONG, RIGHT, SAID)
    state, events = begin(project, model)
    assert ended(events).why == "success"
    assert standing(project) == before

    first, second = steps_of(events)
    assert (first.status, second.status) == ("failed", "done")
    assert first.why.startswith("the check says the same")
    refused = [event.text for event in events if isinstance(event, ToolResultEvent) and not event.ok]
    assert "so it stays as it is" in refused[0]
    assert "git only reads" in refused[1]
    assert f"taken back [{first.evidence[-1]}]" in refused[2]
    assert [event.exit_code for event in events if isinstance(event, CheckRun)] == [1, 1, 0, 0]

    told = report(project, state)
    assert second.commit in told
    assert "now: exit 0, 1 passed" in told
    assert "Not in it: 2 uncommitted files" in told

    with runs_of(project) as runs:
        run = runs.find(state.run)
        git(project, "checkout", "-q", "README.md")  # what the user does meanwhile stays the user's
        assert "main has the work" in runs.apply(run)
        assert "return a + b" in (project / "calc.py").read_text()
        assert "It is mended." in (project / "SESSION_LOG.md").read_text()
        assert (project / "notes.txt").read_text() == "mine"
        runs.discard(run)
        assert runs.all() == []
        assert list(runs.folder.iterdir()) == []
    assert git(project, "branch", "--format=%(refname:short)").split() == ["main", "other"]
    assert git(project, "worktree", "list").count("\n") == 0


def test_conflicts_are_refused_and_change_nothing(project: Path, tmp_path: Path) -> None:
    state, _ = begin(project, script(tmp_path / "s", RIGHT, SAID))
    with runs_of(project) as runs:
        run = runs.find(state.run)
        (project / "calc.py").write_text("def add(a, b):\n    return 7\n")
        before = standing(project)
        with pytest.raises(VcsError, match=r"nothing has changed.*calc\.py"):
            runs.apply(run)
        assert standing(project) == before
        git(project, "commit", "-qam", "seven")
        before = standing(project)
        with pytest.raises(VcsError, match=r"changed the same places.*calc\.py"):
            runs.apply(run)
        assert standing(project) == before
        assert not (project / ".git" / "MERGE_HEAD").exists()


def test_without_a_check_the_report_says_that_nobody_tried(project: Path, tmp_path: Path) -> None:
    state, events = begin(project, script(tmp_path / "s", RIGHT, SAID), "Mend add in calc.py", check="")
    assert ended(events).why == "done"
    assert ended(events).text.startswith("No check was given")
    assert "nobody tried whether it works" in report(project, state)
    state, events = begin(
        project, script(tmp_path / "q", LOOK, {"answer": "One."}), "How many functions has calc.py?", check=""
    )
    assert (ended(events).why, ended(events).commits, state.answer) == ("done", 0, "One.")


def test_a_check_that_passes_from_the_start_proves_nothing(project: Path, tmp_path: Path) -> None:
    change = {"tool": "write", "arguments": {"path": "port.ini", "content": "port = 9\n"}}
    model = script(tmp_path / "s", SAID, change, SAID)
    _, events = begin(project, model, "Write the file port.ini with port 9", check="true")
    assert [step.status for step in steps_of(events)] == ["failed", "done"]
    assert ended(events).good


def test_what_breaks_a_file_is_taken_back_unchecked(project: Path, tmp_path: Path) -> None:
    text = {"tool": "run", "arguments": {"code": "open('calc.py', 'w').write('def add(:')"}}
    _, events = begin(project, script(tmp_path / "s", text, SAID), budget=Budget(steps=1))
    (step,) = steps_of(events)
    assert step.why.startswith("calc.py does not parse")
    assert sum(isinstance(event, CheckRun) for event in events) == 1
    assert (ended(events).why, ended(events).commits) == ("steps", 0)


def test_nothing_new_ends_a_run(project: Path, tmp_path: Path) -> None:
    answers = [{"answer": "I cannot."}] * 4
    _, events = begin(project, script(tmp_path / "s", *answers), "Mend add in calc.py", check="")
    assert ended(events).why == "repetition"
    assert len(steps_of(events)) == 3


def test_a_persons_plan_is_followed_and_a_dead_end_in_it_refused(project: Path, tmp_path: Path) -> None:
    with runs_of(project) as runs:
        body = {
            "text": "multiply the arguments in add",
            "error": "4 is not 6",
            "by": "user",
            "status": "confirmed",
        }
        runs.journal.append([Entry("dead_end", body, runs.project.id, "ab" * 16)])
    _, events = begin(
        project,
        script(tmp_path / "s", RIGHT, SAID),
        steps=("Multiply the arguments in add", "Add them"),
    )
    first, second = steps_of(events)
    assert (first.status, second.status) == ("refused", "done")
    assert "4 is not 6" in first.why
    assert ended(events).good


def test_stopped_paused_edited_and_taken_over_from_another_terminal(project: Path, tmp_path: Path) -> None:
    endless = script(tmp_path / "s", {"pause": "thinking"})

    def ask(wanted: Any) -> Any:
        def heard(run: Any, event: Any) -> None:
            if isinstance(event, Token) and run.state.wanted == "go":
                with runs_of(project) as runs:
                    runs.ask(run.state.run, wanted)
                    text = render(run.state.plan).replace("failing test", "one test") + "- [ ] Say so\n"
                    runs.edit(run.state.run, text)

        return heard

    state, events = begin(project, endless, heard=ask("stop"))
    assert ended(events).why == "stopped"
    state, events = begin(project, endless, heard=ask("pause"))
    assert ended(events).why == "paused"
    assert state.plan.goal == "Make the one test pass"
    with runs_of(project) as runs:
        assert runs.find(state.run).wanted == "pause"
        assert not runs.all()[0].alive
        tree = runs.folder / state.run[:8] / "calc"
    (tree / "calc.py").write_text("def add(a, b):\n    return a + b\n")  # a person takes over
    state, events = go_on(project, state, script(tmp_path / "t", SAID))
    assert ended(events).why == "success"
    assert [step.text for step in state.plan.steps if step.status == "todo"] == ["Say so"]
    assert git(tree, "log", "-1", "--format=%s") == "Work of the pause"


def test_without_a_sandbox_or_a_commit_nothing_begins(project: Path, tmp_path: Path, orch_home: Home) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    with pytest.raises(OrchError, match="no commit"):
        begin(empty, script(tmp_path / "s", SAID))
    orch_home.config.write_text('[tools]\nsandbox = "none"\n')
    assert config.load(orch_home.config).tools.sandbox == "none"
    with pytest.raises(SandboxError, match="needs a sandbox"):
        begin(project, script(tmp_path / "s", SAID))
    assert not (orch_home.root / "runs").exists()


class _Deaf:
    """An instance whose interrupt ends it, and loses the cancel of who interrupts."""

    id = "s"
    busy = True

    class meter:
        total = Usage()

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    async def open(self) -> Any:
        for event in ():
            yield event

    async def turn(self, prompt: str) -> Any:
        await self.stopped.wait()
        yield Answer("", "S1#1", interrupted=True)

    async def interrupt(self) -> None:
        self.stopped.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    async def close(self, reason: str) -> list[Event]:
        return []


def test_the_watch_ends_with_its_instance_though_its_cancel_is_lost() -> None:
    async def halts(tokens: int) -> str:
        return "stop"

    async def play() -> None:
        attempt = Attempt(_Deaf(), halts)  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            assert [type(item) async for item in attempt.play("x")] == [Answer]
        assert attempt.halted == "stop"

    asyncio.run(play())


def test_plans_are_edited_as_text(project: Path) -> None:
    plan = parse(
        "# A goal\n\nCheck: make test\nBudget: 3 steps\n\n- [x] one [S1, abc]\n* two (because it rains)\n"
    )
    assert (plan.check, plan.budget.steps, plan.budget.minutes) == ("make test", 3, 30)
    assert [(step.text, step.status, step.evidence, step.because) for step in plan.steps] == [
        ("one", "done", ("S1", "abc"), ""),
        ("two", "todo", (), "it rains"),
    ]
