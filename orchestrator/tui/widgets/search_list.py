"""A line to search with over a list of rows: `/` or typing starts, Escape ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from orchestrator.terminal import one_line
from orchestrator.tui.widgets.row_list import Column, Row, RowList

_LONGEST_SEARCH = 200


class SearchList(Widget):
    """The owner fills `rows`, and answers `Searched` with other rows.

    `keys` are printable characters that mean something to the owner while the list has the focus;
    with `typing`, any other starts a search.
    """

    DEFAULT_CSS = """
    SearchList { layout: vertical; height: 1fr; }
    SearchList > RowList { height: 1fr; }
    SearchList > Input, SearchList > Input:focus {
        margin-bottom: 1; background: transparent; background-tint: transparent;
    }
    SearchList > RowList, SearchList > RowList:focus {
        background: transparent; background-tint: transparent;
    }
    /* Seen while one types, too: Enter chooses it. */
    SearchList > RowList > .option-list--option-highlighted {
        color: $block-cursor-foreground;
        background: $block-cursor-background;
        text-style: $block-cursor-text-style;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move('cursor_up')", "Up", show=False),
        Binding("down", "move('cursor_down')", "Down", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
    ]

    @dataclass
    class Searched(Message):
        """The text to search for changed; empty for all."""

        text: str

    @dataclass
    class Chosen(Message):
        """Enter in the search line, or a click on the highlighted row; `id` is the row's."""

        id: str

    @dataclass
    class Moved(Message):
        """Another row is highlighted."""

        id: str

    def __init__(
        self, columns: Sequence[Column], *, placeholder: str, keys: str = "", typing: bool = True
    ) -> None:
        super().__init__()
        self.rows = RowList(columns, keys=f"/{keys}")
        self._typing = typing
        self._line = Input(placeholder=placeholder, compact=True, max_length=_LONGEST_SEARCH)

    def compose(self) -> ComposeResult:
        yield self._line
        yield self.rows

    def on_mount(self) -> None:
        self.rows.focus()

    def set_rows(self, rows: Iterable[Row], highlight: str | None = None) -> None:
        """All rows anew; the highlight stays on the same row where it is still there."""
        self.rows.set_rows(rows, highlight or self.rows.current)

    @property
    def text(self) -> str:
        return one_line(self._line.value)

    def search(self) -> None:
        """Move the focus to the search line."""
        self._line.focus()

    def back(self) -> bool:
        """One step back: whether there was a search to leave."""
        if not self._line.value and not self._line.has_focus:
            return False
        self._line.value = ""
        self.rows.focus()
        return True

    def action_move(self, action: str) -> None:
        if self.rows.option_count:
            getattr(self.rows, f"action_{action}")()

    @on(RowList.Typed)
    def _begin(self, event: RowList.Typed) -> None:
        event.stop()
        if self._typing:
            self._line.value += event.character  # quick fingers: the focus follows later
            self._line.focus()
            self._line.cursor_position = len(self._line.value)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Searched(self.text))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    @on(RowList.OptionSelected)
    def _clicked(self, event: RowList.OptionSelected) -> None:
        event.stop()
        self._choose()

    @on(RowList.OptionHighlighted)
    def _moved(self, event: RowList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id == self.rows.current and event.option_id is not None:
            self.post_message(self.Moved(event.option_id))

    def _choose(self) -> None:
        if (current := self.rows.current) is not None:
            self.post_message(self.Chosen(current))
