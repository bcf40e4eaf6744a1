"""Facts to text, pure: what fits the budget, and the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.handoff import templates
from orchestrator.handoff.facts import BriefingFacts, Fact, Section, SessionFacts
from orchestrator.handoff.templates import Templates

CHARS_PER_TOKEN = 4
BRIEFING_CHARS = 1200 * CHARS_PER_TOKEN
"""The share of the window that tier 3 has."""
_FRAME_CHARS = 460


def session_entry(facts: SessionFacts, own: Templates) -> str:
    """The session's entry for SESSION_LOG.md, with the headings of the seed."""
    return own.render(templates.ENTRY, {"s": facts}).strip("\n") + "\n"


def briefing(facts: BriefingFacts, own: Templates, budget: int = BRIEFING_CHARS) -> str:
    """The whole SESSION_BRIEFING.md as it would be made anew, its regions marked."""
    return own.render(templates.BRIEFING, {"b": fit(facts, budget)})


def fit(facts: BriefingFacts, budget: int) -> BriefingFacts:
    """The facts that fit in `budget` characters, and a word about those that do not.

    Each section first gets one line, then its own share, so that many decisions cannot crowd out a blocker;
    what is unused goes to the sections in order.
    """
    facts = replace(facts, sections=tuple(section for section in facts.sections if section.facts))
    head = sum(len(fact.line) + 20 for fact in (facts.goal, facts.next_step, facts.where) if fact)
    room = budget - _FRAME_CHARS - head - sum(len(section.title) + 5 for section in facts.sections)
    kept = [0] * len(facts.sections)
    spent = 0
    for number, section in enumerate(facts.sections):
        if spent + (size := _size(section, 0)) <= room:
            spent, kept[number] = spent + size, 1
    for number, section in enumerate(facts.sections):
        own = min(int(room * section.share), room - spent + kept[number] * _size(section, 0))
        own -= kept[number] * _size(section, 0)
        while kept[number] < len(section.facts) and own >= (size := _size(section, kept[number])):
            own, spent, kept[number] = own - size, spent + size, kept[number] + 1
    for number, section in enumerate(facts.sections):
        while kept[number] < len(section.facts) and spent + (size := _size(section, kept[number])) <= room:
            spent, kept[number] = spent + size, kept[number] + 1
    cut = [
        (section, len(section.facts) - count)
        for section, count in zip(facts.sections, kept, strict=True)
        if count < len(section.facts) or section.more
    ]
    lost = [_lost(section, count) for section, count in cut]
    sections = tuple(
        replace(section, facts=_kept(section, count)[:: -1 if section.rising else 1])
        for section, count in zip(facts.sections, kept, strict=True)
        if count
    )
    return replace(facts, sections=sections, left_out=", ".join(lost), more=_more([one for one, _ in cut]))


def _lost(section: Section, count: int) -> str:
    if section.more:
        return f"more than {count} {section.what}"
    one = section.what.replace("lines ", "line ") if "lines " in section.what else section.what[:-1]
    return f"{count} {one if count == 1 else section.what}"


def _more(cut: Sequence[Section]) -> str:
    """The commands that show what was left out."""
    kinds = dict.fromkeys(kind for section in cut for kind in section.kinds)
    said = ["`orch log" + "".join(f" --kind {kind}" for kind in kinds) + "`"] if kinds else []
    if any(not section.kinds for section in cut):
        said += ["`git log`", "`git status`"]
    return ", ".join(said)


def _kept(section: Section, count: int) -> tuple[Fact, ...]:
    """Those that are kept, in their own order again."""
    chosen = sorted(section.order[:count]) if section.order else range(count)
    return tuple(section.facts[index] for index in chosen)


def _size(section: Section, number: int) -> int:
    index = section.order[number] if section.order else number
    return len(section.facts[index].line) + 3
