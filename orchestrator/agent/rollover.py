"""From one instance to the next: what the one that ends still wants to say, and what survives of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol, cast

from orchestrator.agent.conversation import Conversation
from orchestrator.agent.handover import noted, shown
from orchestrator.agent.loop import ANSWER_SPEC
from orchestrator.agent.parts import Parts
from orchestrator.errors import ModelError
from orchestrator.events import HandedOver, PrefillProgress
from orchestrator.types import (
    NOTE_KINDS,
    Finish,
    GenerateRequest,
    Handover,
    HandoverLine,
    Kind,
    Message,
    Prefill,
)

MOST_NOTES = 3
NOTE_TOKENS = 160
NOTES_ROOM = 200 + MOST_NOTES * (NOTE_TOKENS + 30)
"""Tokens that must be free for the question and the notes."""
ASKED = (
    "This instance ends now. For each thing that the next one must know and that no document says, call "
    "note: what was decided and why, what failed, what to do next. Only what was said here. Then answer done."
)


class Note(Protocol):
    """Records a note and returns its citation: `Session.note`."""

    def __call__(self, kind: Kind, text: str, because: str = "", *, by: str = "user") -> str: ...


class Rollover:
    """One change of instance. First `last_words`, then `agreed`."""

    def __init__(self, parts: Parts, session: str, goal: str, note: Note) -> None:
        self._parts = parts
        self._session = session
        self._goal = goal
        self._note = note
        self._lines = list(parts.documents.done(session))
        self._reviewing: asyncio.Task[Handover | None] | None = None
        self._interrupted = False

    async def interrupt(self) -> None:
        """No more words, and no more questions: as if the person had said no."""
        self._interrupted = True
        if self._reviewing:
            self._reviewing.cancel()
        await self._parts.backend.cancel()

    async def last_words(
        self, request: GenerateRequest, said: Conversation, room: int
    ) -> AsyncIterator[PrefillProgress]:
        """Ask the model what the next instance must know; at most `MOST_NOTES` lines, none recorded yet.

        `request` is what a turn would ask, `said` a copy of the conversation that may grow, `room` the
        tokens that are free. Nothing is asked where there is too little of it or where some of what was
        said is private. A model that fails has nothing to say: what tools did is known without it.
        """
        note = next((spec for spec in self._parts.tools.specs if spec.name == "note"), None)
        private = any(message.private for message in said.messages)
        if note is None or room < NOTES_ROOM or not said.messages or private:
            return
        start = request.messages[: len(request.messages) - len(said.messages)]
        await said.add(Message("user", ASKED))
        for _ in range(MOST_NOTES):
            choices = (note, ANSWER_SPEC)
            messages = (*start, *said.messages)
            asked = replace(request, messages=messages, choices=choices, max_tokens=NOTE_TOKENS, prior={})
            finish: Finish | None = None
            try:
                async for item in self._parts.backend.generate(asked):
                    if isinstance(item, Prefill):
                        yield PrefillProgress(item.done, item.total, item.cached)
                    elif isinstance(item, Finish):
                        finish = item
            except ModelError:
                return
            if (
                finish is None
                or finish.call is None
                or (line := noted(finish.call, self._lines, ASKED)) is None
            ):
                return
            self._lines.append(line)
            await said.add(finish.message)
            await said.add(Message("tool", "noted", name=note.name))

    async def agreed(self, *, may_go_on: bool) -> HandedOver | None:
        """Let a person see it, then record what is not recorded yet. None: the instance should go on.

        The model's words are claimed, those that a person wrote or changed are confirmed.
        """
        proposed = Handover(self._goal, tuple(self._lines), self._known())
        kept = None if self._interrupted else await self._reviewed(proposed)
        if kept is None and may_go_on:
            return None
        kept = kept or proposed
        lines = []
        for line in kept.lines:
            if line.kind != "done":
                by = "model" if line in proposed.lines else "user"
                cited = self._note(cast(Kind, line.kind), line.text, line.because, by=by)
                line = replace(line, evidence=cited)
            lines.append(shown(line))
        if kept.goal:
            self._note("goal", kept.goal)
        return HandedOver(kept.goal, tuple(lines))

    async def _reviewed(self, proposed: Handover) -> Handover | None:
        if self._parts.reviewer is None:
            return proposed
        self._reviewing = asyncio.create_task(self._parts.reviewer.review(proposed))
        try:
            return await asyncio.shield(self._reviewing)
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            return None
        finally:
            self._reviewing.cancel()
            self._reviewing = None

    def _known(self) -> tuple[str, ...]:
        """What this session's notes say already."""
        journal = self._parts.journal
        return tuple(
            shown(HandoverLine(record.kind, str(record.body.get("text", "")), "", journal.cite(record)))
            for record in journal.records(session=self._session, kinds=NOTE_KINDS)
            if record.body is not None
        )
