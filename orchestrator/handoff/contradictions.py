"""Two decisions that hold and do not go together: found by their words, for a person to settle. Pure.

Conservative, since a false alarm costs more trust than a miss: both must be about the same subject, in
nearly the same words, and choose differently in the same place. Nothing is retired here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from orchestrator.documents.plain import prose
from orchestrator.types import Record

MOST = 150
"""Decisions that are compared with each other, the newest."""
MOST_PAIRS = 20
"""That are reported at once, those of the newest decisions."""
_SLOT = 2  # words that may differ in one place
_SHOWN = 90


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W_]+(?:[._/+#-][^\W_]+)*[+#]*")
_APOSTROPHE = re.compile(r"(?<=\w)n['’]t\b")
_INSTEAD = re.compile(
    r"\b(?:instead of|rather than|in place of|and not|, not|over)\s+([^,;.()]+)", re.IGNORECASE
)
_STOP = _set(
    "a an the we i our us it its this that these those will shall should must may can be is are was were been"
    " do does now only always also please then so just all any every each there here has have"
)
_NEGATORS = _set("not never no none without avoid stop dont cannot drop disable forbid")
_CHOOSING = _set(
    "use using used take choose chosen adopt pick prefer go switch migrate stay require rely standardise"
    " standardize"
)
_PLACING = _set("store keep write save put log name call serve host license licence format sign")
_ADDING = _set(
    "support add test document allow accept handle include fix remove rename move split review update bump"
    " ship deploy measure check read delete merge close open extend"
)
_SUBJECT = _set("for in on as at by of per during when while under within inside among with to from")
_PLACE = _set("in to as with under at on by")
_COPULA = _set("is are = be stays remains equals means lasts takes")
_UNITS = _set(
    "second minute hour day week month year ms s kb mb gb kib mib gib percent time token line retry"
)
_RIVALS = tuple(
    _set(group)
    for group in (
        "postgresql postgres sqlite mysql mariadb mongodb redis duckdb",
        "tabs spaces",
        "npm yarn pnpm bun",
        "pip poetry uv pipenv conda pdm",
        "pytest unittest nose2",
        "black yapf autopep8",
        "rest graphql grpc",
        "json yaml toml xml",
        "mit apache-2.0 gpl bsd",
        "flask django fastapi starlette",
        "react vue svelte angular",
        "mutex channel",
        "threads asyncio processes",
        "utc localtime",
        "rebase squash",
        "monorepo polyrepo",
        "rust go python java typescript",
        "kubernetes nomad",
        "nginx caddy apache",
        "argon2 bcrypt scrypt",
    )
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records, and a sentence about them without its full stop."""

    older: Record
    newer: Record
    says: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision cut up: all its words, what is chosen, what for, and what is ruled out.

    `place` is the word before each word as it stood, stop words included.
    """

    words: tuple[str, ...]
    place: tuple[str, ...]
    chosen: frozenset[str]
    subject: frozenset[str]
    rejected: frozenset[str]
    negated: bool
    verb: str


def contradictions(decisions: Sequence[Record]) -> tuple[Pair, ...]:
    """Pairs among decisions that hold (oldest first), of which at most one can be meant."""
    newest: dict[tuple[str, ...], tuple[Record, Choice]] = {}
    for record in decisions[-MOST:]:
        choice = choice_of(record.body or {})
        if choice.words:
            newest[choice.words] = record, choice
    known = list(newest.values())
    pairs = (
        Pair(older, newer, f'"{_shown(older)}" and "{_shown(newer)}" may not both hold')
        for number in range(len(known) - 1, 0, -1)
        for older, first in known[:number]
        for newer, second in [known[number]]
        if contradict(first, second)
    )
    return tuple(islice(pairs, MOST_PAIRS))


def contradict(first: Choice, second: Choice) -> bool:
    """Whether two decisions are about the same subject and choose differently."""
    if first.negated != second.negated:
        return _denies(first, second)
    if first.words == second.words:
        return False
    if first.negated or {first.verb, second.verb} & _ADDING:
        return False
    return (
        _rules_out(first, second)
        or _rules_out(second, first)
        or _rival(first, second)
        or _slot(first, second)
    )


def choice_of(body: Any) -> Choice:
    """The decision that a note's body records."""
    text = body.get("text")
    text = unicodedata.normalize("NFKC", text[:400]) if isinstance(text, str) else ""
    text = _APOSTROPHE.sub(" not", text)
    out = [match[1] for match in _INSTEAD.finditer(text)]
    rejected = body.get("rejected")
    out += re.split(r"[,;]|\bor\b|\band\b", rejected[:400]) if isinstance(rejected, str) else []
    raw = _words(_INSTEAD.sub("", text))
    negated = any(word in _NEGATORS for word in raw)
    kept: list[tuple[str, str]] = []
    before = ""
    for word in raw:
        if word not in _STOP and word not in _NEGATORS and not (word in _SUBJECT and kept):
            kept.append((_stem(word), before))
        before = word
    words = tuple(word for word, _ in kept)
    verb = words[0] if words else ""
    chosen, subject = _cut(raw)
    ruled_out = frozenset(word for part in out for word in _content(_words(part)[:3]))
    return Choice(words, tuple(place for _, place in kept), chosen, subject, ruled_out, negated, verb)


def _denies(first: Choice, second: Choice) -> bool:
    """The same, said and denied."""
    one, other = (set(choice.words) - _CHOOSING for choice in (first, second))
    return bool(one) and one == other


def _rules_out(first: Choice, second: Choice) -> bool:
    """The first chooses what the second turned down for the same subject."""
    if not first.chosen & second.rejected or first.chosen & second.chosen:
        return False
    return first.subject == second.subject or bool(first.subject & second.subject)


def _rival(first: Choice, second: Choice) -> bool:
    """Two of a kind, of which one takes one, for the same subject."""
    if first.subject != second.subject or not {first.verb, second.verb} <= _CHOOSING:
        return False
    for group in _RIVALS:
        one, other = ({word for word in group if _stem(word) in choice.chosen} for choice in (first, second))
        if one and other and not one & other and len(first.chosen) == len(second.chosen) == 1:
            return True
    return False


def _slot(first: Choice, second: Choice) -> bool:
    """The same sentence with something else in one place, which is the place of the choice."""
    one, other = first.words, second.words
    start = behind_same = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    while (
        behind_same < min(len(one), len(other)) - start and one[-1 - behind_same] == other[-1 - behind_same]
    ):
        behind_same += 1
    end, end2 = len(one) - behind_same, len(other) - behind_same
    if start == 0 or not (0 < end - start <= _SLOT and 0 < end2 - start <= _SLOT):
        return False
    same = [*first.words[:start], *first.words[end:]]
    if len([word for word in same if word not in _CHOOSING]) < (1 if first.verb in _CHOOSING else 2):
        return False
    before = first.place[start]
    if first.verb in _CHOOSING:
        return start == 1 and bool(first.words[end:])
    if first.verb in _PLACING:
        return before in _PLACE or start >= 2
    slots = (*first.words[start:end], *second.words[start:end2])
    if before in _COPULA:
        return True
    if not all(any(char.isdigit() for char in word) for word in slots):
        return False
    behind = first.words[end:]
    return before not in _SUBJECT or not behind or (len(behind) == 1 and behind[0] in _UNITS)


def _cut(raw: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What stands before the first preposition behind the verb, and what stands behind it."""
    at = next((n for n, word in enumerate(raw) if n > 1 and word in _SUBJECT), len(raw))
    return frozenset(_content(raw[:at])) - _CHOOSING, frozenset(_content(raw[at:]))


def _content(words: Iterable[str]) -> list[str]:
    return [_stem(w) for w in words if w not in _STOP and w not in _NEGATORS and w not in _SUBJECT]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text.replace("=", " is "))][:60]


def _stem(word: str) -> str:
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


def _shown(record: Record) -> str:
    text = (record.body or {}).get("text")
    return prose(text, _SHOWN) if isinstance(text, str) else ""
