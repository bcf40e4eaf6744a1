"""What a person asks of a run, and a run as a person sees it in a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.autonomy.ending import Budget
from orchestrator.autonomy.state import Handoff, RunState


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done. `check` is one line for the shell; `steps` a plan of theirs, if any."""

    goal: str
    project: Path
    check: str = ""
    budget: Budget = field(default_factory=Budget)
    model: str | None = None
    steps: tuple[str, ...] = ()
    handoff: Handoff = "on"


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list: where it stands, and whether a process works at it now; `here`: on this device."""

    state: RunState
    alive: bool
    here: bool
