"""One record in full, over whatever was there; escape goes back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click

from orchestrator.terminal import one_line
from orchestrator.tui.lines import count
from orchestrator.tui.node import LoggedRecord
from orchestrator.tui.record_rows import RecordParagraphs
from orchestrator.tui.record_text import label
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.findable import FindableList
from orchestrator.tui.widgets.line_list import LineList


class RecordScreen(Dialog[None]):
    """Every field of a record, the body first, pretty-printed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", show=False),
        Binding("y", "copy", "copy this part", show=False),
    ]

    def __init__(self, logged: LoggedRecord) -> None:
        super().__init__()
        self._parts = RecordParagraphs(logged)
        self._pane = FindableList(self._parts, newest_first=False, id="record")
        title = one_line(f"{label(logged.record)} {logged.citation}", 60)
        self._pane.border_title = Content(title)  # a str would be read as markup
        self._pane.border_subtitle = "/ search · y copy · esc back"

    def compose(self) -> ComposeResult:
        yield self._pane

    def on_mount(self) -> None:
        self._pane.focus()

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        event.stop()

    def on_click(self, event: Click) -> None:
        if event.widget is self:  # beside the record
            self.dismiss()

    def action_copy(self) -> None:
        if place := self._pane.list.place:
            text = self._parts[place.item][1]
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied {count(len(text), 'character')}.", markup=False, timeout=2)
