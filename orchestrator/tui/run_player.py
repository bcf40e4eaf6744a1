"""Plays one autonomous run at a time in this process, whatever screen is open, and keeps what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from time import monotonic

from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.autonomy.happenings import Happening, RunStarted
from orchestrator.errors import OrchError, ProjectError
from orchestrator.events import Answer, Event, PrefillProgress, Token, ToolCallEvent
from orchestrator.tui.run_log import LogLines


class RunPlayer:
    """`heard` is called with each item of the run, after it is in `log`, and with the error that ended it."""

    def __init__(self, heard: Callable[[Happening | Event | OrchError], None]) -> None:
        self._heard = heard
        self._task: asyncio.Task[None] | None = None
        self._playing: GoalRun | None = None
        self._pausing: asyncio.Task[None] | None = None
        self.run = ""
        """Whole id of the run that is played, or was last; empty while it is being prepared."""
        self.log = LogLines()
        self._doing, self._since = "", monotonic()
        self._written = 0

    @property
    def doing(self) -> str:
        """What goes on at this moment, and for how long; empty when nothing does."""
        return f"{self._doing} · {monotonic() - self._since:.0f} s" if self._doing else ""

    @property
    def busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def play(self, opening: AbstractAsyncContextManager[GoalRun], run: str = "") -> None:
        """`run` is the id of one that goes on. Raises `ProjectError` while another is played."""
        if self.busy:
            raise ProjectError("A run is at work here already.", "Pause or stop it first: /runs.")
        self.run, self.log = run, LogLines("Preparing …")
        self._do("preparing its worktree")
        self._task = asyncio.create_task(self._play(opening))

    async def pause(self) -> None:
        """At the next safe point; returns when nothing of it runs here any more."""
        if self._playing and self._pausing is None:
            self._pausing = asyncio.create_task(self._playing.interrupt())
        if self._task:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """The app ends: the run is paused, and can be resumed from anywhere."""
        if self.busy and self._playing is None and self._task:
            self._task.cancel()  # nothing of it has begun
        await self.pause()

    async def _play(self, opening: AbstractAsyncContextManager[GoalRun]) -> None:
        try:
            async with opening as playing:
                self._playing = playing
                async for event in playing.play():
                    self._hear(event)
                    await asyncio.sleep(0)  # a quick model must not starve the keyboard
        except OrchError as error:
            self.log.add(str(error), "warning")
            self._heard(error)
        finally:
            self._playing = self._pausing = None
            self._do("")

    def _do(self, doing: str) -> None:
        if doing.partition(" ")[0] != self._doing.partition(" ")[0]:
            self._since, self._written = monotonic(), 0
        self._doing = doing

    def _hear(self, event: Happening | Event) -> None:
        match event:
            case RunStarted():
                self.run = event.run
                self._do("checking")
            case PrefillProgress():
                self._do(f"reading {event.done:,} of {event.total:,} tokens")
            case Token():
                self._written += 1
                self._do(f"writing {self._written:,} tokens")
            case ToolCallEvent():
                self._do(f"▸ {event.name}")
            case Answer():
                self._do("checking")
            case _:
                pass
        self.log.hear(event)
        self._heard(event)
