"""One session: a fresh instance, from reading the tiers to the entry in the log.

It sees ports only; `wiring` hands it the parts. Every front end renders the events it yields.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.agent.approval import Gate
from orchestrator.agent.background_jobs import BackgroundJobs
from orchestrator.agent.conversation import Conversation
from orchestrator.agent.handover import opening
from orchestrator.agent.loop import Limits, Turn
from orchestrator.agent.mentioned import READ, mentioned
from orchestrator.agent.meter import Meter
from orchestrator.agent.notebook import Notebook
from orchestrator.agent.noted import answered
from orchestrator.agent.parts import Parts, Sends
from orchestrator.agent.points import Points
from orchestrator.agent.prefix import read
from orchestrator.agent.recorder import Recorder
from orchestrator.agent.rewinding import Rewinding
from orchestrator.agent.rollover import Rollover
from orchestrator.agent.starting import about, both
from orchestrator.agent.tiers import KnownTiers
from orchestrator.agent.warming import warmed
from orchestrator.config import ContextSettings
from orchestrator.context.builder import Window
from orchestrator.errors import OrchError, WindowFull
from orchestrator.events import Answer, Context, Event, Loading, Notice, Serving, SessionEnd, SessionStart
from orchestrator.ports import Warmable
from orchestrator.types import (
    Message,
    Mode,
    ModelInfo,
    Owner,
    Recollection,
    ToolCall,
    Usage,
    WindowPart,
)

ROLLOVER_ROOM = 1024
"""Tokens that must be free for a new turn, else a new instance takes over."""


PRIVATE = "/private "
"""What a prompt begins with that must not leave this machine."""
HANDOFF = "/handoff"
"""A prompt that asks for a fresh instance, and may say what that one is to do."""


class Session:
    """Open it, run turns, close it. `close` is safe to call at any point, more than once."""

    def __init__(self, parts: Parts, *, mode: Mode, limits: Limits, budgets: ContextSettings) -> None:
        self._parts = parts
        self._limits = limits
        self._budgets = budgets
        self.gate = Gate(
            mode, parts.tools, parts.approver, writable=parts.writable, rules=parts.rules, warn=self.warn
        )
        self.window: Window | None = None
        self.model = ""
        """Its name, once open."""
        self._conversation = Conversation(parts.backend)
        self._turn: Turn | None = None
        self._warming: asyncio.Task[None] | None = None
        self._open = False
        self._notices: list[Notice] = []
        self._warned: set[str] = set()
        self._opening = ""
        self._leaving: Rollover | None = None
        self.jobs = BackgroundJobs(parts.jobs, lambda: self._recorder, self._notices.append)
        self._begin()

    def _begin(self) -> None:
        self.id = uuid.uuid4().hex
        self.meter = Meter()
        self.last_turn: Usage | None = None
        self._tiers = KnownTiers(self._parts.documents)
        parts = self._parts
        self._recorder = Recorder(parts.journal, parts.project, self.id, parts.device, copy=parts.copy)
        self.notes = Notebook(parts.journal, parts.project, self._recorder, self._refresh)
        self.rewinding = Rewinding(
            Points(parts.journal, parts.checkpoints, parts.project),
            self.id,
            self._conversation,
            self._tiers,
            parts.documents.rewriting,
            parts.tools.forget_seen,
        )

    # --- life -------------------------------------------------------------------------------

    async def open(self) -> AsyncIterator[Event]:
        """Load the model and read the documents; yields `Loading`s, `SessionStart` and `Context`."""
        shares: asyncio.Queue[float | None] = asyncio.Queue()
        starting = asyncio.create_task(
            both(asyncio.to_thread(self._parts.facts), self._parts.backend.start(shares.put_nowait))
        )
        starting.add_done_callback(lambda _: shares.put_nowait(None))
        try:
            while (share := await shares.get()) is not None:
                yield Loading(share)
        finally:
            if not starting.done():
                starting.cancel()
        facts, info = await starting
        for event in await self._start(facts, info):
            yield event

    async def _start(self, facts: Mapping[str, Any], info: ModelInfo) -> list[Event]:
        self.model = info.name
        events: list[Event] = [
            SessionStart(
                session=self.id,
                project=self._parts.project,
                path=self._parts.path,
                model=info.name,
                mode=self.gate.mode.value,
                sandbox=self._parts.tools.sandbox,
            )
        ]
        if info.server or info.why:
            events.append(Serving(info.name, info.server, info.sent_to, info.context_size))
        events += [Notice(text) for text in about(info)]
        await asyncio.to_thread(self._refresh)  # it asks git, and the screen goes on
        events += self._drain()
        self._limits = replace(self._limits, context_size=info.context_size)
        await self._read_window()
        assert self.window is not None
        self._parts.running.begin(self.id, self._parts.project, Path(self._parts.path))
        self._open = True
        tiers = tuple(part for part in self.window.parts if part.tier)
        self._recorder.start(
            {
                "model": info.name,
                **({"server": info.server, "sent_to": info.sent_to} if info.server else {}),
                "mode": self.gate.mode.value,
                "sandbox": self._parts.tools.sandbox,
                **facts,
                "tiers": [{"tier": part.tier, "tokens": part.tokens} for part in tiers],
            }
        )
        events.append(
            Context(tiers, self.window.parts, self.window.left_out, self.window.used, info.context_size)
        )
        return events

    async def _read_window(self) -> None:
        parts = self._parts
        owner = Owner(parts.project, parts.path)
        reading = await read(parts.backend, parts.fixed, self._tiers, self._budgets, owner)
        self._fitted = {tier.source.name: tier.text for tier in reading.fitted}
        self.window, self._prefix, self._start_of_all = reading.window, reading.prefix, reading.request

    def warm_up(self) -> None:
        """Prefill what stands before the first prompt while a person still types it; returns at once."""
        if self._open and self._warming is None and isinstance(self._parts.backend, Warmable):
            self._warming = asyncio.create_task(warmed(self._parts.backend, self._start_of_all))

    async def _stop_warming(self) -> None:
        """What was prefilled so far stays in the model's cache."""
        if self._warming:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)

    async def close(self, reason: str) -> list[Event]:
        """Write the end and the log entry. `reason`: done, interrupted, failed or rollover.

        An entry that cannot be written (disk full, read-only) is a notice and not an error: the
        session stays marked, and the next start writes it from the records.
        """
        await self._stop_warming()
        if reason != "rollover":
            await asyncio.to_thread(self.jobs.end)
        if self._open:
            self._open = False
            self._recorder.end(reason, self.meter.total, self.last_turn)
            try:
                self._parts.documents.close_session(self.id, reason)
                self._parts.running.end(self.id)
            except OrchError as error:
                self.warn(str(error))
        return [*self._drain(), SessionEnd(self.id, reason, self.meter.total)]

    def warn(self, text: str) -> None:
        """One sentence for the user, shown with the next events; once in a session."""
        if text not in self._warned:
            self._warned.add(text)
            self._notices.append(Notice(text, "warning"))

    def _drain(self) -> list[Notice]:
        notices = self._notices.copy()
        del self._notices[: len(notices)]
        return notices

    def _refresh(self) -> None:
        """The records are the truth; documents that cannot be written now are written later."""
        try:
            self._parts.documents.refresh()
        except OrchError as error:
            self.warn(str(error))

    @property
    def context_size(self) -> int:
        """Of the window, in tokens."""
        return self._limits.context_size

    @property
    def busy(self) -> bool:
        """Whether something runs that `interrupt` would stop."""
        return self._turn is not None or self._leaving is not None

    def parts_now(self) -> tuple[WindowPart, ...]:
        """The window's parts with the conversation as it is now, in tokens."""
        assert self.window is not None
        return (*self.window.parts[:-1], WindowPart("conversation", self._conversation.tokens))

    def text_of(self, part: WindowPart) -> str:
        """The text that a part of the window holds, as the model reads it."""
        assert self.window is not None
        if part.tier:
            return self._fitted.get(part.name, "")
        messages = self._conversation.messages if part.name == "conversation" else self._parts.fixed
        return "\n\n".join(f"[{m.role}]\n{m.text or (m.call and _written(m.call)) or ''}" for m in messages)

    async def outbound(self, prompt: str) -> Mapping[str, Any]:
        """The request that this prompt would send first, exactly; empty where no other program gets it.

        Documents that changed since the last turn would be announced besides.
        """
        backend = self._parts.backend
        if not isinstance(backend, Sends):
            return {}
        if self.window is None:  # nobody has opened it: what it would start from is read, nothing recorded
            info = await backend.start()
            self._limits = replace(self._limits, context_size=info.context_size)
            await self._read_window()
        private = prompt.startswith(PRIVATE)
        conversation = self._conversation.copy()
        conversation.private = private
        await conversation.add(Message("user", prompt.removeprefix(PRIVATE).strip()))
        return await backend.outbound(self._turn_of(conversation, prompt, ()).request())

    def _turn_of(self, conversation: Conversation, prompt: str, given: Sequence[ToolCall]) -> Turn:
        return Turn(
            backend=self._parts.backend,
            tools=self._parts.tools,
            gate=self.gate,
            recorder=self._recorder,
            conversation=conversation,
            prefix=self._prefix,
            limits=self._limits,
            meter=self.meter,
            given=given,
            prompt=prompt,
            noted=answered(prompt, self._fitted.values()),
        )

    # --- turns ------------------------------------------------------------------------------

    async def turn(self, prompt: str) -> AsyncIterator[Event]:
        """Run one prompt to its answer. Raises `WindowFull` when the prompt itself does not fit.

        One that begins with `/private ` is answered on this machine, and its records stay there;
        `/handoff GOAL` is a rollover.
        """
        await self._stop_warming()
        if prompt.startswith(HANDOFF) and (not (goal := prompt.removeprefix(HANDOFF)) or goal[0].isspace()):
            async for event in self.rollover(goal.strip()):
                yield event
            return
        private = prompt.startswith(PRIVATE)
        prompt = prompt.removeprefix(PRIVATE).strip() if private else prompt
        tokens = (await self._parts.backend.count([prompt]))[0]
        self._must_fit(tokens)
        if self._prefix.tokens + self._conversation.tokens + tokens + ROLLOVER_ROOM > self.context_size:
            async for event in self.rollover(asked=False):
                yield event
            self._must_fit(tokens)  # the documents have grown
        self._recorder.private = self._conversation.private = private
        self.rewinding.turn(self._recorder.prompt(prompt).record)
        news = self._tiers.changes()
        recalled = await self._recalled(prompt)
        if recalled.citations:
            yield Notice(f"Recalled from earlier sessions: {', '.join(recalled.citations)}.")
        handed, self._opening = self._opening, ""
        jobs = self.jobs.news()
        said = "\n\n".join(part for part in (handed, news, jobs, recalled.text, prompt) if part)
        await self._conversation.add(Message("user", said))
        self._turn = self._turn_of(self._conversation, prompt, self._mentioned(prompt))
        try:
            async for event in self._turn.run():
                if isinstance(event, Serving):
                    self.model = event.model
                    self._limits = replace(self._limits, context_size=event.size)
                elif isinstance(event, Answer):
                    self.last_turn = event.usage
                yield event
        finally:
            self._turn = None
            self._recorder.private = self._conversation.private = False
        for notice in self._drain():
            yield notice

    def _must_fit(self, tokens: int) -> None:
        """Raise `WindowFull` for a prompt that even a fresh instance could not take."""
        free = self.context_size - self._prefix.tokens - ROLLOVER_ROOM
        if tokens > free:
            raise WindowFull(
                f"The prompt has {tokens} tokens, and {max(free, 0)} fit.",
                "Put the text into a file of the project and ask about the file.",
            )

    def _mentioned(self, prompt: str) -> tuple[ToolCall, ...]:
        """Who may not read files gets none read by naming them."""
        reads = any(spec.name == READ for spec in self._parts.tools.specs)
        return mentioned(prompt, Path(self._parts.path)) if reads else ()

    async def _recalled(self, prompt: str) -> Recollection:
        """What the journal adds to a prompt; a journal that cannot be asked adds nothing."""
        if self._parts.memory is None:
            return Recollection()
        known = "\n".join(self._fitted.values())
        try:
            return await asyncio.to_thread(self._parts.memory.automatic, prompt, self.id, known)
        except OrchError as error:
            self.warn(str(error))
            return Recollection()

    async def rollover(self, goal: str = "", *, asked: bool = True) -> AsyncIterator[Event]:
        """End this instance and start the next from the documents, in the same conversation.

        `asked`: the user wants it, and may call it off; else the window is full.
        """
        why = "A fresh instance takes over from the documents"
        yield Notice(f"{why}." if asked else f"The window is full. {why}.")
        leaving = self._leaving = Rollover(self._parts, self.id, goal, self.notes.add)
        request = self._turn_of(self._conversation, "", ()).request()
        room = self.context_size - self._prefix.tokens - self._conversation.tokens
        try:
            async for progress in leaving.last_words(request, self._conversation.copy(), room):
                yield progress
            told = await leaving.agreed(may_go_on=asked)
        finally:
            self._leaving = None
        if told is None:
            yield Notice("This instance goes on.")
            return
        for ending in await self.close("rollover"):
            yield ending
        self._conversation.clear()
        self._begin()
        async for event in self.open():
            yield event
        self._opening = opening(told.goal, told.lines, "\n".join(self._fitted.values()))
        yield told

    async def interrupt(self) -> None:
        """Stop what runs; the turn then ends with what was said so far."""
        if self._turn:
            await self._turn.interrupt()
        elif self._leaving:
            await self._leaving.interrupt()


def _written(call: ToolCall) -> str:
    return f"{call.name} {dict(call.arguments)}"
