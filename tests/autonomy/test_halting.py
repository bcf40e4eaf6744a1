"""An instance that is halted ends, whatever becomes of the cancellation of what halted it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orchestrator.agent.meter import Meter
from orchestrator.autonomy.attempt import Attempt
from orchestrator.events import Event, Notice


class Instance:
    """Waits for a model until it is interrupted; its worker is stopped as a real one is."""

    id = "7f3a"
    busy = True

    def __init__(self) -> None:
        self.meter = Meter()
        self.at_work = False
        self.interrupts = 0
        self._ended = asyncio.Event()

    async def open(self) -> AsyncIterator[Event]:
        yield Notice("open", "info")

    async def turn(self, prompt: str) -> AsyncIterator[Event]:
        self.at_work = True
        await self._ended.wait()
        yield Notice("interrupted", "info")

    async def interrupt(self) -> None:
        self.interrupts += 1
        assert self.interrupts < 3, "its turn is over, and it is interrupted still"
        asyncio.get_running_loop().call_soon(self._ended.set)
        # in Python 3.11 this loses a cancellation that comes when the event is just set
        await asyncio.wait_for(self._ended.wait(), 60)

    async def close(self, reason: str) -> list[Event]:
        return []


def test_a_halted_instance_ends() -> None:
    instance = Instance()

    async def halts(tokens: int) -> str:
        return "minutes" if instance.at_work else ""

    async def played() -> list[Event]:
        attempt = Attempt(instance, halts)
        events = [event async for event in attempt.play("go")]
        assert attempt.halted == "minutes"
        return events

    assert len(asyncio.run(played())) == 2
