"""A text area for pastes of any size: large ones are one short mark, and what is pasted is plain text."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.document._document import EditResult, Location
from textual.document._edit import Edit
from textual.widgets import TextArea

from orchestrator.terminal import plain
from orchestrator.tui.pastes import Pastes

_OTHER_NEWLINES = {0x2028: "\n", 0x2029: "\n"}  # the area would take them for newlines, half of the time


class PastedArea(TextArea, inherit_bindings=False):
    """`text` is the whole text, pastes included; `document.text` what is seen, with their marks."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pasted-area--mark"}

    def __init__(self, *, id: str | None = None, placeholder: str = "") -> None:
        self._pastes = Pastes()
        super().__init__(id=id, placeholder=placeholder, highlight_cursor_line=False)
        self.match_cursor_bracket = False

    @property
    def text(self) -> str:
        return self._pastes.expand(self.document.text)

    @text.setter
    def text(self, value: str) -> None:
        self._pastes = Pastes()
        self.load_text(self._pastes.fold(clean(value)))
        self.move_cursor(self.document.end)

    @property
    def selected_text(self) -> str:
        return self._pastes.expand(super().selected_text)

    def paste(self, text: str) -> None:
        """Put text in place of what is selected."""
        start, end = self.selection
        self.replace(self._pastes.fold(clean(text)), start, end, maintain_selection_offset=False)

    def action_paste(self) -> None:
        self.paste(self.app.clipboard)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.paste(event.text)

    # --- marks: drawn apart, and stepped over as one character ------------------------------

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for start, end in self._pastes.spans(line.plain):
            line.stylize(self.get_component_rich_style("pasted-area--mark", partial=True), start, end)
        return line

    def clamp_visitable(self, location: Location) -> Location:
        row, column = super().clamp_visitable(location)
        for start, end in self._pastes.spans(self.document.get_line(row)):
            if start < column < end:
                return row, start if self.cursor_location >= (row, end) else end
        return row, column

    def edit(self, edit: Edit) -> EditResult:
        """A change that touches a mark takes all of it."""
        edit.from_location, edit.to_location = self._around(*sorted((edit.from_location, edit.to_location)))
        return super().edit(edit)

    def _around(self, top: Location, bottom: Location) -> tuple[Location, Location]:
        for start, end in self._pastes.spans(self.document.get_line(top[0])):
            if start < top[1] < end:
                top = top[0], start
        for start, end in self._pastes.spans(self.document.get_line(bottom[0])):
            if start < bottom[1] < end:
                bottom = bottom[0], end
        return top, bottom


def clean(text: str) -> str:
    return plain(text).translate(_OTHER_NEWLINES)
