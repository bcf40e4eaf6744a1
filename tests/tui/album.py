"""Pictures of one app at every size and in every theme: it is started once for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from orchestrator.tui.themes import THEMES

SIZES = ((80, 24), (120, 40), (200, 60))
LOOKS = [(size, theme) for theme in ("dark", "light") for size in SIZES] + [(SIZES[1], "terminal")]

Still = Callable[[Pilot[Any]], Awaitable[None]]


class Album:
    """Compares with the pictures that somebody looked at before they were kept. The app begins with the first
    look's theme."""

    def __init__(self, snapshot: SnapshotAssertion) -> None:
        self._snapshot = snapshot.use_extension(SVGImageExtension)

    async def take(self, pilot: Pilot[Any], still: Still) -> None:
        """`still` returns once nothing moves; it is called after each change of size and theme."""
        app, wrong = pilot.app, []
        for (width, height), theme in LOOKS:
            app.theme = THEMES[theme]
            await pilot.resize_terminal(width, height)
            await still(pilot)
            name = f"{width}-{theme}"
            if app.export_screenshot() != self._snapshot(name=name):
                wrong.append(name)
        assert not wrong, f"other than the pictures that were kept: {wrong}; `make snapshots` shows them"


@pytest.fixture
def album(snapshot: SnapshotAssertion) -> Album:
    return Album(snapshot)
