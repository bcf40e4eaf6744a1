"""The main screen: chat, the places beside it, the prompt. It renders what the conductor passes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from orchestrator.events import (
    Answer,
    Context,
    HandedOver,
    Loading,
    Notice,
    PrefillProgress,
    Serving,
    SessionStart,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
)
from orchestrator.terminal import one_line
from orchestrator.tui import commands
from orchestrator.tui.chat_items import Aside, Said
from orchestrator.tui.conductor import Failed, Happening, Phase, Phased, Prompted, SessionOpened
from orchestrator.tui.node import Opened
from orchestrator.tui.remaining import Remaining
from orchestrator.tui.widgets.approval import ApprovalPanel
from orchestrator.tui.widgets.body import Body
from orchestrator.tui.widgets.chat import Chat
from orchestrator.tui.widgets.key_bar import KeyBar
from orchestrator.tui.widgets.prompt import Prompt
from orchestrator.tui.widgets.side import WIDE, Side
from orchestrator.tui.widgets.status import Status, StatusLine
from orchestrator.tui.window_text import WindowState, name_of
from orchestrator.types import WindowPart

if TYPE_CHECKING:
    from orchestrator.tui.widgets.memory_log import Fetch, MemoryLogPane
    from orchestrator.tui.widgets.terminal import TerminalPane
    from orchestrator.tui.widgets.trace import TracePane
    from orchestrator.tui.widgets.xray import XrayPane

COMMANDS = ("shell", "run", "git")
"""Tools whose output belongs into the terminal."""
FIRST_KEYS_S = 0.05
"""Between the first frame and everything else: what was typed ahead is echoed first."""
LATER = ("memory_log", "terminal", "trace", "xray", "answer")
"""Modules of widgets that the first frame does without."""
STREAM_S = 0.08
"""Between two updates of a streaming answer: each lays the screen out anew, and the model computes too."""
DOING = {Phase.OPENING: "loading the model …", Phase.CLOSED: "no session"}


class MainScreen(Screen[None]):
    """Give it happenings with `show`, in order; it never blocks who gives them.

    The first frame has what one types into; `furnished` is set once everything else is there too.
    """

    # A screen's own shift+tab walks the focus backwards; the app's would never be reached.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("shift+tab", "app.next_mode", show=False)]

    def __init__(self, fetch: Fetch, clock: Callable[[], datetime] = datetime.now) -> None:
        super().__init__()
        self._clock = clock
        self.chat = Chat(id="chat")
        self._fetch = fetch
        self.side = Side(id="side")
        self.trace: TracePane
        self.terminal: TerminalPane
        self.memory: MemoryLogPane
        self.xray: XrayPane
        self.furnished = asyncio.Event()
        self._renders = False
        self.approval = ApprovalPanel(id="approval")
        self.prompt = Prompt(commands=commands.listing(), id="prompt")
        self.status = StatusLine(id="status")
        self.keys = KeyBar(id="keys")
        self._queued = Static(id="queued", markup=False)
        self._happenings: deque[Happening] = deque()
        self._came = asyncio.Event()
        self._opened: Opened | None = None
        self._reading = Remaining()
        self._commanding = False
        self._phase: Phase | None = None
        self._waiting: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        yield self.status
        yield Body(self.chat, self.side, self.prompt, id="body")
        yield self._queued
        yield self.prompt
        yield self.keys

    def on_mount(self) -> None:
        self._queued.display = False
        self.prompt.focus()
        # After the first frame; a screen that was opened over this one before it ends the wait, too.
        self.call_after_refresh(self.on_screen_suspend)

    def on_screen_suspend(self) -> None:
        if not self._renders:
            self._renders = True
            self.run_worker(self._render_happenings(), group="render", exit_on_error=True)

    def on_resize(self, event: Resize) -> None:
        self.side.wide = event.size.width >= WIDE
        if self._waiting:
            self._queued.update(waits(self._waiting, event.size.width))

    def show(self, happening: Happening) -> None:
        self._happenings.append(happening)
        self._came.set()

    # --- rendering --------------------------------------------------------------------------

    async def _render_happenings(self) -> None:
        await self._furnish()
        while await self._came.wait():
            if not self._happenings:
                self._came.clear()
                continue
            happening = self._happenings.popleft()
            if isinstance(happening, Token):
                happening = self._joined(happening)
            await self._render_one(happening)

    async def _furnish(self) -> None:
        await asyncio.sleep(FIRST_KEYS_S)
        for module in LATER:  # in a thread: importing them takes longer than a key may wait
            await asyncio.to_thread(import_module, f"orchestrator.tui.widgets.{module}")
        from orchestrator.tui.widgets.memory_log import MemoryLogPane
        from orchestrator.tui.widgets.terminal import TerminalPane
        from orchestrator.tui.widgets.trace import TracePane
        from orchestrator.tui.widgets.xray import XrayPane

        self.trace = TracePane(id="trace")
        self.terminal = TerminalPane(id="terminal")
        self.memory = MemoryLogPane(self._fetch, id="log")
        self.xray = XrayPane(id="xray")
        await self.mount(self.approval, before=self._queued)
        await self.side.furnish(
            {"trace": self.trace, "terminal": self.terminal, "log": self.memory, "xray": self.xray}
        )
        self.furnished.set()

    def _joined(self, first: Token) -> Token:
        """With the pieces that came meanwhile: one update of the screen for all of them."""
        text = first.text
        while self._happenings and isinstance(following := self._happenings[0], Token):
            text += following.text
            self._happenings.popleft()
        return Token(text)

    async def _render_one(self, happening: Happening) -> None:
        match happening:
            case Token():
                await self.chat.add(happening.text)
                await asyncio.sleep(STREAM_S)
                await self.prompt.between_keys()
            case PrefillProgress():
                await self.chat.wait(self._reading.text(happening.done, happening.total))
            case ToolCallEvent():
                await self._call(happening)
            case ToolOutput():
                self.trace.output(happening.text)
                self.terminal.feed(happening.text)
                self._news("terminal")
            case ToolResultEvent():
                self._result(happening)
            case Answer():
                await self._answer(happening)
            case Notice():
                await self.chat.say(Aside(happening.text, happening.level))
            case HandedOver():
                self.recorded()
                if happening.lines:
                    await self.chat.say(Aside("\n".join(("Handed over:", *happening.lines))))
            case SessionStart():
                self.change(model=happening.model, mode=happening.mode, sandbox=happening.sandbox)
            case Serving():
                if happening.anew:
                    await self.chat.abandon()
                self.change(model=happening.model, sent_to=happening.sent_to, size=happening.size)
            case Context():
                self.xray.show(WindowState(happening.parts, happening.left_out, happening.size))
                self.change(used=happening.used, size=happening.size)
                await self.chat.say(Aside(taken_over(happening.tiers)))
            case Loading():
                self.change(doing=f"loading the model {happening.share:.0%}")
            case SessionOpened():
                self._opened = happening.opened
                self.change(project=happening.opened.name)
                self.prompt.set_root(happening.opened.root)
                self.memory.reload()
            case Failed():
                self._stopped()
                await self.chat.abandon()
                await self.chat.say(Aside(happening.text, "error"))
            case Prompted():
                await self.chat.say(Said("you", happening.text, self.time()))
            case Phased():
                await self._phased(happening)

    async def _call(self, event: ToolCallEvent) -> None:
        self.trace.call(event)
        self._news("trace")
        self.memory.refresh_now()
        arguments = one_line(" ".join(str(value) for value in event.arguments.values()), 60)
        await self.chat.wait(f"▸ {event.name} {arguments}")
        if event.name in COMMANDS:
            self._commanding = True
            self.terminal.begin(f"{'$' if event.name == 'shell' else event.name} {arguments}")

    def _result(self, event: ToolResultEvent) -> None:
        self.trace.result(event)
        if event.name in COMMANDS:
            self._commanding = False
            self.terminal.end(event.exit_code, event.duration_ms)
        self.recorded()

    async def _answer(self, event: Answer) -> None:
        if event.interrupted:
            self._stopped()
        said = Said("orchestrator", event.text, self.time(), event.usage, event.interrupted)
        await self.chat.finish(said)
        self.change(usage=event.usage)
        self.recorded()

    def _stopped(self) -> None:
        """What ran runs no longer."""
        self.trace.interrupted()
        if self._commanding:
            self._commanding = False
            self.terminal.stop_agent()

    def on_approval_panel_asked(self, event: ApprovalPanel.Asked) -> None:
        self.trace.asked(event.waits)

    def on_terminal_pane_output(self) -> None:
        self._news("terminal")

    async def _phased(self, happening: Phased) -> None:
        self._waiting = happening.waiting
        self._queued.display = bool(happening.waiting)
        if happening.waiting:
            self._queued.update(waits(happening.waiting, self.size.width))
        if happening.phase is self._phase:  # only the prompts that wait have changed
            return
        self._phase = happening.phase
        known = self._opened and happening.phase is not Phase.CLOSED
        self.change(doing="" if known else DOING.get(happening.phase, ""))
        if happening.phase is Phase.WORKING:
            self._reading = Remaining()
            await self.chat.begin()
        else:  # a handoff ends without an answer
            await self.chat.abandon()
        if happening.phase is Phase.CLOSED:
            self._opened = None

    def recorded(self) -> None:
        """Something was recorded: the log, the window's parts and the meter may have changed."""
        self.memory.refresh_now()
        self._news("log")
        if self._opened and (window := self._opened.session.window):
            session = self._opened.session
            parts, meter, size = session.parts_now(), session.meter, self.status.status.size
            self.xray.show(WindowState(parts, window.left_out, size, meter.last, meter.total))
            self.change(used=sum(part.tokens for part in parts))

    def change(self, **changes: object) -> None:
        """What the status line shows: fields of `Status`."""
        self.status.status = replace(self.status.status, **changes)  # type: ignore[arg-type]

    # --- what the app does to it ------------------------------------------------------------

    def of_project(self, folder: Path) -> None:
        """A session of the project in this folder is being opened."""
        root = folder.expanduser().absolute()
        self.status.status = Status(project=root.name or str(root), mode=self.status.status.mode)
        self.prompt.set_root(root)

    def time(self) -> str:
        """HH:MM, for what is said now."""
        return self._clock().strftime("%H:%M")

    def toggle(self, name: str) -> None:
        """Open or close one of the places beside the chat; the focus goes with it."""
        place: Widget | None = self.side.toggle(name)
        (place or self.prompt).focus()
        if place:
            self.keys.news -= {f"pane('{name}')"}

    def open_place(self, name: str) -> None:
        """Show the place and put the focus there."""
        if not self.side.on_screen(name):
            self.side.toggle(name)
        self.side.place(name).focus()

    async def clear(self) -> None:
        """Nothing was said here yet."""
        await self.chat.load([])
        self.trace.clear()

    def _news(self, name: str) -> None:
        if not self.side.on_screen(name):
            self.keys.news |= {f"pane('{name}')"}


def waits(prompts: Sequence[str], width: int) -> str:
    """What will be played next, on one line."""
    many, them = ("1 prompt waits", "it") if len(prompts) == 1 else (f"{len(prompts)} prompts wait", "them")
    after = f" · esc takes {them} back"
    return f"{many}: {one_line(prompts[0], max(width - len(many) - len(after) - 6, 8))}{after}"


def taken_over(tiers: Sequence[WindowPart]) -> str:
    """What a fresh instance starts from."""
    if not tiers:
        return "A fresh instance. No documents yet: the first session here starts them."
    read = " · ".join(f"{name_of(part)} {part.tokens:,}" for part in tiers)
    return f"A fresh instance has read: {read} tokens."
