"""Reasoning elsewhere, memory here: what a backend on another machine may get.

Secrets are taken out of every message, private ones are left out whole, and a private turn is
refused. The same text is always redacted to the same, so that the server's cache holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from orchestrator.errors import ModelError
from orchestrator.journal.redact import redact, redact_body
from orchestrator.models.served import ServedBackend
from orchestrator.ports import Progress
from orchestrator.types import Generated, GenerateRequest, Message, ModelInfo, ToolCall


class PrivateTurn(ModelError):
    """A turn that must not leave the machine, and a model that is elsewhere."""


class OutboundBackend:
    """A served backend on another machine, behind the redactor."""

    def __init__(self, inner: ServedBackend) -> None:
        self.inner = inner

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        return await self.inner.start(progress)

    async def count(self, texts: Sequence[str]) -> list[int]:
        return await self.inner.count(texts)  # by estimate: nothing is sent for it

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        """Raises `PrivateTurn`, and what the backend raises."""
        async for item in self.inner.generate(self._leaving(request)):
            yield item

    async def outbound(self, request: GenerateRequest) -> dict[str, Any]:
        """Exactly what `generate` would send. Raises `PrivateTurn`."""
        return await self.inner.outbound(self._leaving(request))

    async def cancel(self) -> None:
        await self.inner.cancel()

    async def close(self) -> None:
        await self.inner.close()

    def _leaving(self, request: GenerateRequest) -> GenerateRequest:
        if request.private:
            raise PrivateTurn(
                f"This turn is private, and {self.inner.name} runs at {self.inner.wire.sent_to}.",
                "Name a model of this machine in model.fallback, or choose one with /model.",
            )
        return leaving(request)


def leaving(request: GenerateRequest) -> GenerateRequest:
    """The request without what is private, every message redacted. Pure."""
    kept = [message for message in request.messages if not message.private]
    return replace(request, messages=tuple(_redacted(message) for message in kept))


def _redacted(message: Message) -> Message:
    text = _redacted_text(message.text)
    if message.call is None:
        return message if text == message.text else replace(message, text=text, ids=())
    arguments, found = redact_body(message.call.arguments)
    if not found and text == message.text:
        return message
    return replace(message, text=text, call=ToolCall(message.call.name, arguments), ids=())


@lru_cache(maxsize=2048)
def _redacted_text(text: str) -> str:
    return redact(text)[0]
