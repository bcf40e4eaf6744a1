"""Asking a person whether a call may run: a panel above the prompt, which steals no key from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from orchestrator.terminal import plain
from orchestrator.tui.attention import Attention, Meaning
from orchestrator.tui.borrowed_focus import BorrowedFocus
from orchestrator.tui.proposal import Proposal, answer_keys, frame_title, length
from orchestrator.tui.unified import Row
from orchestrator.tui.widgets.answer_keys import AnswerKeys
from orchestrator.tui.widgets.diff import DiffView, height
from orchestrator.types import Approval, Preview, ToolCall

TICK_S = 0.1
FRAME, TITLE_FRAME, LINES = 4, 6, 3
"""Cells of border and padding beside the body and beside the title; lines of border and key row."""
MOST_ROWS = 100
HERE = "F4"
WAITING = ((HERE, "answers it"), ("", "what you type goes to the prompt"))


class ApprovalPanel(Widget, can_focus=True):
    """Hidden until `ask`. It has the focus only when that cannot catch a key meant for something else.

    The focus is taken from an empty text field after a quiet moment (`Attention`), and given back
    with every key that was not an answer. `clock` is monotonic, in seconds.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "keys", "Back to the keys", show=False),
        Binding("up", "scroll_body(-1)", "Line up", show=False),
        Binding("down", "scroll_body(1)", "Line down", show=False),
        Binding("pageup", "scroll_body(0, -1)", "Page up", show=False),
        Binding("pagedown", "scroll_body(0, 1)", "Page down", show=False),
    ]

    @dataclass
    class Asked(Message):
        """A question waits for its answer, or no longer does."""

        waits: bool

    def __init__(self, *, clock: Callable[[], float] = monotonic, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False
        self._clock = clock
        self._attention = Attention(clock)
        self._proposal: Proposal | None = None
        self._answered: Callable[[Approval], None] | None = None
        self._rows: Sequence[Row] = ()
        self._held: list[events.Key] = []  # a letter that may be an answer
        self._taking = False
        self._over: ModalScreen[str | None] | ModalScreen[None] | None = None
        self._body = DiffView(id="approval-body")
        self._body.can_focus = False
        self._keys = AnswerKeys(id="approval-keys")
        self._reason = Input(placeholder="because …", id="approval-reason")

    def compose(self) -> ComposeResult:
        yield self._body
        yield self._keys
        yield self._reason

    def on_mount(self) -> None:
        self._reason.display = False
        self._ticking: Timer = self.set_interval(TICK_S, self.tick, pause=True)
        self._borrowed = BorrowedFocus(self.screen, self)

    def on_unmount(self) -> None:
        self._answer(Approval(False, "the app was closed"))

    def allow_focus(self) -> bool:
        return self.can_focus and self._proposal is not None

    def turn_to(self) -> None:
        """Somebody wants to answer: the next key is understood at once."""
        self.focus()
        self._attention.turned_to()

    # --- asking -----------------------------------------------------------------------------

    def ask(self, call: ToolCall, preview: Preview, answered: Callable[[Approval], None]) -> None:
        """Show the question; `answered` is called once, unless it is withdrawn. From any task."""
        if not self.call_later(self._open, Proposal(call, preview), answered):
            answered(Approval(False, "the app is closing"))

    def withdraw(self) -> None:
        """Take the question away, unanswered. From any task."""
        self.call_later(self._close)

    def _open(self, proposal: Proposal, answered: Callable[[Approval], None]) -> None:
        self._proposal, self._answered = proposal, answered
        self._rows = proposal.rows()
        self._attention = Attention(self._clock)
        self._borrowed.stirred()
        self.display = True
        self.post_message(self.Asked(True))
        self._body.show(self._rows)
        self._arrange()
        self._ticking.resume()

    def _close(self) -> None:
        """Hide, and give back what was taken."""
        if self._proposal is None:
            return
        self._borrowed.give_back()
        self.post_message(self.Asked(False))
        self._proposal = self._answered = None
        self._ticking.pause()
        if self._over and self._over.is_active:
            self._over.dismiss(None)
        self._over = None
        self._held.clear()
        self._reason.display = self.display = False
        self._reason.value = ""

    def _answer(self, approval: Approval) -> None:
        answered, self._answered = self._answered, None
        if answered:
            answered(approval)
        if self.is_running:
            self._close()

    # --- whose key it is --------------------------------------------------------------------

    def tick(self) -> None:
        """Take the focus when it is quiet; count a letter that stood alone."""
        if self._proposal is None:
            return
        if self.has_focus:
            if self._attention.settled():
                self._choose(self._held.pop().key)
        elif self._borrowed.stirred():
            self._attention.stirred()
        elif self._attention.may_take() and self._borrowed.free():
            self._taking = True
            self.focus(scroll_visible=False)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        if not has_focus:
            self._attention.stirred()
        elif self._taking:
            self._attention.took()
        else:
            self._attention.turned_to()
        self._taking = False
        self._arrange()

    def on_key(self, event: events.Key) -> None:
        if not event.is_printable or not self.has_focus or self._proposal is None:
            return
        event.stop()
        held, self._held = [*self._held, event], []
        known = event.key in dict(answer_keys(self._proposal))
        match self._attention.pressed() if known else Meaning.TYPING:
            case Meaning.ANSWER:
                self._choose(event.key)
            case Meaning.PERHAPS:
                self._held = held
            case Meaning.TYPING:
                self._attention.gave()
                self._borrowed.forward(held)

    def on_paste(self, event: events.Paste) -> None:
        if self.has_focus:
            event.stop()
            held, self._held = self._held, []
            self._attention.gave()
            self._borrowed.forward([*held, event])

    # --- answering --------------------------------------------------------------------------

    @on(AnswerKeys.Pressed)
    def _clicked(self, event: AnswerKeys.Pressed) -> None:
        event.stop()
        if event.key == HERE:
            self.focus()
        elif self._attention.clicked():
            self._choose(event.key)

    def _choose(self, key: str) -> None:
        if self._proposal is None:
            return
        self._attention.turned_to()
        match key:
            case "y" | "a":
                self._answer(Approval(True, always=key == "a"))
            case "w":
                self._answer(Approval(True, network=True))
            case "n":
                self._answer(Approval(False))
            case "r":
                self._reason.display = True
                self._reason.focus()
                self._arrange()
            case "e":
                from orchestrator.tui.screens.edit import EditScreen

                proposal = self._proposal
                self._over = EditScreen(proposal.title, proposal.argument(), proposal.editable())
                self.app.push_screen(self._over, self._edited)
            case "v":
                from orchestrator.tui.screens.view import ViewScreen

                self._over = ViewScreen(self._proposal.title, self._rows)
                self.app.push_screen(self._over)

    def _edited(self, text: str | None) -> None:
        if text is not None and self._proposal:
            self._answer(Approval(True, call=self._proposal.edited(text)))

    @on(Input.Submitted)
    def _reasoned(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer(Approval(False, plain(event.value).strip()))

    # --- looks ------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Title, keys and height for what is asked, who has the focus, and the room there is."""
        if self._proposal is None or not self.is_attached:
            return
        active = self.has_focus or self._reason.display
        self.set_class(active, "-active")
        self._keys.display = not self._reason.display
        self._keys.offer(answer_keys(self._proposal) if active else WAITING)
        screen = self.screen.size
        self.border_title = frame_title(
            self._proposal, screen.width - TITLE_FRAME, "$border" if active else "$foreground-muted"
        )
        needed = height(self._rows, screen.width - FRAME, MOST_ROWS) + LINES
        hidden = needed > screen.height // 2
        self.border_subtitle = Content(f"{length(self._rows)} · ↑ ↓ or v") if hidden else None
        if self.styles.height is None or self.styles.height.value != needed:
            self.styles.height = needed

    def on_resize(self) -> None:
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        return self._reason.display if action == "keys" else True

    def action_keys(self) -> None:
        """From the reason back to the keys."""
        self._reason.display = False
        self.focus()
        self._arrange()

    def action_scroll_body(self, lines: int, pages: int = 0) -> None:
        self._body.scroll_relative(y=lines + pages * self._body.size.height, animate=False)


class TuiApprover:
    """Asks through a panel, one question at a time. Cancelled, it takes the question away."""

    def __init__(self, panel: ApprovalPanel) -> None:
        self._panel = panel
        self._one = asyncio.Lock()

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        async with self._one:
            answer: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()

            def answered(approval: Approval) -> None:
                if not answer.done():
                    answer.set_result(approval)

            self._panel.ask(call, preview, answered)
            try:
                return await answer
            finally:
                self._panel.withdraw()
