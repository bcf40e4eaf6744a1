"""One turn: the model calls tools until it answers.

The loop only yields events and talks to ports. What it records goes through a `Recorder`, so that
a session killed between any two lines has lost nothing that was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.agent.aim import Aim
from orchestrator.agent.approval import Gate
from orchestrator.agent.conversation import Conversation
from orchestrator.agent.meter import Meter
from orchestrator.agent.recheck import Recheck
from orchestrator.agent.recorder import Recorder
from orchestrator.agent.redraw import Draw, Redraw, Refusal
from orchestrator.agent.repetition import Repetition
from orchestrator.errors import ModelError
from orchestrator.events import (
    Answer,
    Event,
    Notice,
    PrefillProgress,
    Serving,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
)
from orchestrator.ports import Backend, Tools
from orchestrator.types import (
    ANSWER,
    EVERYBODY,
    AnswerText,
    Approval,
    Finish,
    GenerateRequest,
    Label,
    Message,
    Owner,
    Parameter,
    Prefill,
    Remark,
    ToolCall,
    ToolResult,
    ToolSpec,
)

ANSWER_SPEC = ToolSpec(ANSWER, "reply to the user", (Parameter("text"),), "answer")
CUT_OFF = "Your last call was too long and was dropped whole. Do it in smaller steps."
EDITED = "The user changed this call before it ran."
SMALLEST_ROOM = 64  # tokens: below this only an answer still fits


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_steps` tool calls in a turn; tokens of one generation; size of the window."""

    max_steps: int
    max_tokens: int
    temperature: float
    context_size: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before the conversation: its messages, its tokens, and where snapshots may end."""

    messages: tuple[Message, ...]
    tokens: int
    base: int
    stable: int
    owner: Owner = EVERYBODY


class Turn:
    """Runs one user prompt to its answer. One object a turn."""

    def __init__(
        self,
        *,
        backend: Backend,
        tools: Tools,
        gate: Gate,
        recorder: Recorder,
        conversation: Conversation,
        prefix: Prefix,
        limits: Limits,
        meter: Meter,
        given: Sequence[ToolCall] = (),
        prompt: str = "",
        noted: bool = False,
    ) -> None:
        """`given` are calls that the prompt itself asks for; they are made before the model's own.

        `prompt` are the user's own words; `noted`: the documents answer them.
        """
        self._backend = backend
        self._tools = tools
        self._gate = gate
        self._recorder = recorder
        self._conversation = conversation
        self._prefix = prefix
        self._limits = limits
        self._meter = meter
        self._given = given
        self._prompt = prompt
        self._aim = Aim(prompt, known=bool(prompt) and tools.knows(prompt), noted=noted)
        self._own_meter = Meter()
        self._repetition = Repetition()
        self._redraw = Redraw()
        self._recheck = Recheck()
        self._calls = 0
        self._must_try = False
        self._call_again = False
        self._barred = frozenset[str]()
        self._interrupted = False
        self._by: dict[str, str] = {}
        self._running: asyncio.Task[ToolResult] | asyncio.Task[Approval] | None = None

    async def interrupt(self) -> None:
        """Stop at once: the model within a token, a command with its whole group."""
        self._interrupted = True
        if self._running:
            self._running.cancel()
        await self._backend.cancel()

    async def run(self) -> AsyncIterator[Event]:
        self._tools.begin(self._prompt)
        for call in self._given:
            await self._conversation.add(Message("assistant", "", call=call))
            async for event in self._step(call, self._refused(call)):
                yield event
        self._calls = 0
        while True:
            finish: Finish | None = None
            said = ""
            try:
                async for item in self._backend.generate(self.request()):
                    if isinstance(item, AnswerText):
                        said += item.text
                        yield Token(item.text)
                    elif isinstance(item, Prefill):
                        yield PrefillProgress(item.done, item.total, item.cached)
                    elif isinstance(item, Remark):
                        if said and item.anew:  # what was shown is kept
                            self._recorder.answer(said, interrupted=True, by=self._by)
                            said = ""
                        for event in self._remarked(item):
                            yield event
                    else:
                        finish = item
            except ModelError:
                if said:  # it was shown, so it is kept
                    self._recorder.answer(said, interrupted=True, by=self._by)
                raise
            assert finish is not None  # the port's promise
            self._meter.add(finish.usage)
            self._own_meter.add(finish.usage)
            if finish.call is None or self._interrupted:
                if self._was_cut(finish):
                    self._calls += 1
                    await self._conversation.add(Message("user", CUT_OFF))
                    continue
                if finish.text.startswith(said) and (rest := finish.text[len(said) :]):
                    yield Token(rest)
                if finish.text and finish.reason == "stop" and (quoted := self._tools.quote(finish.text)):
                    yield Token(f"\n\n{quoted}")
                    finish = replace(finish, text=f"{finish.text}\n\n{quoted}")
                yield await self._answer(finish)
                return
            drawn = Draw(finish.call, finish.message, self._refused(finish.call))
            draw = self._redraw.settle(drawn, vain=self._in_vain(drawn))
            if draw is None:
                continue
            await self._conversation.add(draw.message)
            async for event in self._step(draw.call, draw.refusal):
                yield event
            if self._interrupted:
                cited = self._recorder.answer("", interrupted=True, by=self._by)
                yield Answer("", cited.citation, interrupted=True, usage=self._own_meter.total)
                return

    def _remarked(self, remark: Remark) -> list[Event]:
        told: list[Event] = [Notice(remark.text, remark.level)] if remark.text else []
        if (info := remark.info) is None:
            return told
        self._by = {"model": info.name} | ({"server": info.server} if info.server else {})
        self._limits = replace(self._limits, context_size=info.context_size)
        return [Serving(info.name, info.server, info.sent_to, info.context_size, remark.anew), *told]

    # --- what may happen next ---------------------------------------------------------------

    def request(self) -> GenerateRequest:
        """What the model is asked next."""
        messages = (*self._prefix.messages, *self._conversation.messages)
        room = self._limits.context_size - self._prefix.tokens - self._conversation.tokens
        return GenerateRequest(
            messages=messages,
            choices=self._choices(room),
            max_tokens=max(SMALLEST_ROOM, min(self._limits.max_tokens, room)),
            temperature=self._redraw.temperature(self._limits.temperature),
            base=self._prefix.base,
            stable=self._prefix.stable,
            prior=self._aim.weights(),
            attempt=self._redraw.attempt,
            seed=self._redraw.seed,
            owner=self._prefix.owner,
        )

    def _choices(self, room: int) -> tuple[ToolSpec, ...]:
        """Only the calls that make sense now, so that the grammar allows no other."""
        if self._calls >= self._limits.max_steps or room < 4 * SMALLEST_ROOM:
            return (ANSWER_SPEC,)
        specs = tuple(
            spec
            for spec in map(self._tools.narrowed, self._tools.specs)
            if spec.name not in self._barred
            and not (self._call_again and spec.effect == "write")
            and self._gate.possible(ToolCall(spec.name, {}))
        )
        tries = self._must_try or self._redraw.attempt
        return specs if tries and specs else (*specs, ANSWER_SPEC)

    def _refused(self, call: ToolCall) -> Refusal:
        return Refusal(why, self._tools.look()) if (why := self._tools.refusal(call)) else Refusal()

    def _in_vain(self, draw: Draw) -> bool:
        """Whether the call would be refused, and nothing be gained by it for the next one."""
        if self._repetition.failed(draw.call):
            return True
        narrower = any(
            self._tools.narrowed(spec) != spec for spec in self._tools.specs if spec.name == draw.call.name
        )
        return bool(draw.refusal.why) and draw.refusal.look is None and not narrower

    # --- one call ---------------------------------------------------------------------------

    async def _step(self, call: ToolCall, refusal: Refusal) -> AsyncIterator[Event]:
        self._calls += 1
        cited = self._recorder.tool_call(call)
        yield ToolCallEvent(call.name, dict(call.arguments), cited.citation, self._labels(call))
        self._barred = frozenset()
        denied = False
        look: ToolCall | None = None
        effect = self._tools.effect(call)
        repeats = self._repetition.seen(call, reads=effect in ("read", "note"))
        if repeats:
            # Only the first call and its result stay: call, result, call, result, call.
            self._conversation.drop_tail(2 * repeats - 3)
            self._barred = frozenset({call.name})
            self._must_try = False
            result = ToolResult(False, self._repetition.advice(call))
        elif refusal.why:
            self._tools.told()
            result = ToolResult(False, refusal.why)
            self._must_try = not self._must_try
            look = refusal.look
        elif not (approval := await self._ask(call)).yes:
            result = ToolResult(False, f"Not allowed: {approval.reason or 'the user said no'}.")
            self._must_try = False
            denied = True
        else:
            if approval.call is not None:
                call, original = approval.call, cited
                cited = self._recorder.edited_call(call, original.record)
                yield ToolResultEvent(call.name, False, None, 0, False, EDITED, "", original.citation)
                yield ToolCallEvent(call.name, dict(call.arguments), cited.citation, self._labels(call))
            result = ToolResult(False, "")
            async for item in self._execute(call):
                if isinstance(item, ToolResult):
                    result = item
                else:
                    yield item
            if approval.call is not None:  # else the model would take its own text for what ran
                result = replace(result, text=f"{EDITED}\n{result.text}")
            # A look that found nothing is worth one more try, and so is code of the model's own that
            # fails; what a command says is an answer.
            answers = result.exit_code is not None and call.name not in ("run", "git")
            self._must_try = not result.ok and (result.again or not answers) and not self._must_try
            if effect == "command":
                self._call_again = result.again  # wrongly called: nothing is wrong with what was called
            look = None if result.ok else self._tools.look()
        self._aim.made(call, effect, result, denied=denied)
        self._repetition.made(ok=result.ok)
        cited = self._recorder.tool_result(call, result, cited.record)
        yield ToolResultEvent(
            name=call.name,
            ok=result.ok,
            exit_code=result.exit_code,
            duration_ms=result.duration_ms,
            truncated=result.truncated,
            text=result.text,
            diff=result.diff,
            citation=cited.citation,
        )
        if look is not None:
            async for event in self._looked(look, call):
                yield event
        elif self._redraw.afresh(call, result):
            self._conversation.drop_tail(1)
            self._must_try = True
        elif not repeats:
            await self._conversation.add(Message("tool", await self._fitting(result.text), name=call.name))
            if not self._interrupted and (check := self._recheck.made(call, effect, result)):
                async for event in self._checked(check):
                    yield event

    def _labels(self, call: ToolCall) -> tuple[Label, ...]:
        return self._tools.preview(call).labels if self._tools.effect(call) == "command" else ()

    async def _checked(self, check: ToolCall) -> AsyncIterator[Event]:
        """The command that failed before this change: while it fails the change is no answer."""
        await self._conversation.add(Message("assistant", "", call=check))
        async for event in self._step(check, self._refused(check)):
            if isinstance(event, ToolResultEvent):
                self._must_try = bool(event.exit_code)
            yield event
        self._calls -= 1

    async def _looked(self, look: ToolCall, call: ToolCall) -> AsyncIterator[Event]:
        """A change of a file unread is a guess, so is code that works on it, and small models repeat what
        stands before them: the file takes the guess's place in the conversation, and then they try again.
        """
        self._conversation.drop_tail(1)
        await self._conversation.add(Message("assistant", "", call=look))
        async for event in self._step(look, Refusal()):
            yield event
        self._calls -= 1
        changes_it = str(call.arguments.get("path", "")).endswith(Path(str(look.arguments.get("path"))).name)
        self._must_try, self._barred = True, frozenset({look.name, *({"write"} if changes_it else ())})

    async def _ask(self, call: ToolCall) -> Approval:
        self._running = asyncio.create_task(self._gate.admit(call))
        try:
            return await asyncio.shield(self._running)
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            return Approval(False, "interrupted by the user")
        finally:
            self._running.cancel()
            self._running = None

    async def _execute(self, call: ToolCall) -> AsyncIterator[ToolOutput | ToolResult]:
        """The command's output as it comes, then its result. Cancelled as a whole by `interrupt`."""
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        task = asyncio.create_task(self._tools.run(call, pieces.put_nowait))
        task.add_done_callback(lambda _: pieces.put_nowait(None))
        self._running = task
        try:
            while (piece := await pieces.get()) is not None:
                yield ToolOutput(piece)
            yield ToolResult(False, "Interrupted by the user.") if task.cancelled() else task.result()
        finally:
            self._running = None
            if not task.done():
                task.cancel()

    async def _fitting(self, text: str) -> str:
        """The result, cut to half of what is left of the window."""
        room = (self._limits.context_size - self._prefix.tokens - self._conversation.tokens) // 2
        tokens = (await self._backend.count([text]))[0]
        if tokens <= room:
            return text
        keep = max(200, len(text) * max(room, 0) // tokens)
        return f"{text[:keep]}\n… cut: the window is nearly full."

    # --- the end ----------------------------------------------------------------------------

    def _was_cut(self, finish: Finish) -> bool:
        """A call that a limit cut off was dropped by the backend: say so and let the model go on."""
        return (
            finish.reason == "length"
            and not finish.text
            and not self._interrupted
            and self._calls < self._limits.max_steps
        )

    async def _answer(self, finish: Finish) -> Answer:
        interrupted = self._interrupted or finish.reason == "cancelled"
        cited = self._recorder.answer(finish.text, interrupted=interrupted, by=self._by)
        if not interrupted:
            await self._conversation.add(finish.message)
        elif finish.text:  # what was said stays, closed as a whole answer
            await self._conversation.add(
                Message("assistant", "", call=ToolCall(ANSWER, {"text": finish.text}))
            )
        return Answer(finish.text, cited.citation, interrupted, self._own_meter.total)
