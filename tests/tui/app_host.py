"""The whole app on a real node, with a scripted model and keys pressed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from orchestrator.local_node import LocalNode
from orchestrator.tui.app import OrchApp
from orchestrator.tui.conductor import Phase
from orchestrator.tui.node import Wish
from orchestrator.types import Mode
from tests.commands.orch import script

PATIENCE = 30_000
"""Turns of the event loop before a test says that it waited in vain."""
DESK = (120, 40)


@asynccontextmanager
async def running(
    project: Path, *steps: dict[str, Any], size: tuple[int, int] = DESK, mode: Mode | None = None
) -> AsyncIterator[tuple[OrchApp, Pilot[None]]]:
    """The app with its session open; closed like the command line closes it."""
    node = LocalNode()
    app = OrchApp(node, Wish(project, script(project.parent / "steps.json", *steps), mode))
    app.animation_level = "none"
    # Every look at this clock is ten seconds later: nobody waits for a question's moment of grace.
    app.main.approval._clock = itertools.count(step=10).__next__
    try:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            yield app, pilot
        await app.dialogs.close()
        await app.conductor.close()
    finally:
        node.close()


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    for _ in range(PATIENCE):
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited in vain; on the screen:\n{text_of(pilot)}")


async def ask(pilot: Pilot[None], prompt: str) -> None:
    """Type the prompt and send it."""
    await pilot.press(*[KEYS.get(char, char) for char in prompt], "enter")


KEYS = {" ": "space", "/": "slash", "!": "exclamation_mark", ".": "full_stop", "?": "question_mark"}


def text_of(pilot: Pilot[None]) -> str:
    """What the screen shows, line by line."""
    width, height = pilot.app.size
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.crop(0, width).text.rstrip() for strip in lines[:height])
