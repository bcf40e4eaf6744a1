"""What another device wrote into a briefing that this one cannot: its lines are carried on.

A briefing may come with `git clone`, from sessions whose records are not in this journal. Made anew from
this journal alone it would lose what they learned, so lines that cite sessions unknown here stay until
their records arrive; then the records speak.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from orchestrator.documents import citations
from orchestrator.handoff.facts import BriefingFacts, Fact, Section

Unknown = Callable[[Iterable[str]], set[str]]
"""Those of the citations whose session is not in this journal."""

GOAL, NEXT = "Goal", "Next step"
_BOLD = re.compile(r"\*\*(Goal|Next step)\*\*: ")
_ITEM = re.compile(r"\s*[-*] ")
_EVIDENCE = re.compile(r"\[([^\[\]]+)\]\s*$")


def joined(facts: BriefingFacts, old: str, unknown: Unknown) -> BriefingFacts:
    """The facts with those of the document as it stands that only another device can vouch for.

    Only sections that hold notes take them: what was done last, and where git stands, is each device's own.
    """
    found = list(_lines(old))
    cited = {cite for _, fact in found for cite in _records(fact)}
    if not (strange := unknown(cited)):
        return facts
    theirs: dict[str, list[Fact]] = {}
    for title, fact in found:
        records = _records(fact)
        if records and strange.issuperset(records):
            theirs.setdefault(title, []).append(fact)
    goal, step = facts.goal, facts.next_step
    return replace(
        facts,
        goal=goal or next(iter(theirs.get(GOAL, ())), None),
        next_step=step or next(iter(theirs.get(NEXT, ())), None),
        sections=tuple(_sections(facts, theirs)),
    )


def strange(old: str, unknown: Unknown) -> bool:
    """Whether the document holds lines that only another device can vouch for."""
    return bool(unknown({cite for _, fact in _lines(old) for cite in _records(fact)}))


def _sections(facts: BriefingFacts, theirs: dict[str, list[Fact]]) -> Iterator[Section]:
    """`theirs` count as older than what this device recorded."""
    for section in facts.sections:
        known = {fact.text for fact in section.facts}
        more = theirs.get(section.title, []) if section.noted else []
        fresh = [fact for fact in more if fact.text not in known]
        if section.rising:  # the document has them oldest first
            fresh.reverse()
        last = range(len(section.facts), len(section.facts) + len(fresh))
        order = (*section.order, *last) if section.order else ()
        yield replace(section, facts=(*section.facts, *fresh), order=order)


def _lines(text: str) -> Iterator[tuple[str, Fact]]:
    """(heading, fact) of the generated lines."""
    title = ""
    for line in citations.generated(text):
        if line.text.startswith("## "):
            title = line.text[3:].strip()
        elif evidence := _EVIDENCE.search(line.text):
            said = line.text[: evidence.start()].rstrip()
            bold = _BOLD.match(said)
            fact = Fact(_ITEM.sub("", _BOLD.sub("", said), count=1), tuple(evidence[1].split(", ")))
            yield (bold[1] if bold else title), fact


def _records(fact: Fact) -> list[str]:
    return [cite for cite in fact.cites if re.fullmatch(r"S[0-9A-Za-z_-]+(?:#\d+)?", cite)]
