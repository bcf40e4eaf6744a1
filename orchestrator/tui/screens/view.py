"""A text or diff on the whole screen, to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator.terminal import visible
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.unified import Row
from orchestrator.tui.widgets.diff import DiffView
from orchestrator.tui.widgets.key_hints import KeyHints


class ViewScreen(Dialog[None]):
    """Rows (`terminal.visible` already) under a title."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q", "close", "back", key_display="esc"),
        Binding("home", "ends(False)", "top"),
        Binding("end", "ends(True)", "bottom"),
    ]

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self._title = visible(title, lines=False)
        self._body = DiffView(rows)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            yield self._body
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._body.focus()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_ends(self, end: bool) -> None:
        (self._body.scroll_end if end else self._body.scroll_home)(animate=False)
