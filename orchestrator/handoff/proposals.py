"""Which goals a project has of itself, from what its records and documents leave open: pure.

The rule, whole. Matters with the same subject are one goal. What recurs is a goal once two sessions saw it.
Goals come in this order: tests that fail, blockers, next steps, what recurs, stale lines; within a kind
what a tool verified or a person stands for before what a model claimed, then what more sessions saw, then the
newest. A goal has a check only where all its matters name the same one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from orchestrator.documents.plain import flat
from orchestrator.handoff import runs
from orchestrator.handoff.facts import CONFIRMED, VERIFIED
from orchestrator.journal.words import words

Matter = Literal["failing test", "blocker", "next step", "recurring", "stale line"]
MATTERS: tuple[Matter, ...] = get_args(Matter)
"""Kinds of what is open, the most pressing first."""
SESSIONS = 2
"""So many must have seen what recurs."""
TEXT_CHARS = 300
_CITED = 4
_TOLD = 3
_CHECK_CHARS = 300
_SURE = (VERIFIED, CONFIRMED)


@dataclass(frozen=True, slots=True)
class Open:
    """One open matter, as one record or one line of a document has it.

    `text` is what is to be done, one line, made of our own words and of notes: never of what a tool
    printed, since it becomes a prompt. `told` is said beside it. `seen` is (milliseconds, counter).
    """

    matter: Matter
    subject: str
    text: str
    cites: tuple[str, ...]
    status: str = ""
    check: str = ""
    told: str = ""
    session: str = ""
    seen: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal to propose: `cites` newest first, `sessions` how many saw it, `check` "" where none is known."""

    matter: Matter
    text: str
    cites: tuple[str, ...]
    status: str
    check: str
    told: tuple[str, ...]
    sessions: int
    seen: tuple[int, int]

    @property
    def sure(self) -> bool:
        return self.status in _SURE


def proposed(matters: Iterable[Open]) -> tuple[Goal, ...]:
    """The goals, in the order of the rule at the top; the order of `matters` does not matter."""
    groups: dict[str, list[Open]] = {}
    for one in sorted(set(matters), key=_newest):
        groups.setdefault(one.subject, []).append(one)
    kept = {subject: due for subject, group in groups.items() if (due := _due(group))}
    goals = [(_joined(group), subject) for subject, group in kept.items()]
    return tuple(goal for goal, _ in sorted(goals, key=_rank))


def subject(text: str) -> str:
    """What texts have in common that are about the same: their words, in any order, without endings of
    sentences, case and signs."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(sorted(set(words(plain)))) or plain.strip()


def as_check(command: str) -> str:
    """The command where it can be shown and run just as it stands, as one line; else ""."""
    command = command.strip()
    return command if command and flat(command, _CHECK_CHARS) == command else ""


def named_check(text: str) -> str:
    """The test command that a note names as code, where it is that and nothing else; else ""."""
    named = [one for one in re.findall(r"`([^`]+)`", text) if runs.test_run("shell", one)]
    alone = len(named) == 1 and runs.single(named[0])
    return as_check(named[0]) if alone else ""


def _joined(group: Sequence[Open]) -> Goal:
    """`group` newest first."""
    matter = min((one.matter for one in group), key=MATTERS.index)
    first = next(one for one in group if one.matter == matter)
    checks = {one.check for one in group if one.check}
    status = next((sure for sure in _SURE for one in group if one.status == sure), first.status)
    return Goal(
        matter,
        first.text[:TEXT_CHARS],
        tuple(dict.fromkeys(cite for one in group for cite in one.cites))[:_CITED],
        status,
        next(iter(checks)) if len(checks) == 1 else "",
        tuple(dict.fromkeys(one.told for one in group if one.told))[:_TOLD],
        len(_sessions(group)),
        group[0].seen,
    )


def _due(group: Sequence[Open]) -> list[Open]:
    """Those of one subject that count: what recurs only where enough sessions saw it."""
    recurs = len(_sessions(group)) >= SESSIONS
    return [one for one in group if recurs or one.matter != "recurring"]


def _sessions(group: Sequence[Open]) -> set[str]:
    return {one.session for one in group if one.session}


def _newest(one: Open) -> tuple[object, ...]:
    millis, counter = one.seen
    rest = (one.matter, one.text, one.cites, one.status, one.check, one.told, one.session)
    return (-millis, -counter, rest)


def _rank(item: tuple[Goal, str]) -> tuple[object, ...]:
    goal, subject = item
    millis, counter = goal.seen
    return (MATTERS.index(goal.matter), not goal.sure, -goal.sessions, -millis, -counter, subject)
