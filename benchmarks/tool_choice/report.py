"""From outcomes to numbers, and from numbers to a page: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Protocol


class Scored(Protocol):
    """What is known of one asked prompt."""

    @property
    def id(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def expected(self) -> tuple[str, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def got(self) -> str: ...
    @property
    def parsable(self) -> bool: ...
    @property
    def seconds(self) -> float: ...
    @property
    def problem(self) -> str: ...
    @property
    def right(self) -> bool: ...
    @property
    def best(self) -> bool: ...


def summary(outcomes: Sequence[Scored], groups: Sequence[str]) -> dict[str, Any]:
    """Counts in all, by group and by language; misses; seconds. Plain JSON values."""
    known = [group for group in groups if any(outcome.group == group for outcome in outcomes)]
    others = sorted({outcome.group for outcome in outcomes} - set(groups))
    seconds = [outcome.seconds for outcome in outcomes]
    return {
        **_counts(outcomes),
        "groups": _by(outcomes, lambda outcome: outcome.group, [*known, *others]),
        "languages": _by(
            outcomes, lambda outcome: outcome.language, sorted({outcome.language for outcome in outcomes})
        ),
        "misses": [
            {
                "id": outcome.id,
                "prompt": outcome.prompt,
                "expected": list(outcome.expected),
                "got": outcome.got,
                "problem": outcome.problem,
            }
            for outcome in outcomes
            if not outcome.right
        ],
        "seconds": {
            "first": seconds[0] if seconds else 0.0,
            "median": median(seconds[1:] or seconds or [0.0]),
            "slowest": max(seconds[1:] or seconds or [0.0]),
        },
        "outcomes": [
            {"id": outcome.id, "got": outcome.got, "right": outcome.right, "seconds": outcome.seconds}
            for outcome in outcomes
        ],
    }


def text(result: dict[str, Any]) -> str:
    """The page a person reads; `result` is a `summary` with `model`, `set` and `total_seconds`."""
    rows = [("group", "prompts", "right", "best", "parsable"), *_rows(result["groups"])]
    rows += [("language", "", "", "", ""), *_rows(result["languages"]), _row("all", result)]
    lines = [f"{result['model']} on {result['set']}", ""]
    lines += [f"{row[0]:10}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows]
    if result["misses"]:
        lines += ["", "misses"]
    for miss in result["misses"]:
        got = miss["got"] or "nothing"
        if miss["problem"]:
            got += f" ({miss['problem']})"
        lines.append(f"  {miss['id']}: {miss['prompt']!r} wants {' or '.join(miss['expected'])}, got {got}")
    took = result["seconds"]
    return "\n".join(
        [
            *lines,
            "",
            f"accuracy {share(result['right'], result['prompts'])}, "
            f"best choice {share(result['best'], result['prompts'])}, "
            f"parsable {share(result['parsable'], result['prompts'])}",
            f"seconds to the first call, start and load included: first prompt {took['first']:.1f}, "
            f"then median {took['median']:.1f}, slowest {took['slowest']:.1f}; "
            f"{result['total_seconds']:.0f} in all",
        ]
    )


def share(part: int, whole: int) -> str:
    """A percentage that says 100 only when all are in it: 999 of 1000 is 99.9 %, never 100 %."""
    return f"{int(1000 * part / whole) / 10 if whole else 0.0:.1f} % ({part}/{whole})"


def _counts(outcomes: Sequence[Scored]) -> dict[str, Any]:
    whole = len(outcomes)
    right = sum(outcome.right for outcome in outcomes)
    parsable = sum(outcome.parsable for outcome in outcomes)
    return {
        "prompts": whole,
        "right": right,
        "best": sum(outcome.best for outcome in outcomes),
        "parsable": parsable,
        "accuracy": right / whole if whole else 0.0,
        "parsable_share": parsable / whole if whole else 0.0,
    }


def _by(
    outcomes: Sequence[Scored], key: Callable[[Scored], str], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    return {name: _counts([outcome for outcome in outcomes if key(outcome) == name]) for name in names}


def _rows(counts: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    return [_row(name or "?", count) for name, count in counts.items()]


def _row(name: str, count: dict[str, Any]) -> tuple[str, ...]:
    return (name, *(str(count[column]) for column in ("prompts", "right", "best", "parsable")))
