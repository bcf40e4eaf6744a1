"""The focus, taken from the text field somebody types in, and given back with the keys meant for it."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea


class BorrowedFocus:
    """Watches who has the focus on `screen`; widgets inside of `borrower` do not count as lenders."""

    def __init__(self, screen: Screen[object], borrower: Widget) -> None:
        self._screen = screen
        self._borrower = borrower
        self._lender: Input | TextArea | None = None
        self._seen: object = None
        borrower.watch(screen, "focused", self._moved)

    def _moved(self, focused: Widget | None) -> None:
        if isinstance(focused, TextArea | Input) and not self._mine(focused):
            self._lender = focused

    def _mine(self, widget: Widget) -> bool:
        return self._borrower in widget.ancestors_with_self

    def stirred(self) -> bool:
        """Whether somebody typed, moved the cursor or went elsewhere since the last call."""
        focused = self._screen.focused
        now: object = focused
        if isinstance(focused, TextArea):
            now = focused, focused.text, focused.selection
        elif isinstance(focused, Input):
            now = focused, focused.value, focused.selection
        stirred = now != self._seen or not self._screen.is_active
        self._seen = now
        return stirred

    def free(self) -> bool:
        """Whether the focus may be taken: from an empty text field; not from a pane that somebody reads."""
        focused = self._screen.focused
        if focused and self._mine(focused):  # a reason is about to be typed
            return False
        if isinstance(focused, TextArea):
            return not focused.text.strip()
        return focused is None or (isinstance(focused, Input) and not focused.value.strip())

    def give_back(self) -> None:
        """To the lender, if the borrower still has it."""
        focused = self._screen.focused
        if self._lender and focused and self._mine(focused):
            self._lender.focus(scroll_visible=False)

    def forward(self, typed: Iterable[events.Key | events.Paste]) -> None:
        """Give it back with what was typed meanwhile, in order."""
        self.give_back()
        if self._lender:
            for event in typed:  # the same objects: a new one would bubble to the app and come back
                self._lender.post_message(event)
