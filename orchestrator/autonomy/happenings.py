"""What a run yields besides its instances' own events. Each is one JSON object a line with `--json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from orchestrator.events import Event, event_json


@dataclass(frozen=True, slots=True)
class RunStarted:
    """`tree` is the worktree's folder; `resumed`: it goes on where a process was killed or paused."""

    type: ClassVar[str] = "run_started"
    run: str
    goal: str
    check: str
    branch: str
    tree: str
    base: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class StepBegun:
    """`number` counts the run's steps from 1; a fresh instance does each."""

    type: ClassVar[str] = "step_begun"
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One run of the check. `failed` and `passed` are tests, None where the output does not say."""

    type: ClassVar[str] = "check"
    command: str
    exit_code: int
    failed: int | None
    passed: int | None
    lines: tuple[str, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """`status` as in the plan: done, failed (it was taken back, or did nothing) or refused. `signs` say in
    what it got on; `why` is one sentence."""

    type: ClassVar[str] = "step_ended"
    number: int
    status: str
    why: str
    commit: str = ""
    changed: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnded:
    """`why` as in `ending.Why`, or "paused". `good`: the goal counts as reached."""

    type: ClassVar[str] = "run_ended"
    run: str
    why: str
    text: str
    good: bool
    branch: str
    commits: int
    steps: int
    seconds: float
    tokens: int


Happening = RunStarted | StepBegun | CheckRun | StepEnded | RunEnded


def happening_json(event: Happening | Event) -> dict[str, Any]:
    """The event as one JSON object, `type` first."""
    if isinstance(event, Happening):
        return {"type": event.type, **asdict(event)}
    return event_json(event)
