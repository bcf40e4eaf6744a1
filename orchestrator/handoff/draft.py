"""A briefing for a goal as a draft: shown, edited by a person, and taken. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.documents.plain import prose
from orchestrator.handoff.facts import BriefingFacts, Fact
from orchestrator.handoff.selection import selected

_MARKER = re.compile(r"\s*<!--.*?-->\s*")
_EVIDENCE = re.compile(r"\[([^\[\]]+)\]\s*$")
_CITATION = re.compile(r"S[0-9A-Za-z_-]+#\d+|[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Edited:
    """What a person made of a draft: citations of the lines taken out, and the lines put in, in order."""

    without: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def for_goal(facts: BriefingFacts, goal: str) -> BriefingFacts:
    """The facts as they would be selected with that goal, which nobody has recorded yet."""
    fact = Fact(f"{prose(goal, 260)} (not recorded yet)")
    return selected(replace(facts, goal=fact), {"text": goal})


def text_of(rendered: str) -> str:
    """What there is to edit of a rendered document: its text without the regions' marks."""
    lines = [line for line in rendered.splitlines() if not _MARKER.fullmatch(line)]
    return "\n".join(lines).strip() + "\n"


def compared(draft: str, edited: str) -> Edited:
    """What was taken out and put in. A line that was changed is both.

    What is taken out is named by what it rests on; a line that rests on nothing (a heading) comes back.
    """
    before, after = _lines(draft), _lines(edited)
    kept = {cite for line in after for cite in cites(line)} & {
        cite for line in before for cite in cites(line)
    }
    gone = [cite for line in before if line not in after for cite in cites(line) if cite not in kept]
    return Edited(tuple(dict.fromkeys(gone)), tuple(line for line in after if line not in before))


def cites(line: str) -> tuple[str, ...]:
    """The records and commits that a line ends with."""
    evidence = _EVIDENCE.search(line)
    return tuple(item for item in evidence[1].split(", ") if _CITATION.fullmatch(item)) if evidence else ()


def _lines(text: str) -> Sequence[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]
