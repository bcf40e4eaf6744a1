"""The chat: what was said, newest at the bottom, streaming as it comes.

Only the newest items are widgets; older ones are values until somebody scrolls up to them, so ten
thousand messages cost no more than a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from orchestrator.terminal import plain
from orchestrator.tui.chat_items import Aside, ChatItem, Said
from orchestrator.tui.said_text import header, shortened

if TYPE_CHECKING:
    from orchestrator.tui.widgets.answer import Answer

PAGE = 40
"""Items mounted at a time when scrolling up, and kept at least."""
MOST = 3 * PAGE


class Prompted(Vertical):
    """Somebody's words: a header line and a body."""

    def __init__(self, item: Said) -> None:
        super().__init__(classes=f"item {item.who}")
        self._item = item

    def compose(self) -> ComposeResult:
        yield Static(header(self._item.who, self._item.time), classes="who")
        yield Static(Content(shortened(plain(self._item.text))), classes="body")


class Line(Static):
    """An aside."""

    def __init__(self, item: Aside) -> None:
        super().__init__(Content(shortened(plain(item.text))), classes=f"item aside {item.level}")


class Chat(VerticalScroll):
    """Everything said, with its newest items mounted. Follows the newest unless scrolled away."""

    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._older: list[ChatItem] = []
        self._shown: list[ChatItem | None] = []
        """None is the answer that is coming."""
        self._widgets: list[list[Widget]] = []
        """Of each item that is shown."""
        self._answer: Answer | None = None
        self._paging = False

    def on_mount(self) -> None:
        self.anchor()

    # --- what is said -----------------------------------------------------------------------

    async def say(self, item: ChatItem) -> None:
        """Add a whole item at the bottom."""
        widgets = self._made(item)
        self._shown.append(item)
        self._widgets.append(widgets)
        await self.mount_all(widgets)
        await self._prune()

    async def begin(self) -> None:
        """An answer will come: show where."""
        if self._answer is None:
            from orchestrator.tui.widgets.answer import WRITING, Answer

            self._answer = Answer(Said("orchestrator", ""), self)
            self._answer.wait(WRITING)
            self._shown.append(None)
            self._widgets.append(self._answer.widgets)
            await self.mount_all(self._answer.widgets)

    async def wait(self, text: str) -> None:
        """What the answer waits for (prefill, a tool), in its header line."""
        await self.begin()
        assert self._answer is not None
        self._answer.wait(text)

    async def add(self, text: str) -> None:
        """The next piece of the answer."""
        await self.begin()
        assert self._answer is not None
        await self._answer.add(text)

    async def finish(self, item: Said) -> None:
        """The answer is whole."""
        await self.begin()
        assert self._answer is not None
        answer, self._answer = self._answer, None
        self._shown[self._shown.index(None)] = item
        await answer.finish(item)
        await self._prune()

    async def abandon(self) -> None:
        """The turn failed: keep what was said, if anything was."""
        if self._answer is None:
            return
        if self._answer.text:
            await self.finish(Said("orchestrator", self._answer.text, interrupted=True))
            return
        answer, self._answer = self._answer, None
        place = self._shown.index(None)
        del self._shown[place], self._widgets[place]
        await self.remove_children(answer.widgets)

    async def load(self, items: Sequence[ChatItem]) -> None:
        """Show this conversation instead."""
        self._answer = None
        self._older, newest = list(items[:-PAGE]), list(items[-PAGE:])
        self._shown = list(newest)
        self._widgets = [self._made(item) for item in newest]
        async with self.batch():
            await self.remove_children()
            await self.mount_all(chain.from_iterable(self._widgets))
        self.anchor()

    def last_answer(self) -> str:
        """The newest whole answer, as the model wrote it; empty when there is none."""
        said = [i.text for i in self._shown if isinstance(i, Said) and i.who == "orchestrator"]
        return said[-1] if said else ""

    # --- few widgets ------------------------------------------------------------------------

    async def _prune(self) -> None:
        """Turn the oldest widgets back into values, unless somebody reads up there."""
        if len(self._shown) <= MOST or not self.is_vertical_scroll_end:
            return
        old = len(self._shown) - 2 * PAGE
        self._older += [item for item in self._shown[:old] if item is not None]
        gone = list(chain.from_iterable(self._widgets[:old]))
        del self._shown[:old], self._widgets[:old]
        await self.remove_children(gone)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if new < 2 and self._older and not self._paging:
            self._paging = True
            self.call_after_refresh(self._page_up)

    async def _page_up(self) -> None:
        """Mount a page of older items above, the view staying where it is."""
        page = self._older[-PAGE:]
        del self._older[-PAGE:]
        before = self.virtual_size.height
        made = [self._made(item) for item in page]
        self._shown[:0], self._widgets[:0] = page, made
        await self.mount_all(chain.from_iterable(made), before=0 if self.children else None)
        self.call_after_refresh(self._keep_place, before)

    def _keep_place(self, before: int) -> None:
        self.scroll_to(y=self.scroll_y + self.virtual_size.height - before, animate=False, immediate=True)
        self._paging = False

    def _made(self, item: ChatItem) -> list[Widget]:
        if isinstance(item, Aside):
            return [Line(item)]
        if item.who == "you":
            return [Prompted(item)]
        from orchestrator.tui.widgets.answer import Answer

        return Answer(item, self).widgets
