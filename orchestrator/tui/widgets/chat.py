"""The chat: what was said, newest at the bottom, streaming as it comes.

Only the newest items are widgets; older ones are values until somebody scrolls up to them, so ten
thousand messages cost no more than a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from orchestrator.terminal import plain
from orchestrator.tui.chat_items import Aside, ChatItem, Said
from orchestrator.types import Usage

PAGE = 40
"""Items mounted at a time when scrolling up, and kept at least."""
MOST = 3 * PAGE
LONGEST = 100_000
"""Characters of one message on screen; the journal has it whole."""


class Prompted(Vertical):
    """Somebody's words: a header line and a body."""

    def __init__(self, item: Said) -> None:
        super().__init__(classes=f"item {item.who}")
        self._item = item

    def compose(self) -> ComposeResult:
        yield Static(header(self._item.who, self._item.time), classes="who")
        yield Static(Content(shortened(plain(self._item.text))), classes="body")


class Answered(Vertical):
    """The model's words as Markdown, whole or as they come."""

    def __init__(self, item: Said) -> None:
        super().__init__(classes="item orchestrator")
        self._text = item.text
        self._item = item
        self._stream: MarkdownStream | None = None
        # From an empty one: streaming that starts with a first chunk breaks code fences (8.2).
        self._body = Markdown("", open_links=False)
        self._header = Static(self._head(item), classes="who")

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._body

    async def on_mount(self) -> None:
        if self._item.text:
            await self._body.update(shortened(plain(self._item.text)))

    @property
    def text(self) -> str:
        return self._text

    async def add(self, text: str) -> None:
        self._text += text
        if len(self._text) > LONGEST:
            return
        if self._stream is None:
            self._stream = Markdown.get_stream(self._body)
        await self._stream.write(plain(text))

    def wait(self, text: str) -> None:
        """What is being waited for, in the header line."""
        self._header.update(Content.assemble(("orchestrator", "bold"), (f"  {text}", "dim")))

    async def finish(self, item: Said) -> None:
        """The turn is over: `item` is how it is kept."""
        if self._stream:
            await self._stream.stop()
            self._stream = None
        if item.text != self._text and not item.text.startswith(self._text[:LONGEST]):
            await self._body.update(shortened(plain(item.text)))
        self._text, self._item = item.text, item
        self._header.update(self._head(item))

    def _head(self, item: Said) -> Content:
        right = rates(item.usage) if item.usage else item.time
        return header(item.who, right + ("  interrupted" if item.interrupted else ""))


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
        self._answer: Answered | None = None
        self._paging = False

    def on_mount(self) -> None:
        self.anchor()

    # --- what is said -----------------------------------------------------------------------

    async def say(self, item: ChatItem) -> None:
        """Add a whole item at the bottom."""
        self._shown.append(item)
        await self.mount(_widget(item))
        await self._prune()

    async def begin(self) -> None:
        """An answer will come: show where."""
        if self._answer is None:
            self._answer = Answered(Said("orchestrator", ""))
            self._answer.wait("▍")
            self._shown.append(None)
            await self.mount(self._answer)

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
        self._shown.remove(None)
        await answer.remove()

    async def load(self, items: Sequence[ChatItem]) -> None:
        """Show this conversation instead."""
        self._answer = None
        self._older, newest = list(items[:-PAGE]), list(items[-PAGE:])
        self._shown = list(newest)
        async with self.batch():
            await self.remove_children()
            await self.mount_all(_widget(item) for item in newest)
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
        del self._shown[:old]
        await self.remove_children(list(self.children)[:old])

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
        self._shown[:0] = page
        await self.mount_all([_widget(item) for item in page], before=0 if self.children else None)
        self.call_after_refresh(self._keep_place, before)

    def _keep_place(self, before: int) -> None:
        self.scroll_to(y=self.scroll_y + self.virtual_size.height - before, animate=False, immediate=True)
        self._paging = False


def _widget(item: ChatItem) -> Prompted | Answered | Line:
    if isinstance(item, Aside):
        return Line(item)
    return Prompted(item) if item.who == "you" else Answered(item)


def header(who: str, right: str) -> Content:
    return Content.assemble((who, "bold"), (f"  {right}" if right else "", "dim"))


def rates(usage: Usage) -> str:
    """`0.4 s · 28 tok/s`: time to the first token, and generation."""
    first = usage.time_to_first_token_ms / 1000
    speed = f" · {usage.tokens_per_second:.0f} tok/s" if usage.tokens_per_second else ""
    return f"{first:.1f} s{speed}"


def shortened(text: str) -> str:
    """At most `LONGEST` characters; a single line never longer than a screen can wrap quickly."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters: `orch log` has them."
