"""The first frame has what one types into; what is typed there before the rest is up is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from orchestrator.local_node import LocalNode
from orchestrator.tui import keys
from orchestrator.tui.app import OrchApp
from orchestrator.tui.conductor import Phase
from orchestrator.tui.node import Wish
from tests.commands.orch import script
from tests.tui.app_host import DESK, ask, text_of, until

SMALL = (80, 24)


@asynccontextmanager
async def bare(
    project: Path, *steps: dict[str, Any], size: tuple[int, int] = DESK
) -> AsyncIterator[tuple[OrchApp, Pilot[None], asyncio.Event]]:
    """The app with its first frame; the rest comes when the event is set."""
    node = LocalNode()
    app = OrchApp(node, Wish(project, script(project.parent / "steps.json", *steps)))
    rest, furnish = asyncio.Event(), app.main._furnish

    async def when_told() -> None:
        await rest.wait()
        await furnish()

    app.main._furnish = when_told  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        yield app, pilot, rest
    await app.conductor.close()
    node.close()


def test_a_prompt_sent_before_the_session_opens_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with bare(tmp_path, {"answer": "Hello to you."}) as (app, pilot, rest):
            await ask(pilot, "hello")
            assert app.conductor.opened is None
            rest.set()
            await until(pilot, lambda: "Hello to you." in text_of(pilot))
            assert "hello" in text_of(pilot)

    asyncio.run(story())


def test_a_command_for_the_shell_waits_for_the_terminal(tmp_path: Path) -> None:
    async def story() -> None:
        async with bare(tmp_path) as (_, pilot, rest):
            await ask(pilot, "!echo 6.7")
            rest.set()
            await until(pilot, lambda: "exit code 0" in text_of(pilot))

    asyncio.run(story())


def test_a_place_wanted_before_it_is_there_is_shown(tmp_path: Path) -> None:
    async def story() -> None:
        async with bare(tmp_path, size=SMALL) as (app, pilot, rest):
            await pilot.press("ctrl+l", "f4")
            rest.set()
            await until(pilot, app.main.furnished.is_set)
            assert app.main.side.on_screen("log")

    asyncio.run(story())


@pytest.mark.parametrize("key", [one for key in keys.KEYS for one in key.keys.split(",")])
def test_a_key_pressed_before_the_rest_is_there_breaks_nothing(tmp_path: Path, key: str) -> None:
    async def story() -> None:
        async with bare(tmp_path, {"answer": "Hello to you."}, size=SMALL) as (app, pilot, rest):
            await pilot.press(key)
            await pilot.pause()
            rest.set()
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            while app.screen is not app.main:
                await pilot.press("escape")
                await pilot.pause()
            await pilot.press("f2")
            app.main.prompt.clear()  # a key may have begun a command
            await ask(pilot, "hello")
            await until(pilot, lambda: "Hello to you." in app.main.chat.last_answer())
            assert len(app.conductor._node.sessions(app.project)) == 1  # type: ignore[attr-defined]

    asyncio.run(story())
