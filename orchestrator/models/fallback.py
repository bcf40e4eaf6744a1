"""Several models behind one port: the first that works answers, and the next takes over when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import ModelError, OrchError, WindowFull
from orchestrator.ports import Backend, Progress
from orchestrator.types import Finish, Generated, GenerateRequest, Message, ModelInfo, Remark, Usage


@dataclass(frozen=True, slots=True)
class Member:
    """One model of the chain, by the name it was configured with. `make` may raise `OrchError`."""

    name: str
    make: Callable[[], Backend]


class FallbackBackend:
    """Tries its members in order, and stays with the one that works until that fails.

    A member that fails in mid-answer loses nothing: the next gets the same request. When none is
    left, the error says what was wrong with each, and the next request begins at the first again.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        self._at = 0
        self._backend: Backend | None = None
        self._local: Backend | None = None  # for private turns, while the other is elsewhere
        self._info: ModelInfo | None = None
        self._failed: list[str] = []
        self._own: set[tuple[int, ...]] = set()
        self._starting = asyncio.Lock()
        self._cancelled = False

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        """Raises `ModelError` with the reason of every member when none can run."""
        async with self._starting:
            if self._info is None:
                self._info = await self._start_next(progress)
            return self._info

    async def count(self, texts: Sequence[str]) -> list[int]:
        await self.start()
        assert self._backend is not None
        return await self._backend.count(texts)

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        self._cancelled = False
        while True:
            await self.start()
            backend = self._backend
            assert backend is not None
            assert self._info is not None
            if request.private and self._info.sent_to:
                async for item in self._here(request):
                    yield item
                return
            try:
                if self._cancelled:
                    yield Finish("cancelled", None, "", Message("assistant", ""), Usage())
                    return
                async for item in backend.generate(self._for_this_one(request)):
                    if isinstance(item, Finish) and item.message.ids:
                        self._own.add(item.message.ids)
                    yield item
                return
            except WindowFull:
                raise  # a longer window elsewhere is no reason to send it there
            except ModelError as error:
                lost = await self._give_up(error)
            info = await self.start()
            yield Remark(f"{lost} {_taking_over(info)}", info, anew=True)

    async def outbound(self, request: GenerateRequest) -> Mapping[str, Any]:
        """What the member at hand would send; empty where no other program gets it."""
        await self.start()
        send = getattr(self._backend, "outbound", None)
        return await send(request) if send else {}

    async def cancel(self) -> None:
        self._cancelled = True
        for backend in (self._backend, self._local):
            if backend:
                await backend.cancel()

    async def close(self) -> None:
        for backend in (self._backend, self._local):
            if backend:
                await backend.close()
        self._backend = self._info = self._local = None

    async def _here(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        """A private turn, while the member at hand is on another machine."""
        if self._local is None:
            self._local, info = await self._local_member()
            yield Remark(f"Private turns are answered by {info.name}, on this machine.")
        async for item in self._local.generate(self._for_this_one(request)):
            yield item

    async def _local_member(self) -> tuple[Backend, ModelInfo]:
        """The first member that runs on this machine. Raises `ModelError` when none does."""
        for member in self._members:
            try:
                backend = member.make()
                info = await backend.start()
            except OrchError:
                continue
            if not info.sent_to:
                return backend, info
            await backend.close()
        raise ModelError(
            "This turn is private, and no model of this machine can answer it.",
            "Name one in model.fallback, or choose one with /model.",
        )

    async def _start_next(self, progress: Progress | None) -> ModelInfo:
        while self._at < len(self._members):
            member = self._members[self._at]
            try:
                self._backend = member.make()
                info = await self._backend.start(progress)
            except OrchError as error:  # one that is configured wrongly stops none of the others
                await self._give_up(error)
                continue
            return replace(info, why=self._why(info))
        failed, self._failed, self._at = self._failed, [], 0
        raise ModelError("None of the models can run: " + " ".join(failed), "See `orch doctor`.")

    async def _give_up(self, error: OrchError) -> str:
        """The member at hand has failed; what it said of that."""
        name, backend = self._members[self._at].name, self._backend
        self._backend = self._info = None
        self._at += 1
        self._own.clear()
        lost = f"{name}: {error.message}"
        self._failed.append(lost)
        if backend:
            await backend.close()
        return lost

    def _why(self, info: ModelInfo) -> str:
        if not self._failed:
            return f"Using {info.name}, the first choice." + (f" {info.why}" if info.why else "")
        return f"Using {info.name}. " + " ".join(self._failed)

    def _for_this_one(self, request: GenerateRequest) -> GenerateRequest:
        """Token ids belong to the model that made them; another gets the text."""
        messages = tuple(
            replace(message, ids=()) if message.ids and message.ids not in self._own else message
            for message in request.messages
        )
        return replace(request, messages=messages)


def _taking_over(info: ModelInfo) -> str:
    leaving = f" Prompts now leave this machine for {info.sent_to}." if info.sent_to else ""
    where = f" ({info.server})" if info.server else ""
    return f"{info.name}{where} takes over.{leaving}"
