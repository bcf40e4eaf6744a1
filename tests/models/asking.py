"""Asking a backend once, as tests of every protocol do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.ports import Backend
from orchestrator.types import (
    AnswerText,
    Finish,
    Generated,
    GenerateRequest,
    Message,
    Parameter,
    Remark,
    ToolSpec,
)

T = TypeVar("T")
B = TypeVar("B", bound=Backend)
READ = ToolSpec("read", "show a file", (Parameter("path"),), "read")
SEARCH = ToolSpec("search", "find text", (Parameter("pattern"),), "read")
CHOICES = (READ, SEARCH, ANSWER_SPEC)
ASK = (Message("system", "You are an agent."), Message("user", "Which port does app.ini set?"))
LONG = (*ASK, Message("user", "The quick brown fox jumps over the lazy dog. " * 500))


def run(model: B, use: Callable[[B], Awaitable[T]]) -> T:
    """Use the backend in an event loop of its own, and close it."""

    async def whole() -> T:
        try:
            return await use(model)
        finally:
            await model.close()

    return asyncio.run(whole())


async def said(items: AsyncIterator[Generated]) -> tuple[str, Finish, list[Remark]]:
    """The text as it streamed, the end, and what was remarked."""
    texts, finish, remarks = [], None, []
    async for item in items:
        if isinstance(item, AnswerText):
            texts.append(item.text)
        elif isinstance(item, Remark):
            remarks.append(item)
        elif isinstance(item, Finish):
            assert finish is None, "one Finish"
            finish = item
    assert finish is not None
    return "".join(texts), finish, remarks


def ask(model: Backend, request: GenerateRequest | None = None) -> tuple[str, Finish, list[Remark]]:
    return run(model, lambda model: said(model.generate(request or GenerateRequest(ASK, CHOICES))))
