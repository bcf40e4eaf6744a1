"""One answer of a peer: a run there, followed through broken connections until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from orchestrator.errors import HubError, ServerError
from orchestrator.models.addresses import address
from orchestrator.remote.client import HubClient
from orchestrator.remote.run_events import RunEvent
from orchestrator.terminal import one_line
from orchestrator.types import (
    ANSWER,
    AnswerText,
    Finish,
    FinishReason,
    Message,
    ModelInfo,
    Remark,
    ToolCall,
    Usage,
)
from orchestrator.workspaces.peers import Peer

RESUMES_S = (0.2, 1.0, 3.0)
"""Pauses before each attempt to go on listening to a run; after the last the next way answers."""
_CANCEL_S = 3.0


class PeerAnswer:
    """Asks once. `cancel` ends the run there, and `events` here, at once."""

    def __init__(self, peer: Peer, prompt: str, project: str, context_size: int) -> None:
        self._peer = peer
        self._prompt = prompt
        self._project = project
        self._context_size = context_size
        self._key = uuid.uuid4().hex
        self._run = ""
        self._last = 0
        self._said = ""
        self._usage = Usage()
        self._status = ""
        self._cut = False
        self._error = ""
        self._stop = asyncio.Event()

    def cancel(self) -> None:
        self._stop.set()

    async def events(self) -> AsyncIterator[AnswerText | Remark | Finish]:
        """Ends with one `Finish`. Raises `ServerError` where the peer did not bring it to an end."""
        started = time.monotonic()
        async with HubClient(self._peer) as client:
            async for event in self._followed(client):
                if item := self._heard(event):
                    yield item
            if self._stop.is_set():
                await self._cancelled(client)
        if self._error:
            raise ServerError(f"{self._peer.name}: {self._error}")
        if not self._stop.is_set() and (self._status != "done" or self._cut):
            raise ServerError(f"{self._peer.name} stopped in the middle.", "Ask again.")
        reason: FinishReason = "cancelled" if self._stop.is_set() else "stop"
        # As the local model would have said it, which may answer next.
        message = Message("assistant", "", call=ToolCall(ANSWER, {"text": self._said}))
        yield Finish(reason, None, self._said, message, self._spent(started))

    def _spent(self, started: float) -> Usage:
        """As the peer counted, at the speed that was seen here: its queue and the network are in it."""
        tokens, seconds = self._usage.completion_tokens, time.monotonic() - started
        return Usage(
            prompt_tokens=self._usage.prompt_tokens,
            cached_tokens=self._usage.cached_tokens,
            completion_tokens=tokens,
            time_to_first_token_ms=self._usage.time_to_first_token_ms,
            tokens_per_second=tokens / seconds if seconds > 0 else 0.0,
        )

    async def _followed(self, client: HubClient) -> AsyncIterator[RunEvent]:
        """Every event of the run, once; ends after its last, or when it is cancelled here."""
        pauses = list(RESUMES_S)
        while not self._status and not self._stop.is_set():
            stream = (
                client.resume(self._run, self._last)
                if self._run
                else client.ask(self._prompt, key=self._key, project=self._project)
            )
            before = self._last
            try:
                async for event in _until(stream, self._stop):
                    if event.id and event.id <= self._last:
                        continue
                    self._last = event.id or self._last
                    yield event
            except HubError as error:
                if error.status == 404 and self._project and not self._run:
                    yield RunEvent("notice", {"text": "It does not know this project yet: it is not synced."})
                    self._project, self._key = "", uuid.uuid4().hex
                    continue
                if error.status not in (0, 502, 503, 504):
                    raise ServerError(f"{self._peer.name}: {error.message}", error.remedy) from error
                lost = error.message
            else:
                lost = "the connection ended"
            if self._status or self._stop.is_set():
                return
            if self._last > before:
                pauses = list(RESUMES_S)
            if not pauses:
                raise ServerError(f"{self._peer.name} was lost ({lost.rstrip('.')}).", "See that it runs.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pauses.pop(0))

    def _heard(self, event: RunEvent) -> AnswerText | Remark | None:
        data = event.data
        match event.type:
            case "started":
                self._run = str(data.get("run", ""))
                return Remark("", self._info(data))
            case "queued":
                place = data.get("position")
                if isinstance(place, int) and place > 1:
                    return Remark(f"{self._peer.name}: number {place} in its queue.", level="info")
            case "serving" if data.get("anew"):
                self._said = ""
                return Remark(f"{self._peer.name} begins anew.", self._info(data), anew=True)
            case "notice":
                return Remark(f"{self._peer.name}: {one_line(str(data.get('text', '')), 300)}", level="info")
            case "token":
                self._said += (text := str(data.get("text", "")))
                return AnswerText(text)
            case "answer":
                self._cut = bool(data.get("interrupted"))
                self._usage = _usage(data.get("usage"))
                text = str(data.get("text", ""))
                rest = text[len(self._said) :] if text.startswith(self._said) else ""
                self._said = self._said + rest
                return AnswerText(rest) if rest else None
            case "error":
                self._error = one_line(f"{data.get('message', '')} {data.get('remedy', '')}", 300)
            case "end":
                self._status = str(data.get("status", "failed"))
        return None

    def _info(self, data: dict[str, Any]) -> ModelInfo:
        model = one_line(str(data.get("model", "")), 80)
        # Named even on loopback: whoever answers there is another node.
        return ModelInfo(model, self._context_size, server=self._peer.name, sent_to=address(self._peer.url))

    async def _cancelled(self, client: HubClient) -> None:
        if self._run and not self._status:
            with contextlib.suppress(HubError, TimeoutError):
                async with asyncio.timeout(_CANCEL_S):
                    await client.cancel(self._run)


async def _until(stream: AsyncIterator[RunEvent], stop: asyncio.Event) -> AsyncIterator[RunEvent]:
    """What comes before `stop`; a peer that is silent does not keep it."""
    stopping = asyncio.ensure_future(stop.wait())
    coming: asyncio.Future[RunEvent] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(stream))
            await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            yield event
    finally:
        left = [one for one in (coming, stopping) if one and not one.done()]
        for one in left:
            one.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if close := getattr(stream, "aclose", None):
            await close()


def _usage(value: Any) -> Usage:
    """A peer's own count; what is no number is left out."""
    given = value if isinstance(value, dict) else {}

    def number(name: str) -> int:
        found = given.get(name)
        return int(found) if isinstance(found, int | float) and 0 <= found < 1e9 else 0

    return Usage(
        number("prompt_tokens"),
        number("cached_tokens"),
        number("completion_tokens"),
        number("time_to_first_token_ms"),
    )
