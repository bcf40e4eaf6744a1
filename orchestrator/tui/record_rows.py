"""The rows of the memory log, bounded and without bodies; and one record as a list of paragraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.terminal import one_line
from orchestrator.tui.lines import Line, Span, fold, spread
from orchestrator.tui.node import LoggedRecord
from orchestrator.tui.record_text import ago, failed, label, local_time, mark, moment, paragraphs, summary

MOST_ROWS = 10_000
NAME_CELLS = 10
CITATION_CHARS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log. `moment` in seconds since 1970."""

    arrival: int
    moment: float
    label: str
    text: str
    citation: str
    mark: str
    failed: bool

    def holds(self, needle: str) -> bool:
        """Whether a casefolded needle is in it."""
        return needle in f"{self.label} {self.text} {self.citation}".casefold()


def row_of(logged: LoggedRecord) -> Row:
    record = logged.record
    return Row(
        logged.arrival,
        moment(record),
        label(record),
        summary(record),
        one_line(logged.citation, CITATION_CHARS),
        mark(record),
        failed(record),
    )


class RecordRows:
    """`Items` of the memory log, in order of arrival. `now` in seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.empty = ""
        self._now = now
        self._rows: list[Row] = []

    # --- Items ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:
        return self._rows[index]

    def height(self, index: int, width: int) -> int:
        return 1

    def line(self, index: int, number: int, width: int) -> Line:
        row = self._rows[index]
        left = (
            Span(f"{ago(row.moment, self._now()):>6} ", "muted"),
            Span(f"{row.label:<9}", "" if row.mark else "muted"),
            Span(row.text, "warning" if row.failed else ""),
        )
        sign = Span(f" {row.mark or ' '}", "accent" if row.mark == "✔" else "muted")
        return spread(left, (Span(row.citation, "muted"), sign), width)

    def matches(self, index: int, needle: str, width: int) -> list[int]:
        return [0] if self._rows[index].holds(needle) else []

    def tooltip(self, index: int) -> str:
        row = self._rows[index]
        return f"{local_time(row.moment)} · {row.label} · {row.citation}"

    # --- changes ----------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """Arrival of the oldest row; 0 without rows."""
        return self._rows[0].arrival if self._rows else 0

    @property
    def last(self) -> int:
        """Arrival of the newest row; 0 without rows."""
        return self._rows[-1].arrival if self._rows else 0

    @property
    def room(self) -> int:
        """How many older rows may still be added."""
        return max(MOST_ROWS - len(self._rows), 0)

    def add(self, page: Sequence[Row]) -> int:
        """Newer ones, at the end; returns how many of the oldest were let go."""
        self._rows += page
        gone = max(len(self._rows) - MOST_ROWS, 0)
        del self._rows[:gone]
        return gone

    def add_older(self, page: Sequence[Row]) -> int:
        """Older ones, at the top; returns how many there was room for."""
        taken = page[max(len(page) - (MOST_ROWS - len(self._rows)), 0) :]
        self._rows[:0] = taken
        return len(taken)

    def clear(self) -> None:
        self._rows.clear()


class RecordParagraphs:
    """`Items` of one record in full: each part of its body, then each field."""

    empty = ""

    def __init__(self, logged: LoggedRecord) -> None:
        self._parts = paragraphs(logged)
        self._folded: dict[int, list[Line]] = {}
        self._width = 0

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> tuple[str, str]:
        return self._parts[index]

    def height(self, index: int, width: int) -> int:
        return len(self._lines(index, width))

    def line(self, index: int, number: int, width: int) -> Line:
        return self._lines(index, width)[number]

    def matches(self, index: int, needle: str, width: int) -> list[int]:
        if needle not in "\n".join(self._parts[index]).casefold():
            return []
        texts = ["".join(span.text for span in line) for line in self._lines(index, width)]
        return [number for number, text in enumerate(texts) if needle in text.casefold()] or [0]

    def tooltip(self, index: int) -> str:
        return ""

    def _lines(self, index: int, width: int) -> list[Line]:
        if width != self._width:
            self._folded.clear()
            self._width = width
        if index not in self._folded:
            name, text = self._parts[index]
            pieces = fold(text, width - NAME_CELLS) or [""]
            names = [name, *[""] * (len(pieces) - 1)]
            self._folded[index] = [
                (Span(f"{shown:<{NAME_CELLS}}", "muted"), Span(piece))
                for shown, piece in zip(names, pieces, strict=True)
            ]
        return self._folded[index]
