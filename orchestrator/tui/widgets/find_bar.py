"""One row to search a list by typing: `/`, the words, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class FindBar(Horizontal):
    """Hidden until `open`. Posts `Typed` at each change, `Kept` at enter, `Dropped` at escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "end the search", show=False)]

    @dataclass
    class Typed(Message):
        needle: str

    @dataclass
    class Kept(Message):
        needle: str

    @dataclass
    class Dropped(Message):
        """The search is over, and nothing shall be marked."""

    def compose(self) -> ComposeResult:
        yield Static("/", markup=False)
        field = Input(compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field
        yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        self.display = False

    @property
    def opened(self) -> bool:
        return bool(self.display)

    def open(self) -> None:
        self.display = True
        self.say("")
        field = self.query_one(Input)
        field.clear()
        field.focus()

    def close(self) -> None:
        self.display = False

    def say(self, text: str) -> None:
        """A few words beside the field, such as "no match"."""
        self.query_one("#said", Static).update(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Kept(event.value))

    def action_drop(self) -> None:
        self.post_message(self.Dropped())
