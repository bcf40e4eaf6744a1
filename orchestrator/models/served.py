"""A model that a server runs, behind the `Backend` port: what all protocols have in common.

It asks in the dialect that suits the model, decodes what comes, keeps the prompt inside the window,
retries before the first token only, and never passes on half a call or an empty answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.errors import ModelError, ServerError, WindowFull
from orchestrator.models.abilities import Known
from orchestrator.models.attempt import Attempt, texts_of
from orchestrator.models.delta_reader import DeltaReader
from orchestrator.models.dialects import Decoder
from orchestrator.models.estimate import Correction, estimate
from orchestrator.models.likely import likely
from orchestrator.models.thoughts import Thoughts
from orchestrator.models.wire import (
    CONSTRAINED,
    Ask,
    Busy,
    Dialect,
    Ended,
    Piece,
    Reading,
    Refused,
    Served,
    Wire,
)
from orchestrator.ports import Progress
from orchestrator.types import (
    ANSWER,
    AnswerText,
    Finish,
    Generated,
    GenerateRequest,
    Message,
    ModelInfo,
    Prefill,
    Remark,
    ToolCall,
    ToolSpec,
    Usage,
)

_ROOM = 32  # tokens that must be left for an answer
_TURN_TOKENS = 5  # what a template puts around one message
_SUSPICIOUS = 0.28
"""Share of an estimate below which no prompt's true count lies; see `estimate`."""


class ServedBackend:
    """One generation at a time, in one event loop.

    `known` says what was found out about a model earlier; `learnt` hears how estimates of tokens have
    to be corrected. `backoff`: seconds before each retry.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        context_size: int,
        thinking: int = 0,
        known: Callable[[Served], Known] = lambda served: Known(),
        learnt: Callable[[Served, float], None] = lambda served, factor: None,
        backoff: Sequence[float] = (0.5, 1.0, 2.0),
    ) -> None:
        self.name = wire.model
        self.wire = wire
        self.served: Served | None = None
        self._known = known
        self._wanted: Dialect | None = None
        self._told = False
        self._thinking = thinking
        self._context = context_size
        self._correction = Correction()
        self._learnt = learnt
        self._backoff = backoff
        self._tools: dict[str, ToolSpec] = {}
        self._opening = asyncio.Lock()
        self._busy = asyncio.Lock()
        self._turn: DeltaReader | None = None
        self._load_ms = 0.0
        self._digest = ""
        self._warned = False

    # --- Backend ----------------------------------------------------------------------------

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        """Raises `NoModel`, `ServerError` or `ModelError`."""
        async with self._opening:
            if self.served is None:
                begun = time.perf_counter()
                self.served = await self._opened()
                self._load_ms = (time.perf_counter() - begun) * 1000
                self._context = min(self._context, self.served.context_size or self._context)
                self.name = self.wire.model  # a server may have been asked for whatever it has
                self._digest = self.served.digest
                known = self._known(self.served)
                self._wanted, self._correction = known.dialect, Correction(known.factor)
        return self.info()

    async def _opened(self) -> Served:
        for wait in self._backoff:
            try:
                return await self.wire.open()
            except Busy as busy:  # llama-server says 503 while it loads
                await asyncio.sleep(max(wait, busy.after_s))
        return await self.wire.open()

    def info(self) -> ModelInfo:
        return ModelInfo(
            self.name,
            self._context,
            native_tools=self.dialect == "native",
            load_ms=self._load_ms,
            server=self.wire.server,
            sent_to=self.wire.sent_to,
        )

    @property
    def dialect(self) -> Dialect:
        """How calls are asked for."""
        offered = self.served.dialects if self.served else ("text",)
        if self._thinking and self.served and self.served.thinks:
            # A constraint and thinking exclude each other, in Ollama and in vLLM.
            offered = tuple(one for one in offered if one in ("native", "text")) or offered
        return self._wanted if self._wanted in offered else offered[0]

    @property
    def digest(self) -> str:
        """Names the model's content, where the server knows it."""
        return self.served.digest if self.served else self._digest

    def use(self, dialect: Dialect, thinking: int = 0) -> None:
        """Ask for calls in this dialect and no other from now on, whatever was found out earlier."""
        self._wanted, self._thinking, self._told = dialect, thinking, True

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Exact where the server has a tokenizer; else estimated from above."""
        await self.start()
        exact = await self._exactly(texts)
        return exact or [self._correction.tokens(text) for text in texts]

    async def _exactly(self, texts: Sequence[str]) -> list[int]:
        """By the server's tokenizer; empty where it has none after all."""
        if self.served is None or not self.served.exact:
            return []
        try:
            return await self.wire.count(texts)
        except Refused:
            self.served = replace(self.served, exact=False)
            return []

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        async with self._busy:
            turn = self._turn = DeltaReader(self.wire, self._backoff)
            try:
                await self.start()
                self._know(request)
                async for item in self._run(turn, request):
                    yield item
            finally:
                self._turn = None

    async def outbound(self, request: GenerateRequest) -> dict[str, Any]:
        """The body that `generate` would send for this, exactly. Raises `WindowFull`."""
        await self.start()
        self._know(request)
        return self.wire.request((await self._prepared(request, self._thinking_now(), False)).ask)

    async def cancel(self) -> None:
        if turn := self._turn:
            turn.cancel()

    async def close(self) -> None:
        await self.cancel()
        await self.wire.close()
        self.served = None

    # --- generating -------------------------------------------------------------------------

    async def _run(self, turn: DeltaReader, request: GenerateRequest) -> AsyncIterator[Generated]:
        """Attempts until one gives an answer or a call that may be made."""
        thinking = self._thinking_now()
        hinted = unthinking = False
        while True:
            attempt = await self._prepared(request, thinking, unthinking)
            try:
                async for item in self._attempt(turn, attempt):
                    yield item
            except Refused:
                if self._give_up(attempt.ask.dialect):
                    continue  # in the next of its dialects
                raise
            cancelled = turn.cancelled.is_set()
            silent = attempt.empty and (thinking or attempt.thought)
            if (attempt.overthought or silent) and not (attempt.text or unthinking or cancelled):
                thinking, unthinking = 0, True  # it thought and said nothing: once more, without
                continue
            if attempt.empty and not attempt.cut and not cancelled:
                raise ServerError(
                    f"{self.wire.server} sent an empty answer.", "Ask again, or try another model."
                )
            call, text = attempt.call_and_text(cancelled)
            if call and not self._possible(call, request.choices):
                if hinted:
                    raise ModelError(
                        f"{self.name} kept calling {call.name[:50]}, which is not possible now.",
                        f"Ask again; `orch model test {self.name}` finds how it is best asked.",
                    )
                hinted, request = True, _hint(request, call)
                continue
            if remark := await self._check_window(attempt, cancelled):
                yield remark
            reason = "cancelled" if cancelled else "length" if attempt.cut else "stop"
            message = Message(
                "assistant", attempt.text if attempt.ask.dialect != "native" else text, call=call
            )
            yield Finish(reason, call, text, message, self._usage(attempt))  # type: ignore[arg-type]
            return

    def _give_up(self, dialect: Dialect) -> bool:
        """The server refuses what this dialect needs; whether another is left."""
        assert self.served is not None
        left = tuple(one for one in self.served.dialects if one != dialect)
        if self._told or dialect == "text" or not left:
            return False
        self.served = replace(self.served, dialects=left)
        return True

    def _know(self, request: GenerateRequest) -> None:
        self._tools |= {spec.name: spec for spec in request.choices if spec.name != ANSWER}

    def _thinking_now(self) -> int:
        return self._thinking if self.served and self.served.thinks else 0

    def _ask(self, request: GenerateRequest, thinking: int, unthinking: bool) -> Ask:
        dialect: Dialect = self.dialect if request.choices else "text"
        return Ask(
            messages=request.messages,
            choices=likely(request) if dialect in CONSTRAINED else request.choices,
            tools=tuple(self._tools.values()),
            dialect=dialect,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            thinking=thinking,
            unthinking=unthinking,
            base=request.base,
            stable=request.stable,
            project=request.owner.project,
        )

    async def _prepared(self, request: GenerateRequest, thinking: int, unthinking: bool) -> Attempt:
        """Raises `WindowFull` when the prompt may not fit: the server would cut it, or refuse it."""
        ask = self._ask(request, thinking, unthinking)
        texts = texts_of(ask)
        estimated = sum(estimate(text) for text in texts) + _TURN_TOKENS * len(texts)
        exact = await self._exactly(["\n".join(texts)])
        markers = _TURN_TOKENS * len(texts)
        tokens = exact[0] + markers if exact else round(estimated * self._correction.factor)
        room = self._context - tokens
        if room < _ROOM:
            raise WindowFull(
                f"The prompt has about {tokens} tokens, and the window of {self.name} holds "
                f"{self._context}, the answer included.",
                "Shorten it, start a new session, or raise model.context_size.",
            )
        ask = replace(ask, max_tokens=min(ask.max_tokens, room), thinking=max(0, min(thinking, room - _ROOM)))
        return Attempt(ask, Decoder(request.choices), estimated, tokens if exact else 0)

    async def _attempt(self, turn: DeltaReader, attempt: Attempt) -> AsyncIterator[Generated]:
        total = round(attempt.estimated * self._correction.factor)
        yield Prefill(0, total, 0)
        thoughts = Thoughts()
        async with contextlib.aclosing(turn.deltas(attempt.ask)) as deltas:
            async for delta in deltas:
                if isinstance(delta, Reading):
                    yield Prefill(delta.done, delta.total, delta.cached)
                    continue
                if isinstance(delta, Ended):
                    attempt.ended, attempt.cut = delta, attempt.cut or delta.cut
                    parts = thoughts.end()
                else:
                    attempt.last = time.perf_counter()
                    attempt.first = attempt.first or attempt.last
                    parts = thoughts.feed(delta.text) if isinstance(delta, Piece) else [delta]
                for part in parts:
                    if said := attempt.take(part):
                        yield AnswerText(said)
                if attempt.overthought or (attempt.cut and attempt.ended is None):
                    return

    def _possible(self, call: ToolCall, choices: Sequence[ToolSpec]) -> bool:
        """Whether the call may go on: a choice, or a name so unknown that the tools explain it."""
        names = {spec.name for spec in choices}
        return not names or call.name in names or (call.name not in self._tools and names != {ANSWER})

    # --- what the server counted ------------------------------------------------------------

    async def _check_window(self, attempt: Attempt, cancelled: bool) -> Remark | None:
        """Learn from the count of the prompt; a remark when the server has cut it."""
        counted = attempt.ended.usage.prompt_tokens if attempt.ended else 0
        if cancelled or not counted or self.served is None or self.served.exact:
            return None
        least = self._correction.least or _SUSPICIOUS
        if counted >= attempt.estimated * least * 0.8:
            before = self._correction.factor
            self._correction.learn(attempt.estimated, counted)
            if self._correction.factor != before:
                self._learnt(self.served, self._correction.factor)
            return None
        window = await self._window_now()
        if window >= attempt.estimated * self._correction.factor:
            return None  # it fits: this server counts only what was not in its cache
        if self._warned:
            return None
        self._warned = True
        self._context = min(self._context, window or self._context)
        return Remark(
            f"{self.wire.server} has read only {counted:,} tokens of a prompt of about "
            f"{round(attempt.estimated * self._correction.factor):,}: it cut the rest off. "
            "Raise its window (OLLAMA_CONTEXT_LENGTH), or lower model.context_size.",
            self.info(),
        )

    async def _window_now(self) -> int:
        try:
            return await self.wire.window()
        except ModelError:
            return 0

    def _usage(self, attempt: Attempt) -> Usage:
        usage = replace(attempt.usage(), model_load_ms=self._load_ms)
        self._load_ms = 0.0
        return usage


def _hint(request: GenerateRequest, call: ToolCall) -> GenerateRequest:
    """The same request, with what may be called now said once more at its end."""
    possible = ", ".join(spec.name for spec in request.choices)
    hint = Message("user", f"{call.name[:50]} is not possible now. Possible now: {possible}.")
    said = Message("assistant", "", call=call)
    return replace(request, messages=(*request.messages, said, hint))
