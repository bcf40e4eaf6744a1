"""A backend that replays a script: for tests of everything above it, down to the command line.

It goes through the same port and keeps the same promises as a model: pieces of answer text, usage
with a reused prefix, a window that can be full, cancel at any piece, no call that is not a choice.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ModelError, WindowFull
from orchestrator.models.dialects import OPENING, Decoder, render
from orchestrator.models.snapshot import common_prefix
from orchestrator.ports import Progress
from orchestrator.types import (
    ANSWER,
    AnswerText,
    Finish,
    FinishReason,
    Generated,
    GenerateRequest,
    Message,
    ModelInfo,
    Prefill,
    ToolCall,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Pause:
    """An answer that comes to its end only by `cancel`."""

    text: str


@dataclass(frozen=True, slots=True)
class Paced:
    """An answer that comes as quickly as a model would write it."""

    text: str
    tokens_per_second: float


Reply = ToolCall | str | Pause | Paced | Exception
Step = Reply | Callable[[GenerateRequest], Reply]
_TOKEN = re.compile(r"\w{1,5}|\s+|[^\w\s]")


class ScriptedBackend:
    """Replays `steps`, one a generation: a call, an answer's text, an exception to raise, or a
    function of the request that returns one of these. A script has no second thoughts: a further attempt
    at a step gets the same reply. `requests` keeps what was asked.

    Raises `ModelError` where the script ends or calls what the request does not allow.
    """

    def __init__(self, steps: Sequence[Step], name: str = "scripted", context_size: int = 8192) -> None:
        self.name = name
        self.context_size = context_size
        self.requests: list[GenerateRequest] = []
        self._steps = list(steps)
        self._next = 0
        self._cached: list[str] = []
        self._cancelled: asyncio.Event | None = None

    @classmethod
    def from_file(cls, path: Path) -> ScriptedBackend:
        """Steps from JSON: a list of `{"tool", "arguments"}`, `{"answer"}`, `{"error"}`, `{"pause"}`.

        An answer may have `"tokens_per_second"`.
        """
        try:
            steps = [_step(item) for item in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(
                f"{path} is not a script: {error}.", "See orchestrator/models/scripted.py."
            ) from error
        return cls(steps, name=f"scripted:{path.name}")

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        return ModelInfo(self.name, self.context_size, threads=1)

    async def count(self, texts: Sequence[str]) -> list[int]:
        return [len(_TOKEN.findall(text)) for text in texts]

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        start = time.perf_counter()
        self._cancelled = asyncio.Event()
        self.requests.append(request)
        prompt = self._prompt(request)
        cached = common_prefix(self._cached, prompt)
        yield Prefill(0, len(prompt) - cached, cached)
        yield Prefill(len(prompt) - cached, len(prompt) - cached, cached)
        self._cached = prompt

        reply = self._reply(request)
        text, decoder, sent = OPENING, Decoder(request.choices), 0
        decoder.feed(OPENING)
        first = (time.perf_counter() - start) * 1000
        reason: FinishReason = "stop"
        for piece in _TOKEN.findall(_text(reply).removeprefix(OPENING)):
            await asyncio.sleep(_due(reply, sent) - (time.perf_counter() - start))
            if self._cancelled.is_set() or sent == request.max_tokens:
                reason = "cancelled" if self._cancelled.is_set() else "length"
                break
            text, sent = text + piece, sent + 1
            if said := decoder.feed(piece):
                yield AnswerText(said)
        if isinstance(reply, Pause) and reason == "stop":
            await self._cancelled.wait()
            reason = "cancelled"

        call, answer = decoder.finish(cut=reason != "stop")
        seconds = time.perf_counter() - start
        usage = Usage(len(prompt), cached, sent, first, 0.0, sent / seconds if seconds else 0.0)
        yield Finish(reason, call, answer, Message("assistant", text, call=call), usage)

    async def cancel(self) -> None:
        if self._cancelled:
            self._cancelled.set()

    async def close(self) -> None:
        self._cached = []

    def _prompt(self, request: GenerateRequest) -> list[str]:
        """The prompt's tokens. Raises `WindowFull`."""
        tokens: list[str] = []
        for message in request.messages:
            tokens += ["<", message.role, ">", *_TOKEN.findall(_said(message)), "\n"]
        tokens += ["<", "assistant", ">", OPENING]
        if len(tokens) >= self.context_size:
            raise WindowFull(
                f"The prompt has {len(tokens)} tokens, and the window of {self.name} holds "
                f"{self.context_size}, the answer included.",
                "Shorten it, start a new session, or raise model.context_size.",
            )
        return tokens

    def _reply(self, request: GenerateRequest) -> Reply:
        if request.attempt:
            self._next -= 1
        if self._next == len(self._steps):
            raise ModelError(f"The script of {self.name} ends after {self._next} steps.", "Add a step.")
        step = self._steps[self._next]
        self._next += 1
        reply = step(request) if callable(step) else step
        if isinstance(reply, Exception):
            raise reply
        name = reply.name if isinstance(reply, ToolCall) else ANSWER
        possible = [spec.name for spec in request.choices]
        if name not in possible:
            raise ModelError(
                f"Step {self._next} of {self.name} is {name!r}, which is not possible there.",
                f"Possible: {', '.join(possible)}.",
            )
        return reply


def _due(reply: Reply, sent: int) -> float:
    """Seconds after the start at which the next token may come, when so many were sent."""
    return sent / reply.tokens_per_second if isinstance(reply, Paced) else 0.0


def _said(message: Message) -> str:
    return message.text or (render(message.call) if message.call else "")


def _text(reply: Reply) -> str:
    """What a model would have written; a pause never closes its string."""
    if isinstance(reply, ToolCall):
        return render(reply)
    if isinstance(reply, Pause):
        return render(ToolCall(ANSWER, {"text": reply.text})).removesuffix('"}')
    text = reply.text if isinstance(reply, Paced) else str(reply)
    return render(ToolCall(ANSWER, {"text": text}))


def _step(item: Any) -> Reply:
    match item:
        case {"tool": str(name), "arguments": dict(arguments)}:
            return ToolCall(name, arguments)
        case {"answer": str(text), "tokens_per_second": float() | int() as rate} if rate > 0:
            return Paced(text, rate)
        case {"answer": str(text)} if "tokens_per_second" not in item:
            return text
        case {"pause": str(text)}:
            return Pause(text)
        case {"error": str(text)}:
            return ModelError(text, "The script says so.")
    raise ValueError(f"{item!r} is not a step")
