"""An answer of the model in the chat, whole or as it comes.

Markdown and its highlighting take 25 ms to import: the chat does so when the first answer is shown.
"""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Markdown, Static

from orchestrator.terminal import plain
from orchestrator.tui.answer_parts import Parts
from orchestrator.tui.chat_items import Said
from orchestrator.tui.said_text import bearable, header, left_out, rates, shortened

WRITING = "▍"


class Answer:
    """A header line and Markdown in parts. `widgets` are for `chat`, all of them its own children: it lays
    out only those of its children that are in view, but these with all that is in them.
    """

    def __init__(self, item: Said, chat: Widget) -> None:
        self.text = item.text
        self._chat = chat
        self._waits_for = ""
        self._header = Static(_head(item), classes="who orchestrator")
        self._header.set_class(not item.text.strip(), "-blank")
        self._parts = Parts()
        self._shown = 0
        """Characters that came piece by piece."""
        self.widgets: list[Widget] = [self._header, *self._whole(item.text)]

    async def add(self, text: str) -> None:
        """The next words."""
        self.text += text
        if self._waits_for != WRITING:
            self.wait(WRITING)
        self._header.set_class(not self.text.strip(), "-blank")
        new = bearable(self.text)[self._shown :]
        self._shown += len(new)
        for number, piece in enumerate(self._parts.feed(plain(new))):
            if number:
                await self._mount(_markdown())
            if piece:
                last = self.widgets[-1]
                assert isinstance(last, Markdown)
                await last.append(piece)

    def wait(self, text: str) -> None:
        """What is being waited for, in the header line."""
        self._waits_for = text
        self._header.update(Content.assemble(("orchestrator", "bold"), (f"  {text}", "dim")))

    async def finish(self, item: Said) -> None:
        """The turn is over: `item` is how it is kept."""
        if item.text.startswith(self.text):
            await self.add(item.text[len(self.text) :])
            if note := left_out(item.text):
                await self._mount(_markdown(note))
        else:
            while len(self.widgets) > 1:
                await self.widgets.pop().remove()
            for part in self._whole(item.text):
                await self._mount(part)
        self.text = item.text
        self._header.set_class(not item.text.strip(), "-blank")
        self._header.update(_head(item))

    def _whole(self, text: str) -> list[Markdown]:
        self._parts = Parts()
        return [_markdown(piece) for piece in self._parts.feed(shortened(plain(text)))]

    async def _mount(self, part: Markdown) -> None:
        await self._chat.mount(part, after=self.widgets[-1])
        self.widgets.append(part)


def _head(item: Said) -> Content:
    right = rates(item.usage) if item.usage else item.time
    return header(item.who, "  ".join(part for part in (right, "interrupted" * item.interrupted) if part))


def _markdown(text: str = "") -> Markdown:
    """A part that will grow is made empty: one with a beginning breaks code fences (Textual 8.2)."""
    return Markdown(text, open_links=False, parser_factory=_parser)


@cache
def _parser() -> MarkdownIt:
    """One for all: making a parser takes longer than most parsing."""
    return MarkdownIt("gfm-like")
