"""From attempts to numbers, and from numbers to a page: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tasks.attempt import Attempt


def summary(attempts: Sequence[Attempt], groups: Sequence[str]) -> dict[str, Any]:
    """Counts in all, by group, repository and language; every attempt. Plain JSON values."""
    seconds = [attempt.seconds for attempt in attempts]
    return {
        **_counts(attempts),
        "groups": _by(attempts, lambda attempt: attempt.group, groups),
        "repositories": _by(attempts, lambda attempt: attempt.repository),
        "languages": _by(attempts, lambda attempt: attempt.language),
        "seconds": {"median": median(seconds or [0.0]), "slowest": max(seconds or [0.0])},
        "steps": {"median": median([len(attempt.calls) for attempt in attempts] or [0])},
        "attempts": [
            {
                "id": attempt.id,
                "group": attempt.group,
                "done": attempt.done,
                "why": attempt.why,
                "seconds": round(attempt.seconds, 2),
                "calls": list(attempt.calls),
                "answer": attempt.answer,
            }
            for attempt in attempts
        ],
    }


def text(result: dict[str, Any]) -> str:
    """The page a person reads; `result` is a `summary` with `model`, `set` and `total_seconds`."""
    lines = [f"{result['model']} on {result['set']}", ""]
    for title in ("groups", "repositories", "languages"):
        lines += [f"{title:14}{'done':>6}{'tasks':>7}"]
        lines += [f"  {name:12}{row['done']:>6}{row['tasks']:>7}" for name, row in result[title].items()]
    misses = [attempt for attempt in result["attempts"] if not attempt["done"]]
    if misses:
        lines += ["", "misses"]
    lines += [f"  {miss['id']} ({len(miss['calls'])} calls): {miss['why']}" for miss in misses]
    took = result["seconds"]
    return "\n".join(
        [
            *lines,
            "",
            f"done {share(result['done'], result['tasks'])}",
            f"seconds for a task, start and load included: median {took['median']:.1f}, "
            f"slowest {took['slowest']:.1f}; {result['total_seconds']:.0f} in all; "
            f"median {result['steps']['median']:g} calls",
        ]
    )


def share(part: int, whole: int) -> str:
    """A percentage that says 100 only when all are in it."""
    return f"{int(1000 * part / whole) / 10 if whole else 0.0:.1f} % ({part}/{whole})"


def _counts(attempts: Sequence[Attempt]) -> dict[str, Any]:
    return {"tasks": len(attempts), "done": sum(attempt.done for attempt in attempts)}


def _by(
    attempts: Sequence[Attempt], key: Callable[[Attempt], str], order: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    names = {key(attempt) for attempt in attempts}
    ordered = [name for name in order if name in names] + sorted(names - set(order))
    return {name: _counts([attempt for attempt in attempts if key(attempt) == name]) for name in ordered}
