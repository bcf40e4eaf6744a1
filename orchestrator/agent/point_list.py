"""Points to go back to, and what going back would do, as text for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.agent.points import Point, Points, diff_of
from orchestrator.checkpoints.plan import Plan
from orchestrator.checkpoints.store import Checkpoints

SHOWN = 20
_NAMES = 4
NOTHING = "There is nothing to go back to yet."
NO_CHANGE = "No file would change."


def table(points: Points, shown: int = SHOWN) -> str:
    """One line a point, newest first, numbered."""
    found = points.all(shown)
    if not found:
        return NOTHING
    lines = [line(number, point) for number, point in enumerate(found, 1)]
    return "\n".join(
        [*lines, "/rewind N goes back to before it; diff, files, conversation or overwrite after N"]
    )


def line(number: int, point: Point) -> str:
    when = datetime.fromtimestamp(point.at_ms / 1000).strftime("%d %b %H:%M")
    return f"{number:>3}  {point.name:<10} {when}  {point.title}{_files(point.files)}"


def _files(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    more = f" and {len(paths) - _NAMES} more" if len(paths) > _NAMES else ""
    return f"  [changed {', '.join(paths[:_NAMES])}{more}]"


def changes(store: Checkpoints, wanted: Plan) -> str:
    """The diff of what would be restored, then what would be left and why."""
    parts = [diff_of(store, step).rstrip("\n") for step in wanted.steps]
    for step in wanted.kept:
        parts.append(f"{step.path} would be left as it is: {step.why}")
        if step.possible:
            parts.append(diff_of(store, step).rstrip("\n"))
    return "\n".join(parts) or NO_CHANGE
