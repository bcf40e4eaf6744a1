"""The first run: a model is needed, and this finds or gets one. Also for choosing another later."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.tui.node import Node
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.model_picker import ModelPicker

WELCOME = "Orchestrator talks with a language model that runs on this machine. Which one is it to be?"
LATER = "Nothing leaves this machine. Without a model you can still look around; /model brings you back here."


class _Choosing(Screen[str | None]):
    """Gives the name of a model that is on this machine; None when it was left."""

    def __init__(self, node: Node, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._picker = ModelPicker(node, clock=clock)

    @on(ModelPicker.Chosen)
    def _chosen(self, event: ModelPicker.Chosen) -> None:
        self.dismiss(event.name)

    def action_choose(self) -> None:
        self._picker.choose()

    def action_search(self) -> None:
        self._picker.search()

    def action_back(self) -> None:
        """Escape stops a download first, and leaves after that."""
        if not self._picker.back():
            self.dismiss(None)


class FirstRunScreen(_Choosing):
    """When no model is usable."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "use or download"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("escape", "back", "stop, then skip", key_display="esc"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(WELCOME), classes="welcome")
            yield self._picker
            yield Static(Content(LATER), classes="later")
            yield KeyHints(self.BINDINGS)


class ModelScreen(_Choosing, Dialog[str | None]):
    """When there is one, and another is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "use or download"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("escape", "back", "stop, then close", key_display="esc"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Models"
            yield self._picker
            yield KeyHints(self.BINDINGS)
