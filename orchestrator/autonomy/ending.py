"""When a run ends, and what it ends with: decided from values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.autonomy.progress import Sign, progress

Why = Literal[
    "success",  # the check passed, twice in a row
    "done",  # no check was given: judged by what changed and what was answered
    "steps",
    "minutes",
    "tokens",
    "repetition",
    "no progress",
    "stopped",
    "failed",  # the model, git or the disk
]
Wanted = Literal["go", "pause", "stop"]
"""What a person wants of a run."""

PASSES = 2
"""Times in a row that the check must pass."""
REPEATS = 3
"""Steps in a row that did and said the same."""
PATIENCE = 5
"""Steps in a row without a sign of progress."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may spend. `tokens` are read anew or written; what a cache held counts nothing."""

    steps: int = 20
    minutes: float = 30
    tokens: int = 200_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has spent, over all its processes."""

    steps: int = 0
    seconds: float = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """`text` is one sentence for a person."""

    why: Why
    text: str

    @property
    def good(self) -> bool:
        return self.why in ("success", "done")


def ending(
    budget: Budget,
    spent: Spent,
    signs: Sequence[Sign],
    *,
    check: bool,
    passes: int,
    finished: str = "",
    wanted: Wanted = "go",
) -> Ending | None:
    """None: the run goes on. `signs` of the steps that have ended, oldest first; `passes`: how often in a
    row the check has passed since the newest change; `finished`: why the goal counts as reached where no
    `check` was given."""
    if check and passes >= PASSES:
        return Ending("success", f"The check passed {passes} times in a row.")
    if not check and finished:
        return Ending("done", f"No check was given; {finished}")
    if wanted == "stop":
        return Ending("stopped", "A person stopped it.")
    return exhausted(budget, spent) or _stuck(signs)


def exhausted(budget: Budget, spent: Spent) -> Ending | None:
    """Which budget is used up, if one is."""
    if spent.steps >= budget.steps:
        return Ending("steps", f"Its {budget.steps} steps are used up.")
    if spent.seconds >= budget.minutes * 60:
        return Ending("minutes", f"Its {budget.minutes:g} minutes are over.")
    if spent.tokens >= budget.tokens:
        return Ending("tokens", f"Its {budget.tokens:,} tokens are used up.")
    return None


def strictest(*wanted: Wanted) -> Wanted:
    """Of what several ask for: stopping goes before pausing, and that before going on."""
    order: tuple[Wanted, ...] = ("go", "pause", "stop")
    return max(wanted, key=order.index)


def _stuck(signs: Sequence[Sign]) -> Ending | None:
    newest = signs[-REPEATS:]
    if len(newest) == REPEATS and len({(sign.change, sign.outcome, sign.said) for sign in newest}) == 1:
        return Ending("repetition", f"{REPEATS} steps in a row did and said the same.")
    if len(signs) >= PATIENCE:
        first = len(signs) - PATIENCE
        if not any(progress(signs[:at], signs[at]) for at in range(first, len(signs))):
            text = f"{PATIENCE} steps in a row changed nothing, helped no test and found nothing new."
            return Ending("no progress", text)
    return None
