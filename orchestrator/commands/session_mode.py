"""The modes that a session with a person may have: `auto` goes with a goal and budgets, in `orch run`."""

from __future__ import annotations

from typing import Literal

from orchestrator.types import Mode

SessionMode = Literal["read-only", "ask", "workspace"]


def mode_of(value: SessionMode | None) -> Mode | None:
    return Mode(value) if value else None
