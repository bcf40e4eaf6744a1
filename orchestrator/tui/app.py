"""The app: it wires the conductor to the main screen, and keys to what they do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import constants, work
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from orchestrator.agent.slash import Back, Fresh, Leave, Play, Said, handle
from orchestrator.config import MODES
from orchestrator.errors import OrchError
from orchestrator.events import Answer, HandedOver, ToolResultEvent
from orchestrator.tui import commands, keys, themes
from orchestrator.tui.chat_items import Aside
from orchestrator.tui.conductor import Conductor, Failed, Happening, Phase, SessionOpened
from orchestrator.tui.dialogs import Dialogs
from orchestrator.tui.node import LoggedRecord, Node, Wish
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.widgets.approval import TuiApprover
from orchestrator.tui.widgets.prompt import Prompt
from orchestrator.tui.widgets.status import StatusLine
from orchestrator.types import Kind

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver

    from orchestrator.tui.widgets.trace import TracePane
    from orchestrator.tui.widgets.xray import XrayPane

LEAVE_WITHIN_S = 2.0
STYLES = Path(__file__).parent / "styles"


def _palette() -> type[Provider]:
    from orchestrator.tui.palette import Palette  # when it is first opened

    return Palette


class OrchApp(App[None]):
    """`conductor` outlives the screen: whoever runs the app closes it afterwards.

    `wish` is the session that is open or wanted, `project` the id of the one that is open.
    `defect` is the exception that ended the app, if one did; it is not shown here.
    """

    CSS_PATH: ClassVar = sorted(STYLES.glob("*.tcss"))
    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings())
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    TITLE = "orch"

    def __init__(self, node: Node, wish: Wish, *, theme: str = "dark") -> None:
        super().__init__(driver_class=_driver())
        self._node = node
        self._left_at = -LEAVE_WITHIN_S
        self.project = ""
        self.defect: Exception | None = None
        for own in (themes.DARK, themes.LIGHT):
            self.register_theme(own)
        self.theme = themes.THEMES[theme]
        self.main = MainScreen(partial(_records, self, node))
        self.main.prompt.typing = node.typing
        self.dialogs = Dialogs(self, node)
        window_size = lambda: self.main.terminal.window_size()  # noqa: E731  # it is not there yet
        self.wish = replace(wish, terminal=window_size, reviewer=self.dialogs)
        self._typed_ahead: list[Prompt.Submitted] | None = []
        """What was sent before everything was there; None from then on."""
        self.conductor = Conductor(node, TuiApprover(self.main.approval), self._show)

    def on_mount(self) -> None:
        self.main.of_project(self.wish.project)
        self.run_worker(self._begin(), exit_on_error=True)

    def get_default_screen(self) -> Screen[None]:
        return self.main

    async def _begin(self) -> None:
        """The first frame comes before the model, the journal and git."""
        await self.main.furnished.wait()
        typed, self._typed_ahead = self._typed_ahead or [], None
        self.open(self.wish)
        for event in typed:
            await self.on_prompt_submitted(event)

    # --- sessions ---------------------------------------------------------------------------

    def open(self, wish: Wish) -> None:
        """Close the session there is, and open this one; prompts that wait are not for it."""
        self.main.prompt.put_before(self.conductor.take_back())
        self.wish = wish
        self.main.of_project(wish.project)
        if self._typed_ahead is None:  # else it is opened once everything is there
            self.conductor.open(wish)

    def fresh(self, model: str | None = None) -> None:
        """A fresh instance in this project, in the mode it has now."""
        mode = self.conductor.opened.session.gate.mode if self.conductor.opened else self.wish.mode
        self.open(replace(self.wish, model=model or self.wish.model, mode=mode))

    action_new_session = fresh

    def _show(self, happening: Happening) -> None:
        if not self.is_running:  # the session's last words, when the screen is gone
            return
        self.main.show(happening)
        match happening:
            case SessionOpened():
                self.project = happening.opened.project
                self.wish = replace(self.wish, project=happening.opened.root)
                self.dialogs.hear(happening.opened.session)
                self.git()
            case Answer() | ToolResultEvent():
                self.git()
            case HandedOver(goal) if goal and not self.main.prompt.text:
                self.main.prompt.put_before([goal])
            case Failed(unrecorded=prompt) if prompt:
                self.main.prompt.put_before([prompt])
            case Failed(needs_model=True):
                self.call_later(self.dialogs.open, "first_run")
            case _:
                pass

    @work(group="git", exclusive=True, exit_on_error=False)
    async def git(self) -> None:
        state = await asyncio.to_thread(self._node.git_state, self.wish.project)
        self.main.change(branch=state.branch, dirty=state.dirty)

    # --- the prompt -------------------------------------------------------------------------

    async def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        if self._typed_ahead is not None:
            self._typed_ahead.append(event)
            return
        text = event.text
        if text.startswith("!"):
            self.main.open_place("terminal")
            if command := text[1:].strip():
                # Once the place has its size: what the command prints first depends on it.
                run = self.main.terminal.run
                self.main.call_after_refresh(run, command, self.wish.project, dict(os.environ))
        elif text.startswith("/"):
            await self._command(text)
        else:
            if self.conductor.phase is Phase.CLOSED:  # what stood in its way may be gone
                self.open(self.wish)
            self.conductor.submit(text)

    async def _command(self, line: str) -> None:
        try:
            commands.check(line)
            if action := commands.action(line):
                await self.run_action(action)
                return
            if line[1:].strip() == "quit":  # at any time, while a model loads too
                self.exit()
                return
            if self.conductor.opened is None:
                await self.main.chat.say(Aside("No session is open yet.", "warning"))
                return
            session = self.conductor.opened.session
            match handle(line, session):
                case Said(text):
                    await self.main.chat.say(Aside(text))
                    self.main.change(mode=session.gate.mode.value)
                    self.main.recorded()
                case Back(text, prompt):
                    await self.dialogs.went_back(text, prompt)
                case Play(prompt):
                    self.conductor.submit(prompt)
                case Leave():
                    self.exit()
                case Fresh(model):
                    if model:
                        await asyncio.to_thread(self._node.check_model, model)
                    self.fresh(model)
        except OrchError as error:
            await self.main.chat.say(Aside(str(error), "error"))
            self.main.prompt.put_before([line])  # to be said right, or again

    # --- keys -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's own ctrl+q would end the app in the middle of somebody's `vim`."""
        return action != "quit"

    def action_open(self, name: str, text: str = "") -> None:
        self.dialogs.open(name, text)

    def action_pane(self, name: str) -> None:
        self.main.toggle(name)

    def action_focus_on(self, name: str) -> None:
        if name == "approval":
            self.main.approval.turn_to()
        else:
            self.main.prompt.focus()

    async def action_back(self) -> None:
        """One step: close a place, else stop the model and take prompts back, else go to the prompt."""
        if self.main.side.opened:
            self.main.toggle(self.main.side.opened)
        else:
            stopped = self.conductor.interrupt()
            waiting = self.conductor.take_back()
            self.main.prompt.put_before(waiting)
            if not (stopped or waiting):
                self.main.prompt.focus()

    def action_leave(self) -> None:
        if monotonic() - self._left_at < LEAVE_WITHIN_S:
            self.exit()
            return
        self._left_at = monotonic()
        self.conductor.interrupt()
        self.notify("Ctrl+C again leaves; the session is written.", timeout=LEAVE_WITHIN_S)

    def action_next_mode(self) -> None:
        if self.conductor.opened:
            gate, modes = self.conductor.opened.session.gate, MODES
            gate.mode = modes[(modes.index(gate.mode) + 1) % len(modes)]
            self.main.change(mode=gate.mode.value)

    def action_next_theme(self) -> None:
        names = list(themes.THEMES.values())
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_copy_answer(self) -> None:
        text = self.main.chat.last_answer()
        if text:
            self.copy_to_clipboard(text)
        self.notify("Copied." if text else "There is no answer yet.")

    # --- what panes ask for -----------------------------------------------------------------

    def on_xray_pane_open(self, event: XrayPane.Open) -> None:
        if self.conductor.opened:
            self.dialogs.view(event.part.name, self.conductor.opened.session.text_of(event.part))

    async def on_trace_pane_open_record(self, event: TracePane.OpenRecord) -> None:
        await self.dialogs.record(event.citation)

    def on_trace_pane_stop(self, event: TracePane.Stop) -> None:
        self.conductor.interrupt()

    def on_status_line_project_clicked(self, event: StatusLine.ProjectClicked) -> None:
        self.dialogs.open("workspace")

    # --- the end ----------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A defect of ours ends the app without a traceback: the command line keeps its details."""
        if self.defect is None:
            self.defect = error
        self._return_code = 1
        if self._exception is None:  # for Pilot tests
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


def _records(
    app: OrchApp, node: Node, after: int, kinds: Sequence[Kind], limit: int, *, before: int | None = None
) -> list[LoggedRecord]:
    """Records for the memory log; called in a thread."""
    if not app.project:
        return []
    return node.records_after(after, project=app.project, kinds=kinds, limit=limit, before=before)


def _driver() -> type[Driver] | None:
    """None for Textual's own choice."""
    if sys.platform == "win32" or constants.DRIVER:
        return None
    from orchestrator.tui.driver import HangupDriver  # imports what only POSIX has

    return HangupDriver
