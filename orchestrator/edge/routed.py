"""The edge's backend: a peer's run or the local model, chosen anew for each prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from orchestrator.edge.measured import Speeds
from orchestrator.edge.peer_answer import PeerAnswer
from orchestrator.edge.router import LOCAL, race, route, why_peer
from orchestrator.errors import ModelError, OrchError
from orchestrator.journal.redact import redact
from orchestrator.models.estimate import estimate
from orchestrator.ports import Backend, Progress
from orchestrator.types import Finish, Generated, GenerateRequest, Message, ModelInfo, Remark, Usage
from orchestrator.workspaces.peers import Peer


class RoutedBackend:
    """`ports.Backend` over the local model and peers. The local one is loaded when it first answers.

    A peer is sent the user's own words, `words`, secrets taken out, and no more: it has documents and
    conversation itself. A way
    that fails in mid-answer loses nothing: the next is asked the same, the local model last.
    """

    def __init__(
        self,
        local: Callable[[], Backend],
        peers: Callable[[], Sequence[Peer]],
        reach: Callable[[Peer], Awaitable[bool]],
        speeds: Speeds,
        *,
        project: str,
        context_size: int,
    ) -> None:
        """`local` may raise `OrchError`; `peers` is asked before each prompt."""
        self._make = local
        self._peers = peers
        self._reach = reach
        self._speeds = speeds
        self._project = project
        self._context_size = context_size
        self._local: Backend | None = None
        self._answer: PeerAnswer | None = None
        self._cancelled = asyncio.Event()
        self.words = ""
        self.reached: set[str] = set()
        """Names of the peers that the last prompt found."""

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        return ModelInfo("edge", self._context_size)

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Estimates from above: whose tokenizer will count is not known yet."""
        return [estimate(text) for text in texts]

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        self._cancelled.clear()
        self.reached.clear()
        way = route(estimate(self.words), self._peers(), self._speeds.known, private=request.private)
        left, why, lost = list(way.peers), way.why, ""
        if way.local_first:
            try:
                async for item in self._here(request, why, anew=False):
                    yield item
                return
            except ModelError as error:
                if not left:
                    raise
                lost = error.message
        while left and (peer := await self._first(left)):
            self.reached.add(peer.name)
            left.remove(peer)
            chosen = f"{peer.name} is asked: {why_peer(peer, self._speeds.known)}."
            yield Remark(f"{lost} {chosen}".strip(), anew=bool(lost), level="warning" if lost else "info")
            self._answer = PeerAnswer(peer, redact(self.words)[0], self._project, self._context_size)
            if self._cancelled.is_set():
                self._answer.cancel()
            try:
                async for item in self._answer.events():
                    if isinstance(item, Finish) and item.reason == "stop":
                        self._learn(peer.device, item)
                    yield item
                return
            except ModelError as error:
                lost = error.message
            finally:
                self._answer = None
        if self._cancelled.is_set():
            yield Finish("cancelled", None, "", Message("assistant", ""), Usage())
            return
        if way.local_first:  # it has failed already
            raise ModelError(f"{lost} No peer can be reached either.", "See `orch edge status`.")
        async for item in self._here(request, lost or "no peer can be reached", anew=bool(lost)):
            yield item

    async def _first(self, peers: Sequence[Peer]) -> Peer | None:
        """The race, given up as soon as the prompt is cancelled."""
        racing = asyncio.ensure_future(race(peers, self._reach))
        stopping = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({racing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return racing.result() if racing.done() else None
        finally:
            racing.cancel()
            stopping.cancel()
            await asyncio.gather(racing, stopping, return_exceptions=True)

    async def _here(self, request: GenerateRequest, why: str, *, anew: bool) -> AsyncIterator[Generated]:
        try:
            if self._local is None:
                self._local = self._make()
            info = await self._local.start()
        except OrchError as error:
            raise ModelError(f"The local model cannot answer: {error.message}", error.remedy) from error
        text = f"{why} {info.name} answers here." if anew else f"{info.name} answers here: {why}."
        yield Remark(text, info, anew=anew, level="warning" if anew else "info")
        if self._cancelled.is_set():
            yield Finish("cancelled", None, "", Message("assistant", ""), Usage())
            return
        started = time.monotonic()
        async for item in self._local.generate(request):
            if isinstance(item, Finish) and item.reason == "stop":
                self._learn(LOCAL, item, time.monotonic() - started)
            yield item

    def _learn(self, way: str, finish: Finish, seconds: float = 0.0) -> None:
        tokens = finish.usage.completion_tokens
        seconds = seconds or (tokens / rate if (rate := finish.usage.tokens_per_second) else 0.0)
        try:
            self._speeds.learn(way, tokens, seconds)
        except OrchError:
            return  # an answer does not need the registry

    async def cancel(self) -> None:
        self._cancelled.set()
        if self._answer:
            self._answer.cancel()
        if self._local:
            await self._local.cancel()

    async def close(self) -> None:
        if self._local:
            await self._local.close()
        self._local = None
