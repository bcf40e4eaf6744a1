"""Help: every key and command, from their declarations, and what modes and sandbox mean."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from orchestrator.tui.keys import KEYS, Key, short
from orchestrator.tui.screens.dialog import Dialog

RULES = (
    ("read-only", "reads are free; nothing is written, no command runs"),
    ("ask", "reads are free; every write is asked with its diff, every command with its line"),
    ("workspace", "writes in the project and commands inside the sandbox run without a question"),
    ("bwrap", "commands see the project writable, the rest read-only, and no network, .git or secrets"),
    ("landlock", "commands only read the project, and write nothing but temporary files; the rest as bwrap"),
    ("no sandbox", "nothing confines commands here, so each is asked for, whatever the mode"),
)
PROMPT = (
    ("@path", "that file is read before the model's first step"),
    ("!command", "runs in your own shell, in the terminal"),
    ("enter", "sends; shift+enter, alt+enter or ^J make a new line"),
    ("↑ ↓", "earlier prompts; ^R searches them"),
    ("F4", "turns to a question that waits for an answer"),
)


INDENT = " " * 15
"""Columns before what a key or command does."""


class HelpScreen(Dialog[None]):
    """`commands` are names (without the slash) and what they do. Type to search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "close", "Close", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, commands: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._sections = (
            ("Keys", [(short(key.keys), _does(key)) for key in KEYS]),
            ("Commands", [(f"/{name}", text) for name, text in commands]),
            ("In the prompt", list(PROMPT)),
            ("Modes and sandbox", list(RULES)),
        )
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            yield Input(placeholder="type to search", compact=True)
            with VerticalScroll():
                yield self._text

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)  # the text has its new width then

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._draw()

    def _draw(self) -> None:
        self._text.update(listing(self._sections, self.query_one(Input).value, self._text.size.width))

    def action_close(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def listing(sections: Sequence[tuple[str, Sequence[tuple[str, str]]]], needle: str, width: int) -> Content:
    """The rows that hold the needle, any case, under their headings, in `width` columns."""
    wanted = needle.strip().lower()
    lines: list[Content] = []
    for title, rows in sections:
        found = [row for row in rows if wanted in " ".join(row).lower()]
        if found:
            lines += [Content.styled(title, "bold"), *(_row(*row, width) for row in found), Content("")]
    return Content("\n").join(lines) if lines else Content(f"Nothing is called {needle!r}.")


def _row(name: str, text: str, width: int) -> Content:
    lines = wrap(text, max(width - len(INDENT), 20))
    return Content.assemble("  ", (f"{name:<12} ", "$text-accent"), f"\n{INDENT}".join(lines))


def _does(key: Key) -> str:
    """Its help, with the footer's word for it, so that either is found."""
    return key.help if key.footer in key.help.lower() else f"{key.help} ({key.footer})"
