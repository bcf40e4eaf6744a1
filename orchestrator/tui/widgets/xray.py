"""X-ray: exactly what is in the model's window, what was left out and why, and what the cache saved."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from orchestrator.tui.window_text import WindowState, hit_rates, left_out_lines, part_line, summary
from orchestrator.types import WindowPart

EMPTY = "The window is empty until a session is open."


class XrayPane(Widget):
    """Give it the window with `show`; a part that is chosen is posted as `Open`."""

    @dataclass
    class Open(Message):
        """The user wants to see this part's text."""

        part: WindowPart

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "X-ray"
        self._state = WindowState()
        self._summary = Static(EMPTY, id="xray-summary", markup=False)
        self._parts = OptionList(id="xray-parts")
        self._notes = Static("", id="xray-notes", markup=False)

    def compose(self) -> ComposeResult:
        yield self._summary
        yield self._parts
        with VerticalScroll(id="xray-rest"):
            yield self._notes

    def focus(self, scroll_visible: bool = True) -> XrayPane:
        self._parts.focus(scroll_visible)
        return self

    def show(self, state: WindowState) -> None:
        """Draw this window; the highlighted part stays."""
        self._state = state
        if self.is_mounted:
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        state = self._state
        if not state.size:
            return
        chosen = self._parts.highlighted
        of = {part.name: [left for left in state.left_out if left.part == part.name] for part in state.parts}
        self._summary.update(summary(state, self.size.width))
        self._parts.clear_options()
        lines = (part_line(part, state.size, of[part.name], self.size.width) for part in state.parts)
        self._parts.add_options(Option(line) for line in lines)
        self._parts.highlighted = min(chosen or 0, len(state.parts) - 1) if state.parts else None
        notes = [Content.styled(hit_rates(state), "dim"), *left_out_lines(state.left_out)]
        self._notes.update(Content("\n").join(notes))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Open(self._state.parts[event.option_index]))
