"""Lines of a briefing that a model put into better words, and the originals they stand for.

The words are kept in the node's home beside their originals, by which they are found again: a line whose
facts changed is its own original once more. What a model wrote counts only where it says no less and
cites the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator import durable
from orchestrator.documents.plain import prose
from orchestrator.errors import DocumentError
from orchestrator.handoff.facts import BriefingFacts, Fact

SHORTEST = 60
"""Characters of a line that is worth a model's time."""
_MOST_BYTES = 1 << 20
_EVIDENCE = re.compile(r"\[([^\[\]]+)\]\s*$")
_CODE = re.compile(r"`[^`]+`")
_NUMBER = re.compile(r"\d[\d.,:/-]*\d|\d")
_NAME = re.compile(r"\b(?:[A-Za-z]+[A-Z_]\w*|[A-Z]{2,}\w*|\w+\.\w+|\w+/\w[\w/.-]*)")
_TURNS = re.compile(
    r"\b(?:no|not|never|none|nothing|without|cannot|can't|don't|doesn't|must|only|unless|until|rejected|instead"
    r"|error|supersedes)\b",
    re.IGNORECASE,
)
"""Words that turn the meaning of a sentence: a line may not lose or gain one."""


def worth(facts: BriefingFacts) -> Iterator[Fact]:
    """Notes in a person's or a model's words, long enough: not what tools and git say."""
    for section in facts.sections:
        if section.noted:
            yield from (fact for fact in section.facts if len(fact.text) >= SHORTEST and fact.cites)


def judged(original: Fact, line: str) -> tuple[str, str]:
    """The text of a polished line, or "" and why it may not stand for the original."""
    line = " ".join(line.split()).removeprefix("- ")
    evidence = _EVIDENCE.search(line)
    if set(_items(evidence)) != set(_items(_EVIDENCE.search(original.line))):
        return "", "since its citations were lost"
    text = prose(line[: evidence.start()] if evidence else line, 600).strip()
    if not text or len(text) >= len(original.text):
        return "", "since it was not shorter"
    for pattern, what in ((_CODE, "code"), (_NUMBER, "numbers"), (_NAME, "names"), (_TURNS, "denials")):
        if _bag(pattern, text) != _bag(pattern, original.text):
            return "", f"since its {what} were changed"
    return text, ""


def applied(facts: BriefingFacts, polished: Mapping[str, str]) -> BriefingFacts:
    """The facts in their polished words, where there are any."""
    if not polished:
        return facts
    sections = tuple(
        replace(section, facts=tuple(_in_words(fact, polished) for fact in section.facts))
        if section.noted
        else section
        for section in facts.sections
    )
    return replace(facts, sections=sections)


def originals(text: str, polished: Mapping[str, str]) -> str:
    """A document with the originals of its polished lines in their place: what a check compares."""
    if not polished:
        return text
    back = {said: original for original, said in polished.items()}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        evidence = _EVIDENCE.search(line)
        head = line[: evidence.start()].rstrip() if evidence else ""
        if evidence and (original := back.get(head.removeprefix("- "))):
            lines[number] = f"- {original} {evidence[0]}"
    return "\n".join(lines)


def load(path: Path) -> dict[str, str]:
    """Original text → polished text; nothing where there is no such file, or it is damaged."""
    try:
        data = json.loads(durable.read(path, _MOST_BYTES))
        return {str(old): str(new) for old, new in data["lines"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def keep(path: Path, polished: Mapping[str, str]) -> None:
    """Raises `DocumentError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, json.dumps({"lines": dict(polished)}, indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise DocumentError(f"{path} cannot be written: {error.strerror}.", "Free some space.") from error


def _in_words(fact: Fact, polished: Mapping[str, str]) -> Fact:
    return replace(fact, text=polished.get(fact.text, fact.text))


def _items(evidence: re.Match[str] | None) -> list[str]:
    return evidence[1].split(", ") if evidence else []


def _bag(pattern: re.Pattern[str], text: str) -> list[str]:
    return sorted(found.casefold() for found in pattern.findall(text))
