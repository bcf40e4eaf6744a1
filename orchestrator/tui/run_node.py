"""What the app needs of autonomous runs. `local_node` hands it the real ones, tests a few small ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.autonomy.ending import Wanted
from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.autonomy.state import RunState


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it stands. `alive`: a process works at it; `here`: its worktree is on this device."""

    state: RunState
    alive: bool = False
    here: bool = True

    @property
    def id(self) -> str:
        """As people write it."""
        return self.state.run[:8]

    @property
    def standing(self) -> str:
        """Where it stands, in a few words."""
        state = self.state
        if state.phase == "applied":
            return "applied"
        if self.alive:
            return {"go": "at work", "pause": "pausing", "stop": "stopping"}[state.wanted]
        if state.phase == "paused":
            return "paused"
        if state.ending is not None:
            return "reached" if state.ending.good else f"ended: {state.ending.why}"
        return "broken off" if self.here else "elsewhere"


class RunsNode(Protocol):
    """Of the project that lies in `project`. All but `start` and `resume` may take a while: call them in a
    thread. Every method raises `OrchError`s.
    """

    def start(
        self, project: Path, goal: str, check: str, model: str | None
    ) -> AbstractAsyncContextManager[GoalRun]:
        """A new run, to be played."""
        ...

    def resume(self, project: Path, run: str) -> AbstractAsyncContextManager[GoalRun]: ...

    def all(self, project: Path) -> Sequence[RunView]:
        """The newest first."""
        ...

    def read(self, project: Path, run: str) -> RunView: ...

    def tree(self, project: Path, run: str) -> Path:
        """The project's folder in the worktree."""
        ...

    def ask(self, project: Path, run: str, wanted: Wanted) -> None:
        """Heeded at the run's next safe point, whichever process works at it."""
        ...

    def edit(self, project: Path, run: str, plan: str) -> None:
        """The plan, as a person has written it."""
        ...

    def report(self, project: Path, run: str) -> str: ...

    def diff(self, project: Path, run: str) -> str: ...

    def apply(self, project: Path, run: str) -> str:
        """Merge its work into the branch that is checked out; says what was done."""
        ...

    def discard(self, project: Path, run: str) -> None: ...
