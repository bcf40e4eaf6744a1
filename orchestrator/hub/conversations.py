"""Open sessions, one a device and project: a question goes on where the device's last one ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from orchestrator.agent.session import Session
from orchestrator.errors import OrchError, WindowFull
from orchestrator.events import Event
from orchestrator.ports import Clock

MOST_OPEN = 8
IDLE_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. `project` is an id, "" for none; `fresh` starts a new instance for it.

    `recorded`: the device records question and answer itself, so that what is recorded here is a copy.
    """

    device: str
    project: str
    prompt: str
    fresh: bool = False
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The session that answers, before anything is recorded in it."""

    session: str
    model: str


Key = tuple[str, str, bool]
"""The device, the project's id, and whether the device records the conversation itself."""
Make = Callable[[Key], Awaitable[Session]]
"""A session that is not open yet."""


class Conversations:
    """Runs one turn at a time. A session that nobody used for ten minutes is closed, and so has its entry
    in the log; the next question starts a fresh instance from the documents."""

    def __init__(self, make: Make, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._open: OrderedDict[Key, tuple[Session, int]] = OrderedDict()
        self._now: Session | None = None

    async def turn(self, asked: Asked) -> AsyncIterator[Event | Opened]:
        """Raises what a session raises; the session is then closed, what was said kept."""
        key = (asked.device, asked.project, asked.recorded)
        if asked.fresh and key in self._open:
            await self._end(key, "done")
        reason = "failed"
        try:
            if key not in self._open:
                async for event in self._opened(key):
                    yield event
            session = self._now = self._open[key][0]
            yield Opened(session.id, session.model)
            async for event in session.turn(asked.prompt):
                yield event
            reason = ""
        except BaseException as error:
            kept = (
                isinstance(error, WindowFull) and key in self._open
            )  # that question was too long, not the rest
            reason = "" if kept else "failed" if isinstance(error, OrchError) else "interrupted"
            raise
        finally:
            self._now = None
            if reason:
                await self._end(key, reason)
            else:
                self._open[key] = (self._open[key][0], self._clock.now_ms())
                self._open.move_to_end(key)

    async def _opened(self, key: Key) -> AsyncIterator[Event]:
        if len(self._open) >= MOST_OPEN:
            await self._end(next(iter(self._open)), "done")
        session = await self._make(key)
        self._open[key] = (session, self._clock.now_ms())
        async for event in session.open():
            yield event

    async def interrupt(self) -> bool:
        """Stop the turn that runs, keeping what was said; False where none has begun to be answered."""
        if self._now is None or not self._now.busy:
            return False
        await self._now.interrupt()
        return True

    async def close_idle(self) -> None:
        old = self._clock.now_ms() - IDLE_MS
        for key, (session, used) in list(self._open.items()):
            if used < old and session is not self._now:
                await self._end(key, "done")

    async def close(self) -> None:
        """Write every session's end and log entry."""
        for key in list(self._open):
            await self._end(key, "done")

    async def _end(self, key: Key, reason: str) -> None:
        kept = self._open.pop(key, None)
        if kept is not None:
            await kept[0].close(reason)
