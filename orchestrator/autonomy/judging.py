"""Whether what a step changed is kept or taken back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.autonomy.outcome import Outcome, measured, verdict
from orchestrator.autonomy.plan import line
from orchestrator.tools.syntax import breaks, error

SHOWN = 3
"""Changed lines of each sort that a dead end names."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why` is a sentence without its full stop."""

    keep: bool
    why: str


def judge(before: Outcome | None, after: Outcome | None, broken: str) -> Judgement:
    """`before` and `after` are what the check said, None where there is none; `broken` names a file that
    does not parse any more."""
    if broken:
        return Judgement(False, broken)
    if before is None or after is None:
        return Judgement(True, "it changed files that parse")
    stands = verdict(before, after)
    if stands == "worse":
        return Judgement(False, f"the check got worse: {after.short}; before: {before.short}")
    if stands == "same" and not after.ok and measured(before):
        return Judgement(False, f"the check says the same as before: {after.short}")
    return Judgement(True, f"the check: {after.short}")


def broken(changed: Iterable[str], old: Callable[[str], str | None], new: Callable[[str], str | None]) -> str:
    """Which changed file does not parse any more, and why; empty where all do."""
    for path in changed:
        text = new(path)
        said = error(text, Path(path)) if text is not None else ""
        before = old(path) if said else None
        if said and text is not None and (not before or breaks(before, text, Path(path))):
            return f"{path} does not parse: {said}"
    return ""


def summary(diff: str) -> str:
    """A change in one line: "calc.py: `return a - b` → `return a * b`"."""
    parts: list[str] = []
    path, gone, came = "", list[str](), list[str]()

    def flush() -> None:
        if path and (gone or came):
            told = [" / ".join(f"`{line(one, 80)}`" for one in side[:SHOWN]) for side in (gone, came)]
            parts.append(
                f"{path}: "
                + (" → ".join(told) if all(told) else f"{'without' if gone else 'with'} {told[0] or told[1]}")
            )

    for row in diff.splitlines():
        if row.startswith("diff --git "):
            flush()
            path, gone, came = row.rpartition(" b/")[2], [], []
        elif row.startswith(("+++", "---")):
            continue
        elif row[:1] in "+-" and row[1:].strip():
            (came if row[0] == "+" else gone).append(row[1:].strip())
    flush()
    return line("; ".join(parts), 300)
