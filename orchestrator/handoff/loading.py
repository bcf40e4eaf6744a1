"""Documents on their way into a prompt: lines whose evidence no longer holds stay out of it.

In the document they are flagged at its next regeneration (`[S7f3a#4, stale: …]`). A line that holds is the
same bytes in the prompt as in the document, so the KV cache of an unchanged document stays valid. What people
wrote is neither left out nor flagged: in a region that they edited, a line counts as generated only where its
records yield it word for word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.documents import citations
from orchestrator.documents.citations import STALE, Line
from orchestrator.documents.tiers import LOG, PORTFOLIO, Warn
from orchestrator.errors import OrchError, VcsError
from orchestrator.handoff import templates
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.rerender import Rerender, facts_in
from orchestrator.handoff.stale import Claim, Sources, reasons
from orchestrator.handoff.templates import Templates
from orchestrator.types import LeftOut, TierText

T = TypeVar("T")

_NAMED = 12
"""Stale lines of one document that are named one by one."""


Places = Callable[[], AbstractContextManager[Sources]]


class Checked:
    """What became of documents that were judged. A text is judged once, so that a prompt stays as it is."""

    def __init__(self, name: str, own: Templates, warn: Warn) -> None:
        self._name = name
        self._templates = own
        self._warn = warn
        self._known: dict[str, tuple[TierText, TierText]] = {}

    def forget(self) -> None:
        """The next reading judges anew: files and records may have changed under an unchanged text."""
        self._known.clear()

    def of(self, read: Sequence[TierText], sources: Places) -> tuple[TierText, ...]:
        """The documents without their stale lines."""
        new = [tier for tier in read if self._known.get(tier.path, (None,))[0] != tier]
        for tier, judged in zip(new, self._judged(new, sources), strict=True):
            self._known[tier.path] = tier, judged
        return tuple(self._known[tier.path][1] for tier in read)

    def _judged(self, new: Sequence[TierText], sources: Places) -> Sequence[TierText]:
        if not new:
            return new
        try:
            with sources() as where:
                return fresh(new, where, self._name, self._templates)
        except OrchError as error:
            self._warn(f"The citations of the documents could not be checked: {error}")
            return new


def fresh(tiers: Sequence[TierText], sources: Sources, name: str, own: Templates) -> tuple[TierText, ...]:
    """The documents without their stale lines, each with what was left out. Raises `OrchError`."""
    lines = [[line for line in citations.generated(tier.text)] for tier in tiers]
    told = [(tier, line) for tier, own_lines in zip(tiers, lines, strict=True) for line in own_lines]
    told = [(tier, line) for tier, line in told if line.evidence]
    why = reasons([claim_of(tier, line) for tier, line in told], sources)
    rerender = Rerender(sources.journal, sources.project, name)
    gone: dict[str, list[tuple[Line, str]]] = {tier.path: [] for tier in tiers}
    for (tier, line), reason in zip(told, why, strict=True):
        reason = reason or line.evidence.stale
        if reason and _generated(line, rerender, own):
            gone[tier.path].append((line, reason))
    return tuple(
        _less(tier, own_lines, gone[tier.path], sources) for tier, own_lines in zip(tiers, lines, strict=True)
    )


def flagged(facts: T, sources: Sources, warn: Warn) -> T:
    """Facts of a document that is made anew, those marked whose evidence no longer holds."""
    known = list(facts_in(facts))
    try:
        why = reasons([Claim(fact.text, citations.evidence(fact.line)) for fact in known], sources)
    except VcsError as error:
        warn(f"The citations of the briefing could not be checked: {error}")
        return facts
    marks = {
        fact: replace(fact, status=f"{STALE}{reason}")
        for fact, reason in zip(known, why, strict=True)
        if reason
    }
    return _marked(facts, marks) if marks else facts


def claim_of(tier: TierText, line: Line) -> Claim:
    folder = Path(tier.path).parent if tier.tier == PORTFOLIO.number else None
    return Claim(line.text, citations.whole(line), dated=tier.tier == LOG.number, folder=folder)


def _generated(line: Line, rerender: Rerender, own: Templates) -> bool:
    """Whether the line is surely ours: the log has no digests, and a region may have been edited."""
    if line.session:
        return rerender.session(line.session).has(line.evidence, own.prefixes(templates.ENTRY))
    if not line.edited:
        return True
    return rerender.yields(line.evidence.records).has(line.evidence, own.prefixes(templates.BRIEFING))


def _less(
    tier: TierText, lines: Sequence[Line], gone: Sequence[tuple[Line, str]], sources: Sources
) -> TierText:
    if not gone:
        return tier
    text = citations.without(tier.text, lines, [line.number for line, _ in gone])
    named = gone if len(gone) <= _NAMED else gone[: _NAMED - 1]
    left = [
        LeftOut(tier.name, f"1 stale line [{', '.join(_cites(line, sources))}]", reason)
        for line, reason in named
    ]
    if more := len(gone) - len(named):
        left.append(LeftOut(tier.name, f"{more} more stale lines", "their evidence no longer holds"))
    return replace(tier, text=text.strip("\n"), left_out=tuple(left))


def _cites(line: Line, sources: Sources) -> list[str]:
    """As anybody can open them: an entry of the log leaves its session out."""
    session = sources.journal.cite_session(line.session) if line.session else ""
    return [f"{session}{cite}" if cite.startswith("#") else cite for cite in line.evidence.cites]


def _marked(value: Any, marks: dict[Fact, Fact]) -> Any:
    if isinstance(value, Fact):
        return marks.get(value, value)
    if isinstance(value, tuple):
        return tuple(_marked(item, marks) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {part.name: _marked(getattr(value, part.name), marks) for part in fields(value)}
        return replace(value, **changes)
    return value
