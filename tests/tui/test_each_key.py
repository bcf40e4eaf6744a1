"""Every declared key does in the whole app what the help screen says; the mouse reaches the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.command import CommandPalette

from orchestrator.tui import keys
from orchestrator.tui.app import OrchApp
from orchestrator.tui.conductor import Phase
from orchestrator.tui.screens.help import HelpScreen
from orchestrator.tui.screens.runs import RunsScreen
from orchestrator.tui.screens.sessions import SessionsScreen
from orchestrator.tui.screens.workspaces import WorkspaceScreen
from orchestrator.types import Mode
from tests.tui.app_host import ask, running, text_of, until

SMALL = (80, 24)


def place(name: str) -> Callable[[OrchApp], object]:
    return lambda app: app.main.side.opened == name


def screen(kind: type) -> Callable[[OrchApp], object]:
    return lambda app: isinstance(app.screen, kind)


AT_REST: dict[str, Callable[[OrchApp], object]] = {
    "f1": screen(HelpScreen),
    "ctrl+t": place("trace"),
    "ctrl+y": place("terminal"),
    "ctrl+l": place("log"),
    "ctrl+x": place("xray"),
    "ctrl+w": screen(WorkspaceScreen),
    "ctrl+o": screen(SessionsScreen),
    "f5": screen(RunsScreen),
    "f6": lambda app: app.main.prompt.text == "/handoff ",
    "ctrl+h": lambda app: app.main.prompt.text == "/handoff ",
    "ctrl+p": screen(CommandPalette),
    "shift+tab": lambda app: app.main.status.status.mode == Mode.WORKSPACE,
    "f2": lambda app: app.focused is app.main.prompt.area,
    "f3": lambda app: app.theme == "orch-light",
}
AT_WORK = ("escape", "ctrl+c", "ctrl+n")
ASKED = "f4"


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    return folder


def test_no_key_is_forgotten() -> None:
    assert {*AT_REST, *AT_WORK, ASKED} == {one for key in keys.KEYS for one in key.keys.split(",")}


@pytest.mark.parametrize("key", AT_REST)
def test_a_key_while_nothing_goes_on(heron: Path, key: str) -> None:
    async def story() -> None:
        async with running(heron, size=SMALL) as (app, pilot):
            app.main.chat.focus()
            await pilot.pause()
            assert not AT_REST[key](app)
            await pilot.press(key)
            await until(pilot, lambda: AT_REST[key](app))

    asyncio.run(story())


@pytest.mark.parametrize("key", AT_WORK)
def test_a_key_that_stops_the_model(heron: Path, key: str) -> None:
    async def story() -> None:
        async with running(heron, {"pause": "half an answer"}, size=SMALL) as (app, pilot):
            first = app.conductor.opened
            await ask(pilot, "one")
            await until(pilot, lambda: "half an answer" in text_of(pilot))
            await pilot.press(key)
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            await until(pilot, lambda: "interrupted" in text_of(pilot))
            assert (app.conductor.opened is first) is (key != "ctrl+n")
            assert not app._exit

    asyncio.run(story())


def test_the_key_that_turns_to_the_question(heron: Path) -> None:
    write = {"tool": "write", "arguments": {"path": "new.txt", "content": "hello"}}

    async def story() -> None:
        async with running(heron, write, size=SMALL) as (app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: app.main.approval.display)
            app.main.chat.focus()
            await pilot.press(ASKED)
            await until(pilot, lambda: app.main.approval.has_focus)

    asyncio.run(story())


def test_each_key_of_the_footer_can_be_clicked(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, size=(130, 24)) as (app, pilot):
            for key in (
                key for key in keys.KEYS if key.shown and key.action not in ("back", "open('handoff')")
            ):
                label = f"{keys.short(key.keys)} {key.footer}"
                await pilot.click(app.main.keys, offset=(text_of(pilot).splitlines()[-1].index(label) + 1, 0))
                await until(pilot, lambda key=key: AT_REST[key.keys](app))  # type: ignore[misc]
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is app.main and not app.main.side.opened)

    asyncio.run(story())
