"""A row of keys with what each does; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class AnswerKeys(Static):
    """Posts `Pressed` for a click; keys are the business of whoever has the focus."""

    @dataclass
    class Pressed(Message):
        key: str

    def offer(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show these (key, label) pairs; one without a key only says something."""
        self.update(Content("  ").join(_offered(key, label) for key, label in keys))

    def action_press(self, key: str) -> None:
        self.post_message(self.Pressed(key))


def _offered(key: str, label: str) -> Content:
    if not key:
        return Content.styled(f"· {label}", "dim")
    click = f"@click=press({key!r})"
    return Content.assemble((key, f"bold {click}"), " ", (label, click))
