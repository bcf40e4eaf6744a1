"""Would a newcomer know what to do? A fresh instance is asked, with nothing but the documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from orchestrator.agent.loop import ANSWER_SPEC
from orchestrator.agent.prefix import Reading
from orchestrator.journal.words import words
from orchestrator.ports import Backend
from orchestrator.types import Finish, GenerateRequest, Message

QUESTIONS = {
    "goal": "What is the goal of the work here?",
    "next": "What is the next step?",
    "constraint": "Which constraints hold?",
    "dead_end": "What has been tried, failed, and must not be tried again?",
}
"""Kind of note → how a newcomer is asked for it."""
ANSWER_TOKENS = 160
ENOUGH = 0.5
"""Share of a fact's words that an answer must have. On paraphrases and on answers about something else
(`tests/agent/test_rehearsal.py`) it tells them apart; 0.35 takes half of the wrong ones for right."""
_STEM = 5  # letters: enough for "refuse" and "refusing"
_RULE = " Answer from the documents above only, in one or two sentences, and name what they name."


@dataclass(frozen=True, slots=True)
class Expected:
    """Something that the records say and a newcomer needs: its kind, its words, its citations."""

    kind: str
    text: str
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the instance said about it. `documented`: it stands in what the instance reads."""

    expected: Expected
    said: str
    known: bool
    documented: bool


async def rehearse(
    backend: Backend, reading: Reading, expected: Sequence[Expected], read: str
) -> AsyncIterator[Rehearsed]:
    """Ask each question that has an answer, each of an instance that has heard no other. `read` is the text
    of the documents as it reads them. Raises `ModelError`."""
    for kind, question in QUESTIONS.items():
        wanted = [one for one in expected if one.kind == kind]
        if not wanted:
            continue
        said = await _asked(backend, reading, question + _RULE)
        for one in wanted:
            yield Rehearsed(one, said, covers(said, one.text), stands(one, read))


def covers(said: str, text: str) -> bool:
    """Whether an answer says what the text says, by its words."""
    wanted, found = _stems(text), _stems(said)
    return bool(wanted) and len(wanted & found) >= ENOUGH * len(wanted)


def stands(expected: Expected, read: str) -> bool:
    """Whether the documents say it: in these words, or in a line that cites the same."""
    return expected.text in read or any(f"[{cite}" in read or f", {cite}" in read for cite in expected.cites)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in words(text))


async def _asked(backend: Backend, reading: Reading, question: str) -> str:
    start = reading.prefix
    request = GenerateRequest(
        (*start.messages, Message("user", question)),
        (ANSWER_SPEC,),
        max_tokens=ANSWER_TOKENS,
        base=start.base,
        stable=start.stable,
        owner=start.owner,
    )
    async for part in backend.generate(request):
        if isinstance(part, Finish):
            return part.text
    return ""
