"""What of the last session is worth a line: pure.

Small models often answer with the question's own words, with a note that stands in the briefing
already, or with what they said before. Such a pair tells the next instance nothing; the log has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestrator.handoff.facts import BriefingFacts, Fact, Section
from orchestrator.journal.words import words

ASKED = "Asked: "
ANSWERED = "Answered: "
MOST = 4
"""Questions and answers, the newest."""
_STEM = 5  # letters
_EMPTY = frozenset(
    ("file", "files", "conta", "follo", "answe", "metho", "funct", "code", "are", "provi", "used", "uses")
)
"""Beginnings of words that an answer may add without saying more."""


def telling(facts: BriefingFacts) -> BriefingFacts:
    """The facts, the last session's without questions whose answer says nothing new."""
    noted = [_stems(fact.text) for section in facts.sections if section.noted for fact in section.facts]
    noted += [_stems(fact.text) for fact in (facts.goal, facts.next_step) if fact]
    sections = (
        replace(section, facts=_newest(_new(section.facts, noted))) if _said(section) else section
        for section in facts.sections
    )
    return replace(facts, sections=tuple(sections))


def _said(section: Section) -> bool:
    return section.kinds == ("message",)


def _new(facts: Sequence[Fact], noted: Iterable[frozenset[str]]) -> list[Fact]:
    kept: list[Fact] = []
    known = [frozenset[str](), *noted]
    for fact in facts:
        if fact.text.startswith(ANSWERED):
            asked = kept[-1] if kept and kept[-1].text.startswith(ASKED) else None
            question = _stems(asked.text.removeprefix(ASKED)) if asked else frozenset()
            answer = _stems(fact.text.removeprefix(ANSWERED)) - _EMPTY
            if answer and any(answer <= question | other for other in known):
                del kept[len(kept) - bool(asked) :]
                continue
            known.append(answer)
        kept.append(fact)
    return kept


def _newest(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Oldest first; what tools did stays whole."""
    said = [fact for fact in facts if fact.text.startswith((ASKED, ANSWERED))]
    old = said[:-MOST]
    return tuple(fact for fact in facts if fact not in old)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in words(text))
