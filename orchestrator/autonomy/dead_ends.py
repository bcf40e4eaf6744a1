"""What failed before, and whether a step or a change repeats it. Pure, but for `known`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.autonomy.plan import Step, line
from orchestrator.journal.words import words
from orchestrator.ports import Journal
from orchestrator.types import Record, ToolCall

ALIKE = 0.75
"""Share of the words of both that a step and a dead end have in common when they mean the same."""
LEAST_WORDS = 3
TOLD = 4
"""Of a run's own dead ends, those that an instance is told."""
_NEW = ("new", "content", "code", "command")


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """`changes` are fingerprints of the calls that made it; `reasons` were given for trying it again."""

    text: str
    error: str
    citation: str
    changes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    run: str = ""


def known(journal: Journal, project: str) -> tuple[DeadEnd, ...]:
    """All that still hold in a project, of every session and run, oldest first."""
    return of_records(
        (record for record in journal.live_notes(project) if record.kind == "dead_end"), journal.cite
    )


def of_records(records: Iterable[Record], cite: Any) -> tuple[DeadEnd, ...]:
    found = []
    for record in records:
        body = record.body or {}
        texts = {name: body.get(name) for name in ("changes", "reasons")}
        lists = {n: tuple(map(str, v)) if isinstance(v, list | tuple) else () for n, v in texts.items()}
        found.append(
            DeadEnd(
                line(str(body.get("text") or "")),
                line(str(body.get("error") or "")),
                cite(record),
                lists["changes"],
                lists["reasons"],
                str(body.get("run") or ""),
            )
        )
    return tuple(found)


def body(
    run: str, text: str, error: str, changes: Sequence[str], reasons: Sequence[str]
) -> Mapping[str, Any]:
    """Of the record of a step that was taken back: the check stands for it."""
    return {
        "text": line(text, 300),
        "error": line(error, 300),
        "by": "run",
        "status": "confirmed",
        "run": run,
        "changes": list(changes),
        "reasons": list(reasons),
    }


def repeated_by_step(step: Step, ends: Iterable[DeadEnd]) -> DeadEnd | None:
    """The dead end that the step would try again, unless it gives a reason that nobody gave before."""
    wanted = _words(step.text)
    for end in ends:
        tried = _words(end.text)
        if min(len(wanted), len(tried)) < LEAST_WORDS:
            continue
        if len(wanted & tried) >= ALIKE * len(wanted | tried) and not _new([step.because], end):
            return end
    return None


def repeated_by_call(call: ToolCall, ends: Iterable[DeadEnd], reasons: Collection[str]) -> DeadEnd | None:
    """The same of a change; `reasons` are those that this instance has noted."""
    made = fingerprint(call)
    return next((end for end in ends if made in end.changes and not _new(reasons, end)), None)


def refusal(end: DeadEnd) -> str:
    error = f" It failed: {end.error}." if end.error else ""
    return (
        f"This was tried before and taken back [{end.citation}].{error} Do it another way; or, if something "
        "is different now, call note with a decision and its because, then try again."
    )


def fingerprint(call: ToolCall) -> str:
    """Of what a call puts into which file, whatever it replaces and however it is spaced."""
    given = call.arguments
    put = next((str(given[name]) for name in _NEW if given.get(name)), "")
    where = str(given.get("path") or "").strip().removeprefix("./")
    text = "\0".join((where, "".join(put.split()), "" if put else str(given.get("old") or "")))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _new(reasons: Iterable[str], end: DeadEnd) -> bool:
    given = {frozenset(_words(reason)) for reason in end.reasons}
    return any(reason.strip() and frozenset(_words(reason)) not in given for reason in reasons)


def _words(text: str) -> set[str]:
    return set(words(text))
