"""What happens in a run, as lines to read: its steps and checks, and what its instances do."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.autonomy.happenings import (
    CheckRun,
    Happening,
    RunEnded,
    RunStarted,
    StepBegun,
    StepEnded,
)
from orchestrator.events import Answer, Event, Notice, ToolCallEvent, ToolResultEvent
from orchestrator.terminal import one_line
from orchestrator.tui.lines import Line, Span, count, fold

LONGEST = 2_000
"""Characters of one line of the log; the journal has all."""


class LogLines:
    """`tui.lines.Items`: each line folded to the width there is."""

    def __init__(self, empty: str = "") -> None:
        self.empty = empty
        self._lines: list[tuple[str, str]] = []

    def add(self, text: str, role: str = "") -> None:
        self._lines.append((text[:LONGEST], role))

    def hear(self, event: Happening | Event) -> bool:
        """Add what is to be read of it; False when that is nothing."""
        before = len(self)
        for text, role in lines_of(event):
            self.add(text, role)
        return len(self) > before

    def __len__(self) -> int:
        return len(self._lines)

    def height(self, index: int, width: int) -> int:
        return len(self._folded(index, width))

    def line(self, index: int, number: int, width: int) -> Line:
        return (Span(self._folded(index, width)[number], self._lines[index][1]),)

    def matches(self, index: int, needle: str, width: int) -> list[int]:
        folded = self._folded(index, width)
        return [number for number, text in enumerate(folded) if needle in text.casefold()]

    def tooltip(self, index: int) -> str:
        return ""

    def _folded(self, index: int, width: int) -> list[str]:
        return fold(self._lines[index][0], width) or [""]


def lines_of(event: Happening | Event) -> Iterator[tuple[str, str]]:
    """Text and role of each line."""
    match event:
        case RunStarted():
            yield (
                f"{'Goes on' if event.resumed else 'Begins'}: branch {event.branch} from {event.base[:7]}",
                "muted",
            )
        case StepBegun():
            yield f"Step {event.number}: {one_line(event.text, 300)}", "strong"
        case ToolCallEvent():
            values = " ".join(str(value) for value in event.arguments.values())
            yield f"  ▸ {event.name} {one_line(values, 200)}", "muted"
        case ToolResultEvent() if not event.ok:
            yield f"    ✗ {one_line(event.text, 200)}", "muted"
        case Answer():
            if said := one_line(event.text, 400):
                yield f"  {said}", ""
        case CheckRun():
            counts = ((event.failed, "failed"), (event.passed, "passed"))
            said = ", ".join([f"exit {event.exit_code}", *(f"{n} {what}" for n, what in counts if n)])
            yield f"  Check: {said} [{event.citation}]", "warning" if event.exit_code else "added"
            if event.exit_code:
                yield from ((f"    {one_line(row, 200)}", "muted") for row in event.lines[:4])
        case StepEnded():
            mark, role = ("✔", "added") if event.status == "done" else ("✗", "warning")
            said = "; ".join(
                part for part in (event.why, f"commit {event.commit[:7]}" * bool(event.commit)) if part
            )
            yield f"  {mark} {event.status}: {one_line(said, 400)}", role
        case RunEnded():
            yield ended(event), "added" if event.good else "strong"
        case Notice():
            yield f"  {one_line(event.text, 400)}", "warning" if event.level != "info" else "muted"
        case _:
            return


def ended(event: RunEnded) -> str:
    """How it ended, and what it cost."""
    spent = f"{count(event.steps, 'step')}, {event.seconds / 60:.1f} min, {event.tokens:,} tokens"
    if event.why == "paused":
        return f"Paused. {spent}."
    reached = "Reached" if event.good else "Ended"
    return f"{reached}: {one_line(event.text, 300)} {count(event.commits, 'commit')}; {spent}."
