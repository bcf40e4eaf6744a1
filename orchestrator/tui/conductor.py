"""Plays prompts to a session, one after another, and passes on what happens.

The app talks to this and to nothing below it. It knows no widget: what happens goes to `show`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import JournalError, NoModel, OrchError
from orchestrator.events import Event
from orchestrator.ports import Approver
from orchestrator.tui.node import Node, Opened, Wish

if TYPE_CHECKING:
    from orchestrator.agent.session import Session


class Phase(StrEnum):
    OPENING = "opening"
    READY = "ready"
    WORKING = "working"
    CLOSED = "closed"
    """No session: the last one has ended, or could not be opened."""


@dataclass(frozen=True, slots=True)
class Phased:
    """The phase has changed, or the prompts that wait."""

    phase: Phase
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompted:
    """A prompt is played now."""

    text: str


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session can take prompts."""

    opened: Opened


@dataclass(frozen=True, slots=True)
class Failed:
    """Something ended with an error; what was recorded is kept. `needs_model`: no model can run;
    `unrecorded` is a prompt that the journal could not take."""

    text: str
    needs_model: bool = False
    unrecorded: str = ""


Happening = Event | Phased | Prompted | SessionOpened | Failed


class Conductor:
    """Holds one session at a time. Everything runs in the app's event loop."""

    def __init__(self, node: Node, approver: Approver, show: Callable[[Happening], None]) -> None:
        self._node = node
        self._approver = approver
        self._show = show
        self._prompts: deque[str] = deque()
        self._wake = asyncio.Event()
        self._wish: Wish | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.phase = Phase.CLOSED
        self.opened: Opened | None = None
        self.without = asyncio.Event()
        """Set while no session is open: what the last one had to write is written."""
        self.without.set()
        self.unwritten: OrchError | None = None
        """Why the last session's end could not be recorded, when nobody looks at the screen any more."""

    # --- what the app asks for --------------------------------------------------------------

    def open(self, wish: Wish) -> None:
        """Close the session there is, and open this one; returns at once. Waiting prompts are dropped."""
        self._wish = wish
        self._prompts.clear()
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        elif self.phase is Phase.WORKING:
            self._stop()

    def submit(self, prompt: str) -> None:
        """Play the prompt, after those that wait."""
        self._prompts.append(prompt)
        self._phase(self.phase)
        self._wake.set()

    def take_back(self) -> list[str]:
        """The prompts that wait, no longer to be played."""
        waiting = list(self._prompts)
        self._prompts.clear()
        if waiting:
            self._phase(self.phase)
        return waiting

    def interrupt(self) -> bool:
        """Stop the model or the command that runs; False when none does."""
        if self.phase is not Phase.WORKING:
            return False
        self._stop()
        return True

    async def close(self) -> None:
        """End the session, its log entry written. The conductor is done."""
        self._closing = True
        self._prompts.clear()
        self._wake.set()
        if self._task is None:
            return
        if self.phase is Phase.WORKING:
            self._stop()
        elif self.phase is Phase.OPENING:
            self._task.cancel()  # nothing was said yet
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    # --- the task ---------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._closing:
            wish, self._wish = self._wish, None
            if wish is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                await self._session(wish)
            except OrchError as error:
                lacking = isinstance(error, NoModel)
                text = f"{error.message} /models offers those that run here." if lacking else str(error)
                self._show(Failed(text, needs_model=lacking))
                self.unwritten = error if self._closing else None
            self.opened = None
            self.without.set()
            self._phase(Phase.CLOSED)

    async def _session(self, wish: Wish) -> None:
        self._phase(Phase.OPENING)
        async with self._node.open(wish, self._approver) as opened:
            session, reason = opened.session, "failed"
            try:
                for notice in opened.notices:
                    self._show(notice)
                await self._play(session.open())
                self.opened = replace(opened, model=session.model)
                self.without.clear()
                self._show(SessionOpened(self.opened))
                session.warm_up()
                reason = await self._prompts_of(session)
            finally:
                for event in await session.close(reason):
                    self._show(event)

    async def _prompts_of(self, session: Session) -> str:
        """Play prompts until another session is wished for; returns why this one ends."""
        self._phase(Phase.READY)
        while not (self._closing or self._wish):
            if not self._prompts:
                self._wake.clear()
                await self._wake.wait()
                continue
            prompt = self._prompts.popleft()
            self._show(Prompted(prompt))
            self._phase(Phase.WORKING)
            try:
                await self._play(session.turn(prompt))
            except OrchError as error:
                lost = prompt if isinstance(error, JournalError) else ""
                self._show(Failed(str(error), unrecorded=lost))
            self._phase(Phase.READY)
        return "done"

    async def _play(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            self._show(event)
            # A model that is quicker than the screen must not starve the keyboard.
            await asyncio.sleep(0)

    def _stop(self) -> None:
        if self.opened:
            self._stopping = asyncio.create_task(self.opened.session.interrupt())

    def _phase(self, phase: Phase) -> None:
        self.phase = phase
        self._show(Phased(phase, tuple(self._prompts)))
