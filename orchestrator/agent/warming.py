"""Bringing a project's snapshot up to date without a session: reads documents, writes none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from orchestrator.agent.prefix import Reading, read
from orchestrator.agent.tiers import KnownTiers, Readable
from orchestrator.config import ContextSettings
from orchestrator.errors import ModelError
from orchestrator.ports import Warmable
from orchestrator.types import GenerateRequest, Message, Owner, Prefill, Warmed

_ROUNDS = 3  # the documents may change while they are prefilled


class Warmer:
    """One model, for one project after another."""

    def __init__(self, backend: Warmable, fixed: Sequence[Message], budgets: ContextSettings) -> None:
        self._backend = backend
        self._fixed = fixed
        self._budgets = budgets

    async def read(self, documents: Readable, owner: Owner) -> Reading:
        """What a session of this project would start from now."""
        return await read(self._backend, self._fixed, KnownTiers(documents), self._budgets, owner)

    async def warm(
        self, documents: Readable, owner: Owner, *, yields: bool = False
    ) -> AsyncIterator[Prefill | Warmed]:
        """Prefill what is new and keep it; the last item is `Warmed`.

        With `yields` it ends as "stopped" once a person waits for the model.
        """
        reading = await self.read(documents, owner)
        ended = Warmed("done", 0, 0)
        for _ in range(_ROUNDS):
            async for item in self._backend.warm(reading.request, yields=yields):
                if isinstance(item, Warmed):
                    ended = item
                else:
                    yield item
            before, reading = reading, await self.read(documents, owner)
            if ended.reason != "done" or reading.request == before.request:
                break
        yield ended


async def look(backend: Warmable, reading: Reading) -> Warmed:
    """What a session would find: how many tokens it starts from, and how many are kept."""
    found = Warmed("done", 0, 0)
    async for item in backend.warm(reading.request, look=True):
        if isinstance(item, Warmed):
            found = item
    return found


async def warmed(backend: Warmable, request: GenerateRequest) -> None:
    """Prefill what `request` begins with; a model that fails says so when it is asked something."""
    with contextlib.suppress(ModelError):
        async for _ in backend.warm(request):
            pass
