"""Driving a session from a command: events to a renderer, signals to an interrupt."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from orchestrator.agent.session import Session
from orchestrator.events import Answer, Event

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class Renderer(Protocol):
    def show(self, event: Event) -> None: ...


async def play(events: AsyncIterator[Event], renderer: Renderer) -> Answer | None:
    """Show all events; returns the answer if there was one."""
    answer = None
    async for event in events:
        renderer.show(event)
        if isinstance(event, Answer):
            answer = event
    return answer


class Interrupts:
    """Ctrl+C (or a polite kill) stops what runs and keeps what was said; a second one leaves at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stopping: asyncio.Task[None] | None = None
        self.count = 0

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            self.count += 1
            if self.count == 1 and self._session.busy:
                self._stopping = loop.create_task(self._session.interrupt())
            else:
                task.cancel()

        previous = {sign: signal.getsignal(sign) for sign in SIGNALS}
        for sign in SIGNALS:
            # Not loop.add_signal_handler: Windows has none.
            signal.signal(sign, lambda *_: loop.call_soon_threadsafe(interrupt))
        try:
            yield
        finally:
            for sign, handler in previous.items():
                signal.signal(sign, handler)
