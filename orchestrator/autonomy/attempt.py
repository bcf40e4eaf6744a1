"""One fresh instance at one step: it plays one turn, and stops when a person or a budget says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from orchestrator.events import Answer, Event
from orchestrator.types import Usage

LOOK_S = 0.5
"""Seconds between two looks at whether it must stop."""


class Meter(Protocol):
    @property
    def total(self) -> Usage: ...


class Instance(Protocol):
    """What an attempt needs of `agent.session.Session`."""

    @property
    def id(self) -> str: ...

    @property
    def meter(self) -> Meter: ...

    @property
    def busy(self) -> bool: ...

    def open(self) -> AsyncIterator[Event]: ...

    def turn(self, prompt: str) -> AsyncIterator[Event]: ...

    async def interrupt(self) -> None: ...

    async def close(self, reason: str) -> list[Event]: ...


class Attempt:
    """`halts` is asked twice a second with the tokens spent so far; what it returns, if anything, is why the
    instance stops."""

    def __init__(self, session: Instance, halts: Callable[[int], Awaitable[str]]) -> None:
        self.session = session
        self.answer = ""
        self.halted = ""
        self._halts = halts
        self._over = False
        self._past = 0
        self._seen = session.id

    @property
    def tokens(self) -> int:
        """Read anew or written; what the cache held counts nothing."""
        return self._past + spent(self.session.meter.total)

    async def play(self, prompt: str) -> AsyncIterator[Event]:
        """Raises `ModelError`s. The session stays open: what is judged now belongs into its log entry."""
        watching = asyncio.create_task(self._watch())
        try:
            async for event in self.session.open():
                yield event
            if self.halted:
                return
            before = 0
            async for event in self.session.turn(prompt):
                if self.session.id != self._seen:  # a rollover: its meter began anew
                    self._past, self._seen = self._past + before, self.session.id
                before = spent(self.session.meter.total)
                if isinstance(event, Answer) and not event.interrupted:
                    self.answer = event.text
                yield event
        finally:
            self._over = True  # a cancel alone may be lost in `wait_for`, where the model ends just then
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def halt(self, why: str) -> None:
        self.halted = self.halted or why
        if self.session.busy:
            await self.session.interrupt()

    async def _watch(self) -> None:
        while not self._over:
            if why := await self._halts(self.tokens):
                heard = self.session.busy
                await self.halt(why)
                if heard:
                    return  # once is enough; and a cancel that arrives while it interrupts may be lost there
            await asyncio.sleep(LOOK_S)


def spent(usage: Usage) -> int:
    return max(0, usage.prompt_tokens - usage.cached_tokens) + usage.completion_tokens
