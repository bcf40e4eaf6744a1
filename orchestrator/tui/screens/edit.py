"""Changing a text before it counts: what a call does before it runs, the plan of a run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.key_hints import KeyHints


class EditScreen(Dialog[str | None]):
    """Yields the text as the person wants it, or None. Leaving with changes takes two escapes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "run", "run it like this", key_display="^S", priority=True),
        Binding("escape", "leave", "back", key_display="esc", priority=True),  # a text area takes it else
    ]

    def __init__(self, title: str, about: str, text: str) -> None:
        """`about` follows the title; all three are shown as they are."""
        super().__init__()
        self._before = text
        self._warned = False
        self._title = Content.assemble((title, "bold"), f" · {about}" if about else "")
        self._says = Static("", classes="says", markup=False)
        # No language: the text may be anything, and a parser for it would cost memory.
        self._area = TextArea(
            self._before, soft_wrap=True, show_line_numbers="\n" in self._before, tab_behavior="indent"
        )

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title")
            yield self._area
            yield self._says
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._area.focus()

    def on_text_area_changed(self) -> None:
        self._warned = False
        self._says.update("")

    def action_run(self) -> None:
        self.dismiss(self._area.text)

    def action_leave(self) -> None:
        if self._area.text == self._before or self._warned:
            self.dismiss(None)
        else:
            self._warned = True
            self._says.update("Your changes are lost when you press escape again.")


class PlanScreen(EditScreen):
    """The plan of a run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "run", "keep", key_display="^S", priority=True),
        Binding("escape", "leave", "back", key_display="esc", priority=True),
    ]
