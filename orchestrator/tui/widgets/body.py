"""What is above the prompt: chat and places. A key that means nothing there was meant for the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.events import Key, Paste

from orchestrator.tui.widgets.chat import Chat
from orchestrator.tui.widgets.prompt import Prompt
from orchestrator.tui.widgets.side import Side

if TYPE_CHECKING:
    from orchestrator.tui.widgets.terminal import TerminalPane


class Body(Horizontal):
    """`prompt` gets the keyboard back when a command of the user's ends, and what is typed at the chat or
    at a terminal in which nothing runs. Lists keep their letters: many mean something there.
    """

    def __init__(self, chat: Chat, side: Side, prompt: Prompt, *, id: str | None = None) -> None:
        super().__init__(chat, side, id=id)
        self._chat = chat
        self._prompt = prompt

    def on_key(self, event: Key) -> None:
        if not (event.is_printable and event.character and self._stray()):
            return
        bound = self.screen.active_bindings.get(event.key)
        if bound is None or not bound.enabled:
            event.stop()
            event.prevent_default()
            self._prompt.focus()
            self._prompt.area.insert(event.character)

    def on_paste(self, event: Paste) -> None:
        if self._stray():
            event.stop()
            self._prompt.focus()
            self._prompt.area.post_message(event)

    def _stray(self) -> bool:
        """Whether who has the focus takes no letters."""
        from orchestrator.tui.widgets.terminal_view import TerminalView  # the first frame has none

        focused = self.screen.focused
        return focused is self._chat or isinstance(focused, TerminalView)

    def on_terminal_pane_finished(self, event: TerminalPane.Finished) -> None:
        if self._stray() and not self._chat.has_focus:
            self._prompt.focus()
