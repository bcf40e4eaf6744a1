"""A small app around one screen, with the project's own styles and nothing that moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

import orchestrator.tui
from orchestrator.tui.themes import DARK, LIGHT

STYLES = Path(orchestrator.tui.__file__).parent / "styles"
UNSET = object()


class Host(App[None]):
    """`result` is what the screen was dismissed with, `UNSET` before."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: Screen[Any], styles: Sequence[str], theme: str = "textual-dark") -> None:
        super().__init__(css_path=[STYLES / f"{name}.tcss" for name in styles])
        for own in (DARK, LIGHT):
            self.register_theme(own)
        self.shown = screen
        self.result: Any = UNSET
        self._theme_name = theme
        self.animation_level = "none"

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.push_screen(self.shown, self._dismissed)

    def _dismissed(self, result: Any) -> None:
        self.result = result


async def settled(pilot: Pilot[Any]) -> None:
    """Until workers are done and what they brought is drawn."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
