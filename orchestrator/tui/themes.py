"""The app's colours: Textual's own themes with one accent, so that a warning looks like nothing else."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme


def _plain(name: str) -> Theme:
    base = BUILTIN_THEMES[f"textual-{name}"]
    return replace(base, name=f"orch-{name}", accent=base.primary)


DARK, LIGHT = _plain("dark"), _plain("light")
THEMES = {"dark": DARK.name, "light": LIGHT.name, "terminal": "ansi-dark"}
"""By the name in the settings; the last is the terminal's own colours."""
