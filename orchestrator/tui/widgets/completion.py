"""The list above the prompt: what a `/`, an `@` or a search of the history could become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len, get_character_cell_size
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from orchestrator.tui.span import Span

ROWS = 8
_FRAME = 2
_HINT_SHARE = 0.6  # of the width, at most, for help beside a name


@dataclass(frozen=True, slots=True)
class Item:
    """One row. `insert` is what it puts into the prompt, `label` what is seen, on one line and plain.

    `bold` are the places of matched letters in the label; a label too long is cut where `cut` says.
    """

    insert: str
    label: str
    hint: str = ""
    bold: tuple[int, ...] = ()
    cut: Literal["middle", "end"] = "end"


class Completion(Widget):
    """A list that lies over the chat and takes no focus: the prompt moves through it.

    `span` is what its items were made for.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"completion--matched"}
    chosen: reactive[int] = reactive(0)
    items: reactive[tuple[Item, ...]] = reactive((), layout=True)

    @dataclass
    class Clicked(Message):
        """A row was clicked; it is the chosen one now."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.span: Span | None = None
        self._top = 0
        self._empty = ""
        self.display = False

    @property
    def open(self) -> bool:
        return bool(self.display)

    def offer(self, span: Span, items: Sequence[Item], note: str = "", *, empty: str = "") -> None:
        """Show these items, or `empty` in place of none, or nothing. What the user moved to stays chosen."""
        moved_to = self.items[self.chosen].insert if self.items and self.chosen else None
        inserts = [item.insert for item in items]
        self.span = span
        self._empty = empty
        self.items = tuple(items)
        self._top = 0
        self.chosen = inserts.index(moved_to) if moved_to in inserts else 0
        self._follow()
        self.border_subtitle = note
        self.display = bool(items or empty)
        self.styles.offset = (0, -(self._rows + _FRAME))

    def close(self) -> None:
        self.span = None
        self.items = ()
        self.chosen = 0
        self.display = False

    def move(self, rows: int) -> None:
        """Choose another row; past the last comes the first."""
        if self.items:
            step = rows if abs(rows) == 1 else max(-self.chosen, min(rows, len(self.items) - 1 - self.chosen))
            self.chosen = (self.chosen + step) % len(self.items)
            self._follow()

    def chosen_item(self) -> Item | None:
        return self.items[self.chosen] if self.items else None

    def _follow(self) -> None:
        self._top = max(self.chosen - ROWS + 1, min(self._top, self.chosen))

    # --- drawing and mouse ------------------------------------------------------------------

    def get_content_height(self, *_: object) -> int:
        return self._rows

    @property
    def _rows(self) -> int:
        return min(len(self.items) or 1, ROWS)

    def render(self) -> Content:
        width = self.content_size.width
        if not self.items:
            return Content.styled(f"  {self._empty}", "dim")
        visible = self.items[self._top : self._top + ROWS]
        column = max((cell_len(item.label) for item in visible if item.hint), default=0)
        rows = [self._row(self._top + at, item, width, column) for at, item in enumerate(visible)]
        return Content("\n").join(rows)

    def _row(self, at: int, item: Item, width: int, column: int) -> Content:
        mark = "▸ " if at == self.chosen else "  "
        column = min(column, max(1, int(width * (1 - _HINT_SHARE))))
        room = column if item.hint else max(1, width - len(mark))
        label, places = shortened(item.label, room, item.cut)
        row = Content(label)
        matched = self.get_visual_style("completion--matched", partial=True)
        for place in item.bold:
            if (there := places(place)) is not None:
                row = row.stylize(matched, there, there + 1)
        row = Content.assemble(mark, row)
        if item.hint:
            gap = len(mark) + column + 2 - row.cell_length
            hint, _ = shortened(item.hint, max(1, width - len(mark) - column - 2), "end")
            row = Content.assemble(row, " " * gap, (hint, "dim"))
        row = row.pad_right(max(0, width - row.cell_length))
        # not of a component class: those leave "reverse" out, and blend their background with black
        chosen = "reverse" if self.has_pseudo_class("ansi") else "on $accent 25%"
        return row.stylize(chosen) if at == self.chosen else row

    def on_click(self, event: events.Click) -> None:
        event.stop()
        row = self._top + event.get_content_offset_capture(self).y
        if 0 <= row < len(self.items):
            self.chosen = row
            self.post_message(self.Clicked())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        if self.chosen < len(self.items) - 1:
            self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        if self.chosen:
            self.move(-1)


class Places:
    """Where a character of a text stands after its middle was cut out."""

    def __init__(self, head: int, tail: int) -> None:
        self._head, self._tail = head, tail

    def __call__(self, at: int) -> int | None:
        if at < self._head:
            return at
        return at - self._tail + self._head + 1 if at >= self._tail else None


def shortened(text: str, width: int, cut: Literal["middle", "end"]) -> tuple[str, Places]:
    """The text in at most `width` cells, an ellipsis where it was cut.

    Cut in the middle, a path keeps its name and as much of both ends as there is room for.
    """
    if cell_len(text) <= width:
        return text, Places(len(text), len(text))
    room = width - 1
    name = cell_len(text[text.rfind("/") :]) if cut == "middle" else 0
    wanted = min(room, max(name, room * 2 // 3)) if cut == "middle" else 0
    tail, used = len(text), 0
    while tail and used + (size := get_character_cell_size(text[tail - 1])) <= wanted:
        tail, used = tail - 1, used + size
    head = 0
    while used + (size := get_character_cell_size(text[head])) <= room:
        head, used = head + 1, used + size
    return f"{text[:head]}…{text[tail:]}", Places(head, tail)
