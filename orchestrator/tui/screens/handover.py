"""What survives when a fresh instance takes over: a list to change before the next one reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from orchestrator.agent.handover import of_text, to_text
from orchestrator.terminal import visible
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.types import Handover


class HandoverScreen(Dialog[Handover | None]):
    """Yields the handover as the person wants it, or None.

    Until ^E the text only shows: whoever was typing a prompt changes nothing, and loses no key.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "hand_over", "hand over", key_display="^S", priority=True),
        Binding("ctrl+e", "edit", "edit", key_display="^E", priority=True),
        Binding("escape", "leave", "not now", key_display="esc", priority=True),
    ]

    def __init__(self, handover: Handover, meant_for_the_prompt: Callable[[str], object]) -> None:
        super().__init__()
        self._pass_on = meant_for_the_prompt
        self._proposed = handover
        self._area = TextArea(
            visible(to_text(handover)), soft_wrap=True, read_only=True, tab_behavior="indent"
        )

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("A fresh instance takes over. What survives:"), classes="title")
            yield self._area
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._area.focus()

    def on_key(self, event: events.Key) -> None:
        if self._area.read_only and event.is_printable and event.character:
            event.stop()
            self._pass_on(event.character)

    def action_edit(self) -> None:
        self._area.read_only = False
        self._area.move_cursor(self._area.document.end)

    def action_hand_over(self) -> None:
        self.dismiss(of_text(self._area.text, self._proposed))

    def action_leave(self) -> None:
        self.dismiss(None)
