"""Rows of a diff or a text with their line numbers; any length, drawn only where they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orchestrator.tui.unified import Folded, Row

_STYLES = {"added": "diff--added", "removed": "diff--removed", "hunk": "diff--meta", "meta": "diff--meta"}


class DiffView(ScrollView, can_focus=True):
    """Shows what `show` was given; long lines are folded. Texts must be `terminal.visible` already."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"diff--added", "diff--removed", "diff--meta", "diff--number"}

    lines: reactive[int] = reactive(0)
    """How many lines there are at this width."""

    def __init__(self, rows: Sequence[Row] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows
        self._gutter = gutter(rows)
        self._folded: Folded | None = None

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows from the top."""
        self._rows = rows
        self._gutter = gutter(rows)
        self._folded = None
        self.scroll_to(0, 0, animate=False)
        self._fold()

    def on_resize(self) -> None:
        self._fold()

    def _fold(self) -> None:
        """Fold to the width there is, keeping the row at the top where it was."""
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        room = width - self._gutter
        if self._folded is None or self._folded.width != max(room, 2):
            top = self._folded.line(self.scroll_offset.y)[0] if self._folded and self.lines else 0
            self._folded = Folded(self._rows, room)
            self.virtual_size = Size(width, len(self._folded))
            self.lines = len(self._folded)
            if top:
                self.scroll_to(y=self._folded.top(top), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        width = self.size.width
        if self._folded is None or y >= len(self._folded):
            return Strip.blank(width, self.rich_style)
        index, above, text = self._folded.line(y)
        row = self._rows[index]
        name = _STYLES.get(row.kind)
        style = self.get_component_rich_style(name) if name else self.rich_style
        digits = self._gutter - 3
        number = "" if above or row.number is None or not digits else str(row.number)
        sign = row.sign if not above else ""
        return Strip(
            [
                Segment(f"{number:>{digits}} ", self.get_component_rich_style("diff--number")),
                Segment(f"{sign:<1} {text}", style),
            ]
        ).adjust_cell_length(width, self.rich_style)


def gutter(rows: Sequence[Row]) -> int:
    """Cells before the text: number and sign. One line alone needs no number."""
    if len(rows) < 2:
        return 3
    return len(str(max(row.number or 0 for row in rows))) + 3


def height(rows: Sequence[Row], width: int, most: int) -> int:
    """Lines that the rows take in a view of this width, counted up to `most`."""
    return min(len(Folded(rows[:most], width - gutter(rows))), most)
