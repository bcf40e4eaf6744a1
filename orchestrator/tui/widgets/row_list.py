"""A list of one-line rows in columns, for choosing one: keyboard, mouse, and quick with thousands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.styles import RulesMap
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from orchestrator.terminal import one_line

GAP = 2
LONGEST = 1000
"""Characters of a cell that are looked at; no terminal is wider."""


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in cells; 0 takes what the others leave. Shown in lists of `from_width` cells or more."""

    width: int = 0
    from_width: int = 0
    cut: Literal["end", "start"] = "end"


@dataclass(frozen=True, slots=True)
class Cell:
    """Untrusted text of any length, and a style for it, such as `dim`."""

    text: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`id` is what the list's owner calls it; `tip` is shown when the mouse rests on it."""

    id: str
    cells: tuple[Cell, ...]
    tip: str = ""


class RowList(OptionList, inherit_bindings=False):
    """Enter belongs to the owner; a click on the row that is highlighted already is `OptionSelected`.

    Printable characters without a meaning to the owner are posted as `Typed`, to start a search.
    """

    DEFAULT_CSS = """
    RowList { text-wrap: nowrap; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", "Up", show=False),
        Binding("down", "cursor_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
    ]

    @dataclass
    class Typed(Message):
        """A printable character was pressed in the list."""

        character: str

    def __init__(self, columns: Sequence[Column], *, keys: str = "", id: str | None = None) -> None:
        """`keys` are printable characters that have a meaning to the owner."""
        super().__init__(id=id, markup=False, compact=True)
        self._columns = tuple(columns)
        self._own_keys = frozenset(keys)
        self._rows: dict[str, Row] = {}

    def set_rows(self, rows: Iterable[Row], highlight: str | None = None) -> None:
        """Replace all rows; highlight the one with that id, or the first."""
        self._rows = {row.id: row for row in rows}
        self.set_options(Option(_Line(row, self._columns), id=row.id) for row in self._rows.values())
        if self._rows:
            self.highlighted = self.get_option_index(highlight) if highlight in self._rows else 0

    def set_row(self, row: Row) -> None:
        """Replace the row of the same id, if it is still listed."""
        if row.id in self._rows:
            self._rows[row.id] = row
            self.replace_option_prompt(row.id, _Line(row, self._columns))

    @property
    def current(self) -> str | None:
        """Id of the highlighted row."""
        option = self.highlighted_option
        return None if option is None else option.id

    def in_view(self) -> list[str]:
        """Ids of the rows that are on screen now."""
        first = self.scroll_offset.y
        shown = self.options[first : first + self.scrollable_content_region.height]
        return [option.id for option in shown if option.id]

    def on_key(self, event: events.Key) -> None:
        character = event.character
        if character and event.is_printable and character != " " and character not in self._own_keys:
            event.stop()
            self.post_message(self.Typed(character))

    async def _on_click(self, event: events.Click) -> None:
        """A first click only highlights: what a row does may take minutes."""
        event.prevent_default()
        clicked = event.style.meta.get("option")
        if clicked is None:
            return
        if clicked == self.highlighted:
            self.action_select()
        self.highlighted = clicked

    def on_mouse_move(self, event: events.MouseMove) -> None:
        over = event.style.meta.get("option")
        row = None
        if over is not None and over < self.option_count:
            row = self._rows.get(self.get_option_at_index(over).id or "")
        self.tooltip = Content(one_line(row.tip, LONGEST)) if row and row.tip else None


class _Line(Visual):
    """One row, laid out in columns when it is drawn."""

    def __init__(self, row: Row, columns: tuple[Column, ...]) -> None:
        self._row = row
        self._columns = columns

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        cells = zip(self._columns, widths(self._columns, width), self._row.cells, strict=True)
        parts = [_fitted(cell, column, room) for column, room, cell in cells if room > 0]
        line = Content(" " * GAP).join(parts).truncate(width)
        return line.render_strips(width, 1, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return 1


def widths(columns: Sequence[Column], total: int) -> list[int]:
    """Cells of each column in a list of `total` cells; 0 for those that are not shown."""
    shown = [column for column in columns if total >= column.from_width]
    taken = sum(column.width for column in shown) + GAP * (len(shown) - 1)
    flexible = sum(column.width == 0 for column in shown)
    share, more = divmod(max(total - taken, 0), flexible) if flexible else (0, 0)
    found = []
    for column in columns:
        room = 0 if total < column.from_width else column.width or share
        if room and not column.width and more:
            room, more = room + 1, more - 1
        found.append(room)
    return found


def _fitted(cell: Cell, column: Column, room: int) -> Content:
    text = one_line(cell.text[:LONGEST] if column.cut == "end" else cell.text[-LONGEST:])
    content = Content(text)
    if column.cut == "start" and content.cell_length > room:
        while text and Content(text).cell_length > room - 1:
            text = text[1:]
        content = Content(f"…{text}")
    content = content.truncate(room, ellipsis=True, pad=True)
    return content.stylize(cell.style) if cell.style else content
