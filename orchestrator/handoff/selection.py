"""Which facts a briefing keeps where there is a goal: those that have to do with it first. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.handoff.facts import BriefingFacts, Fact, Section
from orchestrator.journal.words import query_words, words

WITHOUT = "without"
"""In the body of a goal: citations of the lines that a person took out of the draft for it."""


def selected(facts: BriefingFacts, goal: Mapping[str, Any]) -> BriefingFacts:
    """The facts with the order in which they are kept, without those that the goal's body leaves out.

    A fact counts by the words it shares with the goal, rare ones more; those that share none are kept
    after the others, newest first.
    """
    without = [str(cite) for cite in _list(goal.get(WITHOUT))]
    sections = tuple(
        replace(section, facts=tuple(fact for fact in section.facts if not _out(fact, without)))
        for section in facts.sections
    )
    weights = _weights(sections, str(goal.get("text") or ""))
    return replace(
        facts,
        sections=tuple(_ordered(section, weights) for section in sections),
        next_step=facts.next_step if facts.next_step and not _out(facts.next_step, without) else None,
    )


def _weights(sections: tuple[Section, ...], goal: str) -> dict[str, float]:
    """The goal's words with what each is worth: much where few facts say it."""
    asked = set(query_words(goal))
    said: Counter[str] = Counter()
    total = 0
    for fact in (fact for section in sections for fact in section.facts):
        said.update(asked.intersection(words(fact.text)))
        total += 1
    return {word: math.log(1 + total / count) for word, count in said.items()}


def _ordered(section: Section, weights: Mapping[str, float]) -> Section:
    worth = [sum(weights.get(word, 0.0) for word in set(words(fact.text))) for fact in section.facts]
    if not any(worth):
        return section
    return replace(section, order=tuple(sorted(range(len(worth)), key=lambda index: -worth[index])))


def _out(fact: Fact, without: list[str]) -> bool:
    """Whether all that it rests on is left out; a citation may have grown since, when sessions came."""
    return bool(fact.cites) and all(any(_same(cite, gone) for gone in without) for cite in fact.cites)


def _same(cite: str, gone: str) -> bool:
    session, _, number = cite.partition("#")
    other, _, same = gone.partition("#")
    return number == same and bool(other) and (session.startswith(other) or other.startswith(session))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
