"""The tool trace: each call of the session, what came of it, and all of it on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from orchestrator.events import ToolCallEvent, ToolResultEvent
from orchestrator.terminal import plain
from orchestrator.tui.call_text import STOP, State
from orchestrator.tui.calls import CallList
from orchestrator.tui.lines import count
from orchestrator.tui.widgets.findable import FindableList
from orchestrator.tui.widgets.line_list import LineList
from orchestrator.types import Record


class TracePane(FindableList):
    """Fed from events; keeps the last 2,000 calls. `clock` is monotonic, in seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "open_all", "open or close all", show=False),
        Binding("y", "copy", "copy the result", show=False),
        Binding("o", "open_record", "open the record", show=False),
    ]

    @dataclass
    class OpenRecord(Message):
        """The user wants to see the record that is cited so."""

        citation: str

    @dataclass
    class Stop(Message):
        """The user clicked the stop sign of the running call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, id: str | None = None) -> None:
        self._calls = CallList(clock)
        super().__init__(self._calls, id=id)
        self.border_title = "Trace"

    def on_mount(self) -> None:
        self._second = self.set_interval(1, self._tick, pause=True)

    # --- what happens -----------------------------------------------------------------------

    def call(self, event: ToolCallEvent) -> None:
        """A call begins to run."""
        self._changed(self._calls.call(event))
        self._second.resume()

    def asked(self, waits: bool) -> None:
        """The newest call waits for a person's word, or no longer does."""
        self._changed(self._calls.asked(waits))

    def output(self, text: str) -> None:
        """More of the running command's output; shown while its call is opened."""
        self._calls.output(text)
        if (running := self._calls.running) is not None and self._calls[running].opened:
            self.list.changed(running)

    def result(self, event: ToolResultEvent) -> None:
        """What came of the running call."""
        self._second.pause()
        self._changed(self._calls.result(event))

    def interrupted(self) -> None:
        """What ran was stopped; does nothing when nothing runs."""
        self._second.pause()
        self._calls.interrupted()
        self._changed(0)

    def clear(self) -> None:
        self._second.pause()
        self._calls.clear()
        self.list.changed()

    def restore(self, records: Sequence[Record]) -> None:
        """Show an earlier session's calls, from its records, instead of what is here."""
        self._second.pause()
        self._calls.restore(records)
        self.list.changed()

    def _changed(self, gone: int) -> None:
        """The newest call has changed, and `gone` of the oldest were let go."""
        self.list.changed(max(len(self._calls) - 1, 0), above=-gone)

    def _tick(self) -> None:
        if (running := self._calls.running) is not None:
            self.list.redraw(running)

    # --- what the user does -----------------------------------------------------------------

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        item, clicked = event.place.item, event.x is not None
        if clicked and event.place.line:
            return  # a click into the text only moves the cursor
        at_end = event.x is not None and event.x >= self.list.width - len(f"s {STOP}")
        if at_end and self._calls[item].state is State.RUNNING:
            self.post_message(self.Stop())
            return
        self._calls.toggle(item)
        self.list.toggled(item)

    def action_open_all(self) -> None:
        self._calls.open_all(not self._calls.opens)
        self.list.changed()

    def action_copy(self) -> None:
        if place := self.list.place:
            call = self._calls[place.item]
            text = plain(call.text or call.output or call.diff)
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied {count(len(text), 'character')}.", markup=False, timeout=2)

    def action_open_record(self) -> None:
        if place := self.list.place:
            call = self._calls[place.item]
            if citation := call.result_citation or call.citation:
                self.post_message(self.OpenRecord(citation))
