"""One question with yes and no."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator.terminal import one_line
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.key_hints import KeyHints


class QuestionScreen(Dialog[bool]):
    """Enter does not mean yes: what is asked here cannot be taken back by a stray key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape", "answer(False)", "no"),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        self._question = one_line(question, 200)
        self._detail = one_line(detail, 400)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            yield Static(Content(self._detail), classes="detail")
            yield KeyHints(self.BINDINGS)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
