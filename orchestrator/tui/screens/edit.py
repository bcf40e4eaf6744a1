"""Changing what a call does before it runs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from orchestrator.tui.proposal import Proposal
from orchestrator.tui.widgets.key_hints import KeyHints


class EditScreen(ModalScreen[str | None]):
    """Yields the text as the person wants it, or None. Leaving with changes takes two escapes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "run", "run it like this", key_display="^S", priority=True),
        Binding("escape", "leave", "back", key_display="esc", priority=True),  # a text area takes it else
    ]

    def __init__(self, proposal: Proposal) -> None:
        super().__init__()
        self._before = proposal.editable()
        self._warned = False
        self._title = Content.assemble((proposal.title, "bold"), f" · {proposal.argument()}")
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
