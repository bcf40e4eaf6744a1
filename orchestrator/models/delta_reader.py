"""The deltas of a generation, however often its request has to be sent; cancelled at any point."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Sequence

from orchestrator.models.wire import Ask, Busy, Delta, Wire

_QUEUE = 256


class DeltaReader:
    """Reads in a task of its own, so that `cancel` closes the connection at once. One a generation."""

    def __init__(self, wire: Wire, backoff: Sequence[float]) -> None:
        """`backoff`: seconds before each retry."""
        self.cancelled = asyncio.Event()
        self._wire = wire
        self._backoff = backoff
        self._reader: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        self.cancelled.set()
        if self._reader:
            self._reader.cancel()

    async def deltas(self, ask: Ask) -> AsyncGenerator[Delta, None]:
        """The wire's deltas, until they end or the turn is cancelled; with retries before the first."""
        for wait in (*self._backoff, None):
            queue: asyncio.Queue[Delta | Exception | None] = asyncio.Queue(_QUEUE)
            reader = self._reader = asyncio.create_task(_pump(self._wire.stream(ask), queue))
            reader.add_done_callback(lambda _, queue=queue: _wake(queue))  # type: ignore[misc]
            begun = False
            try:
                while not self.cancelled.is_set():
                    item = await queue.get()
                    if item is None:
                        return
                    if isinstance(item, Busy) and not begun and wait is not None:
                        break
                    if isinstance(item, Exception):
                        raise item
                    begun = True
                    yield item
            finally:
                self._reader = None
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
            if self.cancelled.is_set() or not isinstance(item, Busy) or wait is None:
                return
            await self._pause(max(item.after_s, wait * random.uniform(0.8, 1.2)))
            if self.cancelled.is_set():
                return

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.cancelled.wait()


async def _pump(source: AsyncGenerator[Delta, None], queue: asyncio.Queue[Delta | Exception | None]) -> None:
    """Move deltas into the queue, and last how they ended: None, or what was raised."""
    last: Exception | None = None
    try:
        async with contextlib.aclosing(source) as deltas:
            async for delta in deltas:
                await queue.put(delta)
    except Exception as error:  # noqa: BLE001  raised where the deltas are awaited
        last = error
    await queue.put(last)


def _wake(queue: asyncio.Queue[Delta | Exception | None]) -> None:
    """The reader has ended, perhaps before it began: nobody may wait for it."""
    with contextlib.suppress(asyncio.QueueFull):
        queue.put_nowait(None)
