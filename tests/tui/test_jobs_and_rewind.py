"""The lists of background jobs and of points to go back to, over a real session with a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from orchestrator import wiring
from orchestrator.agent.approval import Always
from orchestrator.agent.session import Session
from orchestrator.agent.slash import Said, handle
from orchestrator.events import Notice
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.tui.screens.jobs import JobsScreen
from orchestrator.tui.screens.rewind import OverwriteScreen, RewindScreen, Way
from orchestrator.tui.screens.view import ViewScreen
from orchestrator.tui.widgets.row_list import RowList
from orchestrator.types import Mode
from tests.commands.orch import script
from tests.tui.host import UNSET, Host, settled

pytestmark = pytest.mark.usefixtures("orch_home")
EDIT = {"tool": "edit", "arguments": {"path": "a.txt", "old": "one", "new": "two"}}
READ = {"tool": "read", "arguments": {"path": "a.txt"}}
SERVE = {"tool": "shell", "arguments": {"command": "mkfifo gate; echo serving; cat gate &"}}


@asynccontextmanager
async def opened(folder: Path, *steps: dict[str, Any]) -> AsyncIterator[Session]:
    (folder / "a.txt").write_text("one\n")
    name = script(folder.parent / "steps.json", *steps)
    options = wiring.Options(project=folder, model=name, mode=Mode.WORKSPACE)
    async with wiring.desktop(options, Always()) as made:
        _ = [event async for event in made.session.open()]
        yield made.session
        await made.session.close("done")


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    (tmp_path / "heron").mkdir()
    return tmp_path / "heron"


def says(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#says", Static).content)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


@pytest.mark.parametrize(
    ("mine", "keys", "chosen"),
    [
        (False, ["enter"], {}),
        (False, ["f"], {"conversation": False}),
        (False, ["c"], {"files": False}),
        (False, ["escape"], None),
        (True, ["enter", "y"], {"overwrite": True}),
        (True, ["f", "n"], {"conversation": False}),
        (True, ["enter", "escape"], UNSET),
        (True, ["c"], {"files": False}),
    ],
)
def test_going_back_asks_about_what_the_person_changed(
    heron: Path, mine: bool, keys: list[str], chosen: Any
) -> None:
    async def story() -> None:
        async with opened(heron, READ, EDIT, {"answer": "done"}) as session:
            _ = [event async for event in session.turn("make it two")]
            if mine:
                (heron / "a.txt").write_text("mine\n")
            host = Host(RewindScreen(session.rewinding), ["jobs"])
            async with host.run_test(size=(80, 24)) as pilot:
                await settled(pilot)
                assert says(pilot) == ("asks about a.txt" if mine else "restores a.txt")
                await press(pilot, keys[0])
                assert isinstance(host.screen, OverwriteScreen) is (len(keys) > 1)
                await press(pilot, *keys[1:])
            point = session.rewinding.points.all()[0]
            assert host.result == (Way(point, **chosen) if isinstance(chosen, dict) else chosen)
            assert (heron / "a.txt").read_text() == ("mine\n" if mine else "two\n"), "nothing is done here"

    asyncio.run(story())


def test_a_job_of_the_model_is_listed_shown_stopped_recorded_and_told(heron: Path) -> None:
    async def story() -> None:
        async with opened(heron, SERVE, {"answer": "It serves."}, {"answer": "I see."}) as session:
            backend = session._parts.backend
            assert isinstance(backend, ScriptedBackend)
            _ = [event async for event in session.turn("serve it")]
            jobs = session.jobs.all
            host = Host(JobsScreen(jobs), ["jobs"])
            async with host.run_test(size=(80, 24)) as pilot:
                await settled(pilot)
                assert says(pilot).startswith("%1 running for")
                await press(pilot, "enter")
                assert isinstance(host.screen, ViewScreen)
                await press(pilot, "escape", "s")
                assert says(pilot).startswith("%1 stopped, after")
                assert host.screen.query_one(RowList).current == "1"
            told = handle("/jobs 1", session)
            assert isinstance(told, Said)
            assert told.text.startswith("[job 1 stopped, after")
            assert told.text.endswith("serving")
            _ = [event async for event in session.turn("and now?")]
            assert "[job 1 (mkfifo gate" in backend.requests[-1].messages[-1].text
            handle("/jobs run mkfifo gate2; cat gate2", session)
            ended = await session.close("done")
            assert any(isinstance(one, Notice) and "ended with the session" in one.text for one in ended)
            records = session._parts.journal.records(session=session.id, kinds=["session"])
            said = [(body["event"], body.get("job"), body.get("by")) for one in records if (body := one.body)]
            events = [event for event, _, _ in said]
            assert events == ["start", "job", "job", "job", "job", "end"]
            assert said[1][1:] == (1, "model")
            assert said[4][1:] == (2, "user")

    asyncio.run(story())
