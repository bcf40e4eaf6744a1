"""The prompt: its sign, the text, and the list above it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from orchestrator.paths import home
from orchestrator.tui.file_index import FileIndex
from orchestrator.tui.fuzzy import Ranker
from orchestrator.tui.history import History
from orchestrator.tui.span import Span
from orchestrator.tui.widgets.completion import Completion
from orchestrator.tui.widgets.prompt_area import PromptArea, file_items

SIGNS = {"!": "!", "/": "/"}
SIGN = "›"
TYPING_S = 0.3
"""After a key, another one may be expected for so long."""
ECHO_S = 0.008
"""So long does it take, as a rule, until a key is seen on the screen."""


class Prompt(Widget):
    """Where the user types. It is empty again once `Submitted` was posted.

    `commands` are names (without the slash) and what they do; `root` is the folder whose files `@` offers.
    """

    @dataclass
    class Submitted(Message):
        """The user has sent this: not blank, no control characters, no white space around it."""

        text: str

    def __init__(
        self,
        *,
        commands: Sequence[tuple[str, str]] = (),
        root: Path | None = None,
        history: History | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._menu = Completion()
        self._sign = Static(SIGN, id="sign", markup=False)
        self.area = PromptArea(self._menu, history or History(home().history))
        self.area.commands = commands
        self._root = root
        self._index = FileIndex(root) if root else None
        self._ranker = Ranker()
        self.typing: Callable[[], None] = lambda: None
        """Called at each change of the text."""
        self._typed = asyncio.Event()
        self._typed_at = -TYPING_S

    def compose(self) -> ComposeResult:
        yield self._sign
        yield self.area
        yield self._menu

    # --- what the app does to it ------------------------------------------------------------

    @property
    def text(self) -> str:
        return self.area.text

    def load(self, text: str) -> None:
        """Show this text, ready to be edited, in place of what is there."""
        self.area.show(text)

    def put_before(self, texts: Sequence[str]) -> None:
        """Show these lines above what is being typed."""
        if texts:
            self.load("\n".join([*texts, self.text] if self.text else texts))

    def begin(self, command: str) -> None:
        """Put a command before what is being typed."""
        self.load(f"{command} {self.text}")
        self.focus()

    def clear(self) -> None:
        self.area.show("")

    def focus(self, scroll_visible: bool = True) -> Prompt:
        self.area.focus(scroll_visible)
        return self

    def set_root(self, root: Path) -> None:
        """Offer the files of this folder."""
        if root == self._root:
            return
        self._root = root
        if self.is_running:
            self.workers.cancel_group(self, "files")
            self.workers.cancel_group(self, "index")
        self._index = FileIndex(root)

    async def between_keys(self) -> None:
        """Wait for the moment to keep the screen busy: after the echo of a key, when keys come at all."""
        if monotonic() - self._typed_at > TYPING_S:
            return
        self._typed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(TYPING_S):
                await self._typed.wait()
                await asyncio.sleep(ECHO_S)

    # --- what happens below -----------------------------------------------------------------

    @on(PromptArea.Entered)
    def _submit(self, event: PromptArea.Entered) -> None:
        event.stop()
        self.post_message(self.Submitted(event.text))

    @on(TextArea.Changed)
    def _mark(self, event: TextArea.Changed) -> None:
        event.stop()
        self.typing()
        self._typed_at = monotonic()
        self._typed.set()
        first = self.area.document.get_line(0).lstrip()[:1]
        self._sign.update(SIGNS.get(first, SIGN))
        self.set_class(first == "!", "-shell")
        self.set_class(first == "/", "-command")

    @on(Completion.Clicked)
    def _clicked(self, event: Completion.Clicked) -> None:
        event.stop()
        self.area.take()
        self.area.focus()

    def on_descendant_blur(self) -> None:
        if self.screen.focused is not None:
            self._menu.close()

    @on(PromptArea.WantsFiles)
    def _offer_files(self, event: PromptArea.WantsFiles) -> None:
        event.stop()
        if index := self._index:
            if index.stale:
                self.run_worker(self._refresh(index), group="index", exclusive=True)
            self.run_worker(self._rank(index, event.span), group="files", exclusive=True)

    async def _refresh(self, index: FileIndex) -> None:
        changed = await index.refresh()
        if changed and self._menu.span and self._menu.span.kind == "file":
            await self._rank(index, self._menu.span)

    async def _rank(self, index: FileIndex, span: Span) -> None:
        ranked = await self._ranker.rank(span.query, index.blocks)
        if not self.area.wants(span):
            return
        note, empty = f"{ranked.matches:,} of {index.count:,} files", ""
        if not index.gathered:
            note, empty = f"{note} so far", "reading the project …"
        self._menu.offer(span, file_items(span.query, ranked.paths), note, empty=empty)
