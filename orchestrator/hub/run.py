"""One question on its way to an answer, and whoever listens to it.

What is told is kept in one list; a listener has a place in it and no buffer of its own, so that a slow one
costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from orchestrator.hub.conversations import Asked
from orchestrator.remote.run_events import ENDED, PING, PING_S, RunEvent, Status


@dataclass(eq=False)
class Run:
    """`moment` is the newest event that is not kept; `shut`: its device may ask no more."""

    id: str
    asked: Asked
    created: int
    status: Status = "queued"
    session: str = ""
    model: str = ""
    events: list[RunEvent] = field(default_factory=list)
    moment: RunEvent | None = None
    position: int = 0
    started: int = 0
    cancelled: bool = False
    shut: bool = False
    unsaved: bool = False
    listeners: int = 0
    left: int = 0
    """When the last listener left, in milliseconds."""
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def of_type(self, kind: str) -> RunEvent | None:
        """The newest event of a type."""
        return next((event for event in reversed(self.events) if event.type == kind), None)

    def tell(self, event: RunEvent) -> None:
        if event.id:
            self.events.append(event)
            self.moment = None
        else:
            self.moment = event
        self.ring()

    def ring(self) -> None:
        """Wake all who listen."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def finished(self) -> None:
        """Until the run has ended, or its device may ask no more."""
        while not self.ended and not self.shut:
            await self._bell.wait()

    async def stream(self, after: int, ping_s: float = PING_S) -> AsyncIterator[bytes]:
        """Server-sent events from the one after `after`; a ping whenever there was nothing for `ping_s`."""
        loop = asyncio.get_running_loop()
        cursor, told = after, None
        quiet_since = loop.time()
        while not self.shut:
            bell = self._bell
            fresh = self.events[cursor:]
            pieces = [event.encode() for event in fresh]
            cursor += len(fresh)
            if self.moment is not None and self.moment is not told:
                told = self.moment
                pieces.append(told.encode())
            if pieces:
                yield b"".join(pieces)
                quiet_since = loop.time()
                continue  # more may have come while that was sent
            if self.ended:
                return
            try:
                async with asyncio.timeout_at(quiet_since + ping_s):
                    await bell.wait()
            except TimeoutError:
                yield PING
                quiet_since = loop.time()
