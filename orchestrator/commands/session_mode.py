"""The modes that a session with a person may have."""

from __future__ import annotations

import typer

from orchestrator.types import Mode


def session_mode(value: Mode | None) -> Mode | None:
    """As a callback of `--mode`: `auto` goes with a goal and budgets."""
    if value is Mode.AUTO:
        raise typer.BadParameter("auto is the mode of `orch run`, which has a goal and budgets.")
    return value
