"""`orch handoff --model`: a model puts the briefing's notes into better words, each checked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.handoff.facts import Fact
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.paths import Home
    from orchestrator.ports import Backend

_SYSTEM = (
    "You edit notes. Say the given line in fewer words, in the same language. Keep every number, name, `code`"
    " and word of denial, and end with the same [brackets]. Reply with the line alone."
)
_EXAMPLES = (
    (
        "We have decided that we are going to use PostgreSQL instead of SQLite: it turned out that SQLite"
        " locks when there are 3 writers [S1a2b#3, confirmed]",
        "PostgreSQL instead of SQLite: SQLite locks with 3 writers [S1a2b#3, confirmed]",
    ),
    (
        "Please note that you should never run `make deploy` by hand, because it does not check the branch"
        " that you are on [S9c0d#12, claimed]",
        "never run `make deploy` by hand: it does not check the branch [S9c0d#12, claimed]",
    ),
)


def polish(documents: ProjectDocuments, model: str, where: Home) -> list[str]:
    """Ask the model for each note that it has not had yet; what was done, in sentences.

    What is accepted is kept as it comes: whoever interrupts loses nothing. Raises `OrchError`.
    """
    from orchestrator import wiring
    from orchestrator.config import load
    from orchestrator.handoff import polish as words

    done = words.load(documents.polished_path)
    facts = [fact for fact in words.worth(documents.shown()) if fact.text not in done]
    if not facts:
        return ["No note is long enough to be said in fewer words, or all have been."]
    settings = load(where.config)
    backend = wiring.backend(model if model != "auto" else settings.model.name, settings, where)
    return asyncio.run(_all(backend, facts, documents.polished_path))


async def _all(backend: Backend, facts: Sequence[Fact], path: Path) -> list[str]:
    from orchestrator.handoff import polish as words

    told: list[str] = []
    taken = 0
    try:
        await backend.start()
        for number, fact in enumerate(facts, 1):
            print(f"Note {number} of {len(facts)} …", file=sys.stderr, flush=True)
            text, why = words.judged(fact, await _said(backend, fact))
            if why:
                told.append(f"Kept as it was, {why}: {one_line(fact.text, 80)}")
                continue
            words.keep(path, {**words.load(path), fact.text: text})
            taken += 1
    finally:
        await backend.close()
    count = f"{taken} of {len(facts)} notes are said in fewer words; the originals are in {path}."
    return [*told, count]


async def _said(backend: Backend, fact: Fact) -> str:
    from orchestrator.models.dialects import ANSWER_SPEC
    from orchestrator.types import ANSWER, Finish, GenerateRequest, Message, ToolCall

    turns = [Message("system", _SYSTEM)]
    for line, better in _EXAMPLES:
        turns += [
            Message("user", line),
            Message("assistant", "", call=ToolCall(ANSWER, {"text": better})),
        ]
    request = GenerateRequest(
        (*turns, Message("user", fact.line)),
        (ANSWER_SPEC,),
        max_tokens=256,
        base=len(turns),
        stable=len(turns),
    )
    async for part in backend.generate(request):
        if isinstance(part, Finish):
            return part.text
    return ""
