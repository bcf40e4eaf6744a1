"""Rows of a terminal, drawn only where they are seen, and the keys for the program that runs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.events import Key, MouseScrollDown, MouseScrollUp, Paste, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from orchestrator.tui.emulator import key_codes
from orchestrator.tui.emulator.cells import PLAIN, Line, Pen, Row, split, text_of, width_of
from orchestrator.tui.emulator.printout import Shown

EMPTY = "No command has run yet. `!` runs your own."
ESCAPE_HATCH = "f2"
_WHEEL_LINES = 3


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Where keys go while a program reads them, and the modes it asked for."""

    type: Callable[[str], None]
    application: Callable[[], bool]
    bracketed: Callable[[], bool]
    alternate: Callable[[], bool]


class TerminalView(ScrollView, can_focus=True):
    """Shows past rows and the present ones of running programs below them; stays at the newest.

    `keyboard` is set while a program runs that reads keys: then all but F2 go to it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"terminal--{role}" for role in ("title", "ended", "failed", "notice", "match", "cursor")
    }

    @dataclass
    class Resized(Message):
        """Cells that are there for a program, columns and rows."""

        columns: int
        rows: int

    def __init__(self) -> None:
        super().__init__()
        self._past: Sequence[Row] = ()
        self._present: Sequence[Row] = ()
        self._cursor: tuple[int, int] | None = None
        self._styles: dict[Pen, Style] = {}
        self._base: Style | None = None
        self.keyboard: Keyboard | None = None
        self.needle = ""

    # --- what is shown ----------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """Draw these rows from now on."""
        gone = shown.gone
        follow = self.is_vertical_scroll_end
        self._past, self._present, self._cursor = shown.past, shown.present, shown.cursor
        if gone and self.text_selection is not None:
            self.screen.clear_selection()
        size = Size(self.scrollable_content_region.width, self.height_of_content)
        if size != self.virtual_size:
            # A layout of the whole screen for each line that is printed would be felt while typing.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        if follow:
            self._scroll_line(self.max_scroll_y)
        elif gone:
            self._scroll_line(self.scroll_y - gone)
        self.refresh()

    def _scroll_line(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    @property
    def height_of_content(self) -> int:
        """Rows."""
        return len(self._past) + len(self._present)

    def row(self, y: int) -> Row:
        past = len(self._past)
        return self._past[y] if y < past else self._present[y - past]

    def find(self, needle: str) -> list[int]:
        """Rows that hold the casefolded needle."""
        return [y for y in range(self.height_of_content) if needle in text_of(self.row(y).line).casefold()]

    def reveal(self, y: int) -> None:
        """Scroll as little as needed to show the row."""
        top, height = round(self.scroll_y), max(self.scrollable_content_region.height, 1)
        if not top <= y < top + height:
            self._scroll_line(min(max(0, y - height // 2), self.max_scroll_y))
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        room = self.scrollable_content_region
        if room.width and room.height:
            self.post_message(self.Resized(room.width, room.height))

    # --- keys and mouse ---------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        if self.keyboard is None or event.key == ESCAPE_HATCH:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("shift+pageup", "shift+pagedown"):
            page = max(self.scrollable_content_region.height - 1, 1)
            self._scroll_line(self.scroll_y + (page if event.key.endswith("down") else -page))
            return
        if text := key_codes.code(event.key, event.character, application=self.keyboard.application()):
            self._scroll_line(self.max_scroll_y)
            self.keyboard.type(text)

    def on_paste(self, event: Paste) -> None:
        if self.keyboard is not None:
            event.stop()
            event.prevent_default()
            self.keyboard.type(key_codes.pasted(event.text, bracketed=self.keyboard.bracketed()))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, "up")

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, "down")

    def _wheel(self, event: MouseScrollUp | MouseScrollDown, way: str) -> None:
        """On the alternate screen nothing can be scrolled, so the program gets cursor keys, as in xterm."""
        keyboard = self.keyboard
        if keyboard is not None and keyboard.alternate():
            event.stop()
            event.prevent_default()
            keyboard.type(key_codes.code(way, None, application=keyboard.application()) * _WHEEL_LINES)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # --- copying ----------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text; a line that was folded to fit is one line again."""
        text = ""
        for y in range(self.height_of_content):
            span = selection.get_span(y)
            if span is None:
                continue
            row, (start, end) = self.row(y), span
            whole = end == -1
            text += text_of(row.line)[start : None if whole else end]
            text += "\n" if whole and not row.wrapped else ""
        return text.rstrip("\n"), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # --- drawing ----------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._base = None

    def render_line(self, y: int) -> Strip:
        if self._base is None:
            self._base = self.rich_style
        width = self.size.width
        y += self.scroll_offset.y
        if y < self.height_of_content:
            strip = self._strip(y, self._base)
        else:
            strip = self._strip_of_nothing(y, self._base)
        return strip.crop_extend(0, width, self._base).apply_offsets(0, y)

    def _strip(self, y: int, base: Style) -> Strip:
        line = self.row(y).line
        marks = self._marks(y, text_of(line))
        if not marks:
            return Strip([Segment(text, self._style(pen)) for text, pen in line], width_of(line))
        text = Text(end="", no_wrap=True)
        for piece, pen in line:
            text.append(piece, self._style(pen))
        text.pad_right(max(0, max(end for _style, _start, end in marks) - len(text)))
        for style, start, end in marks:
            text.stylize(style, start, end)
        return Strip(text.render(self.app.console), cell_len(text.plain)).apply_style(base)

    def _marks(self, y: int, text: str) -> list[tuple[Style, int, int]]:
        """What is drawn over the row's own colours: matches, the selection, the cursor; by characters."""
        marks = []
        if self.needle:
            style = self.get_component_rich_style("terminal--match")
            found = re.finditer(re.escape(self.needle), text, re.IGNORECASE)
            marks += [(style, *match.span()) for match in found]
        if (selection := self.text_selection) and (span := selection.get_span(y)):
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            marks.append((style, start, len(text) if end == -1 else min(end, len(text))))
        if self._cursor and self.has_focus and y == len(self._past) + self._cursor[1]:
            at = _character_at(text, self._cursor[0])
            marks.append((self.get_component_rich_style("terminal--cursor"), at, at + 1))
        return marks

    def _strip_of_nothing(self, y: int, base: Style) -> Strip:
        if self.height_of_content:
            return Strip.blank(self.size.width, base)
        line: Line = ((EMPTY, Pen(role="notice")),)
        rows = split(line, self.scrollable_content_region.width)
        shown = rows[y].line if y < len(rows) else ()
        return Strip([Segment(text, self._style(pen)) for text, pen in shown], width_of(shown))

    def _style(self, pen: Pen) -> Style:
        style = self._styles.get(pen)
        if style is None:
            if len(self._styles) > 1000:
                self._styles.clear()
            style = self._styles[pen] = self.rich_style + self._look(pen)
        return style

    def _look(self, pen: Pen) -> Style:
        if self.app.no_color:  # as shades of grey some would be as dark as what is behind them
            pen = pen._replace(fg="", bg="")
        if pen.role:
            style = self.get_component_rich_style(f"terminal--{pen.role}")
            return Style(color=style.color, bold=style.bold, dim=style.dim)
        if pen == PLAIN:
            return Style.null()
        return Style(
            color=pen.fg or None,
            bgcolor=pen.bg or None,
            bold=pen.bold or None,
            dim=pen.dim or None,
            italic=pen.italic or None,
            underline=pen.underline or None,
            strike=pen.strike or None,
            reverse=pen.reverse or None,
            conceal=pen.hidden or None,
        )


def _character_at(text: str, column: int) -> int:
    """The index of the character in that column; beyond the text's end it goes on by cells."""
    width = 0
    for index, character in enumerate(text):
        width += cell_len(character)
        if width > column:
            return index
    return len(text) + column - width
