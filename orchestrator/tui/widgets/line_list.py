"""A list of any length, drawn only where it is seen: the trace, the memory log, one record in full."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, MouseMove, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from orchestrator.tui.line_map import LineMap, Place, find
from orchestrator.tui.lines import Items, Line, Span, fold

GUTTER = 1
"""Cells before each line, where the cursor stands: seen without colours too."""
CURSOR = "▌"


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows `Items` and moves a cursor over their lines. Stays at the newest until the user goes up.

    The items may change at any time; then tell it by `changed`. It posts `Chosen` and `AtTop`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"line-list--{role}"
        for role in ("muted", "strong", "accent", "added", "removed", "warning", "cursor", "match")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(0, -1)", "page up", show=False),
        Binding("pagedown", "move(0, 1)", "page down", show=False),
        Binding("home", "go_to_end(True)", "first", show=False),
        Binding("end", "go_to_end(False)", "newest", show=False),
        Binding("enter,space", "choose", "open", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Enter or space (`x` is None), or a click at column `x` of the line, from 0."""

        place: Place
        x: int | None = None

    @dataclass
    class AtTop(Message):
        """The user went to the first line: older items may be loaded."""

    def __init__(self, items: Items, *, follow: bool = True) -> None:
        super().__init__()
        self._items = items
        self._map = LineMap()
        self._cursor = Place(0, 0)
        self._follows = follow
        self._follow = follow
        self._placing = False
        self.needle = ""

    # --- what is shown ----------------------------------------------------------------------

    @property
    def place(self) -> Place | None:
        """Where the cursor stands; None when the list is empty."""
        return self._cursor if self._map else None

    @property
    def width(self) -> int:
        """Cells of a line of an item, as last measured: a repaint may come between that and a resize."""
        return self._map.width

    def changed(self, first: int = 0, *, above: int = 0) -> None:
        """Items from `first` on have changed; `above` of them are new at the top (negative: gone).

        What the user looks at stays where it is, unless it is the newest.
        """
        top = self._map.at(round(self.scroll_y))
        self._measure(0 if above else first)
        self._cursor = self._map.nearest(self._cursor.item + above, self._cursor.line)
        if self._follow:
            self._go_newest()
        elif top:
            self._scroll(self._map.y(self._map.nearest(top.item + above, top.line)))
        self.refresh()

    def show(self, items: Items, *, follow: bool) -> None:
        """Other items: from their top, or their newest where the list follows those."""
        self._items = items
        self._follows = self._follow = follow
        self._cursor = Place(0, 0)
        self.changed()
        if not follow:
            self._scroll(0)

    def redraw(self, item: int) -> None:
        """The first line of an item says something else now: nothing is measured, nothing moves."""
        if item < len(self._map):
            self.refresh_line(self._map.start(item))

    def go(self, place: Place) -> None:
        """Move the cursor there, and show it."""
        if not self._map:
            return
        before = self._map.y(self._cursor)
        self._cursor = self._map.nearest(place.item, place.line)
        y = self._map.y(self._cursor)
        self._follow = self._follows and self._cursor.item == len(self._map) - 1
        self._show(y, 1)
        self.refresh_line(before)
        self.refresh_line(y)

    def toggled(self, item: int) -> None:
        """The user opened or closed an item: the cursor is on its first line, and it is shown."""
        self._measure(item)
        self.go(Place(item, 0))
        self.show_item(item)
        self.refresh()

    def show_item(self, item: int) -> None:
        """Show as much as fits of an item, its first line in any case."""
        self._show(self._map.start(item), self._map.height(item))

    def find(self, needle: str, step: int, *, wrap: bool = True, here: bool = False) -> Place | None:
        """The next line from the cursor that holds the casefolded needle; see `line_map.find`."""
        return find(self._items, self._map, self._cursor, needle, step, wrap=wrap, here=here)

    def _measure(self, first: int) -> None:
        self._map.measure(self._items, max(self.scrollable_content_region.width - GUTTER, 1), first)
        self.virtual_size = Size(0, self._map.lines)

    # --- scrolling --------------------------------------------------------------------------

    def _go_newest(self) -> None:
        newest = len(self._map) - 1
        if newest >= 0:
            if self._cursor.item != newest:
                self._cursor = Place(newest, 0)
            self.show_item(newest)

    def _show(self, y: int, height: int) -> None:
        top = max(round(self.scroll_y), y + height - self.scrollable_content_region.height)
        self._scroll(min(top, y))

    def _scroll(self, y: int) -> None:
        self._placing = True
        try:
            self.scroll_to(y=y, animate=False, force=True)
        finally:
            self._placing = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        self._follow = self._follows and self.is_vertical_scroll_end
        if round(new_value) == 0:
            self.post_message(self.AtTop())

    def on_resize(self, event: Resize) -> None:
        self.changed()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh()

    # --- keys and mouse ---------------------------------------------------------------------

    def action_move(self, lines: int, pages: int = 0) -> None:
        page = max(self.scrollable_content_region.height - 1, 1)
        self._move_to(self._map.y(self._cursor) + lines + pages * page)

    def action_go_to_end(self, first: bool) -> None:
        self._move_to(-1 if first else self._map.lines - 1)

    def _move_to(self, y: int) -> None:
        if y < 0:
            self.post_message(self.AtTop())
        if place := self._map.at(max(0, min(y, self._map.lines - 1))):
            self.go(place)

    def action_choose(self) -> None:
        if self._map:
            self.post_message(self.Chosen(self._cursor))

    def on_click(self, event: Click) -> None:
        if place := self._map.at(event.y + self.scroll_offset.y):
            self.go(place)
            self.post_message(self.Chosen(place, event.x - GUTTER))

    def on_mouse_move(self, event: MouseMove) -> None:
        place = self._map.at(event.y + self.scroll_offset.y)
        said = self._items.tooltip(place.item) if place else ""
        self.tooltip = Content(said) if said else None

    # --- drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        y += self.scroll_offset.y
        place = self._map.at(y)
        if place:
            line = self._items.line(place.item, place.line, self.width)
        else:
            line = () if self._map else _when_empty(self._items.empty, y, self.width)
        at_cursor = place == self._cursor and place is not None and (self.has_focus or bool(self.needle))
        text = self._text(line, at_cursor)
        row = self.rich_style
        if at_cursor:
            row += Style(bgcolor=self.get_component_rich_style("line-list--cursor").bgcolor)
        strip = Strip(text.render(self.app.console)).apply_style(row)
        return strip.crop_extend(0, width, row)

    def _text(self, line: Line, at_cursor: bool) -> Text:
        text = Text(no_wrap=True, end="")
        text.append(CURSOR if at_cursor else " " * GUTTER, _style(self, "accent"))
        for span in line:
            text.append(span.text, _style(self, span.role) if span.role else None)
        if self.needle:
            found = self.get_component_rich_style("line-list--match")
            for match in re.finditer(re.escape(self.needle), text.plain, re.IGNORECASE):
                text.stylize(found, *match.span())
        return text


def _style(view: LineList, role: str) -> Style:
    """The role's colour and attributes on whatever background the row has."""
    style = view.get_component_rich_style(f"line-list--{role}")
    return Style(color=style.color, bold=style.bold, dim=style.dim, reverse=style.reverse)


def _when_empty(text: str, y: int, width: int) -> Line:
    lines = fold(text, width)
    return (Span(lines[y], "muted"),) if y < len(lines) else ()
