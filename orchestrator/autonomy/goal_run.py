"""The loop of a run: check, decide, one fresh instance for the next step, measure, keep or take back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from orchestrator.autonomy.happenings import Happening
from orchestrator.autonomy.state import RunState
from orchestrator.events import Event


class GoalRun(Protocol):
    """One run in this process. Draft of the port; see `auto_node`."""

    @property
    def state(self) -> RunState: ...

    def play(self) -> AsyncIterator[Happening | Event]:
        """Yields `RunStarted`, then for each step `StepBegun`, the instance's events, `CheckRun`s and
        `StepEnded`; last `RunEnded`."""
        ...

    async def interrupt(self) -> None:
        """Stop at the next safe point: the instance at once, what it has done is kept or taken back."""
        ...
