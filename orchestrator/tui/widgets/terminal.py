"""The terminal: output of the agent's commands as it comes, and the user's own commands.

Text comes in by `feed` and from the user's shell; it is digested and drawn at most twenty times a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Hide, Show, Unmount
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.emulator.cells import Row, folded
from orchestrator.tui.emulator.channel import Channel
from orchestrator.tui.emulator.scrollback import Scrollback
from orchestrator.tui.emulator.shell import ShellCommand
from orchestrator.tui.widgets.find_bar import FindBar
from orchestrator.tui.widgets.terminal_view import Keyboard, TerminalView

DRAW_EVERY_S = 0.05
DIGEST_S = 0.02
LEAST_COLUMNS, LEAST_ROWS = 80, 24
"""Commands of the agent get at least these: programs cut what they say to the width they are told."""
_ENOUGH_WAITS = 128 * 1024
NAME = "Terminal"
HINT = "F2: back to the prompt"


class TerminalPane(Widget):
    """`begin`, `feed`, `end` show a command of the agent; `run` runs one of the user's, and gives it keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search", show=False),
        Binding("n", "find_next(1)", "next match", show=False),
        Binding("N", "find_next(-1)", "previous match", show=False),
        Binding("escape", "end_find", "end the search", show=False),
    ]

    @dataclass
    class Started(Message):
        """The user's command runs."""

        command: str

    @dataclass
    class Finished(Message):
        """It is over; the exit code is negative where a signal ended it."""

        exit_code: int

    @dataclass
    class Output(Message):
        """There is something new, of the agent's command or the user's; at most once a drawing."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = TerminalView()
        self.find_bar = FindBar()
        self._scrollback = Scrollback()
        self._agent = Channel(self._scrollback, self.window_size, returns=True, lossy=True)
        self._own = Channel(self._scrollback, self._room, answer=self._type)
        self._columns, self._rows = LEAST_COLUMNS, LEAST_ROWS
        self._shell: ShellCommand | None = None
        self._command = ""
        self._since = 0.0
        self._timer: Timer | None = None
        self._drawn_at = 0.0
        self._gone = 0
        self._told = (0, 0)
        """The size that the user's command knows of."""
        self._seen = False
        self._matches: list[int] = []
        self._match = 0
        self._head(NAME)

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.find_bar

    def focus(self, scroll_visible: bool = True) -> Self:
        """The view takes the keys; the pane itself has none to take."""
        self.view.focus(scroll_visible)
        return self

    # --- commands of the agent --------------------------------------------------------------

    def window_size(self) -> tuple[int, int]:
        """Columns and rows for the terminal of a command of the agent."""
        return max(self._columns, LEAST_COLUMNS), max(self._rows, LEAST_ROWS)

    def begin(self, title: str) -> None:
        """A command of the agent starts; its title, such as "$ pytest -q", is shown above its output."""
        self._agent.begin(one_line(title, 500))
        self._soon()

    def feed(self, text: str) -> None:
        """More of its output, raw: escape sequences are understood, and harmless."""
        self._agent.feed(text)
        self._soon()

    def end(self, exit_code: int | None, duration_ms: int) -> None:
        """It is over. `exit_code` is None where no process ran."""
        self._agent.end(_ended(exit_code, duration_ms / 1000), failed=bool(exit_code))
        self._soon()

    def clear(self) -> None:
        """Nothing was printed here yet."""
        self._scrollback.clear()
        self._soon()

    # --- the user's own ---------------------------------------------------------------------

    @property
    def takes_keys(self) -> bool:
        """The user types into a running command: keys of the app would be missed by it."""
        return self._shell is not None and self.view.has_focus

    @property
    def running(self) -> bool:
        """A command of the user's runs."""
        return self._shell is not None

    def run(self, command: str, cwd: Path, environment: Mapping[str, str]) -> None:
        """Run a command line of the user's in `cwd`, unconfined, by the shell that SHELL names.

        One at a time: while one runs, another is refused with a notice.
        """
        if self._shell is not None:
            self.app.notify(f"{one_line(self._command, 40)} still runs.", markup=False, severity="warning")
            return
        self._command, self._since = command, monotonic()
        self._shell = shell = ShellCommand(self._took, self._over)
        self._own.begin(f"! {one_line(command, 500)}")
        self.run_worker(self._start(shell, command, cwd, environment), exit_on_error=False)

    async def _start(
        self, shell: ShellCommand, command: str, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        self._told = self._room()
        try:
            await shell.start(command, cwd, environment, *self._told)
        except OrchError as error:
            self._own.feed(f"{one_line(str(error))}\r\n")
            self._over(127)
            return
        self.view.keyboard = Keyboard(
            shell.type, lambda: self._asked(1), lambda: self._asked(2004), lambda: self._alone
        )
        self._head(f"{HINT} · {one_line(command, 100)}")
        self.post_message(self.Started(command))
        self._soon()

    def stop(self) -> None:
        """End the user's command and all it started; returns at once."""
        if self._shell is not None:
            self._shell.stop()

    async def on_unmount(self, event: Unmount) -> None:
        if self._timer is not None:
            self._timer.stop()
        if (shell := self._shell) is not None:
            self._shell = None
            await shell.close()

    def _head(self, text: str) -> None:
        self.border_title = Content(text)  # a command may hold what would be markup

    def _took(self, text: str) -> None:
        self._own.feed(text)
        if self._own.waiting > _ENOUGH_WAITS and self._shell is not None:
            self._shell.pause(True)
        self._soon()

    def _over(self, exit_code: int) -> None:
        if self._shell is None:  # the app is closing
            return
        self._shell = None
        self.view.keyboard = None
        self._head(NAME)
        self._own.end(_ended(exit_code, monotonic() - self._since), failed=bool(exit_code))
        self.post_message(self.Finished(exit_code))
        self._soon()

    def _type(self, text: str) -> None:
        if self._shell is not None:
            self._shell.type(text)

    def _asked(self, mode: int) -> bool:
        return self._own.screen is not None and mode in self._own.screen.private

    @property
    def _alone(self) -> bool:
        """A full-screen program of the user's has the whole view."""
        return self._own.screen is not None and self._own.screen.alternate

    def _room(self) -> tuple[int, int]:
        return self._columns, self._rows

    # --- drawing ----------------------------------------------------------------------------

    def on_show(self, event: Show) -> None:
        self._seen = True
        self._soon()

    def on_hide(self, event: Hide) -> None:
        self._seen = False

    def on_terminal_view_resized(self, event: TerminalView.Resized) -> None:
        event.stop()
        self._columns, self._rows = event.columns, event.rows
        self._soon()

    def _soon(self) -> None:
        if self._timer is None and self.is_mounted:
            wait = max(0.001, self._drawn_at + DRAW_EVERY_S - monotonic())
            self._timer = self.set_timer(wait, self._draw)

    def _draw(self) -> None:
        self._timer = None
        busy = not (self._agent.idle and self._own.idle)
        self._fit()
        self._agent.digest(DIGEST_S)
        self._own.digest(DIGEST_S)
        if self._shell is not None and self._own.waiting < _ENOUGH_WAITS // 2:
            self._shell.pause(False)
        if self._seen:
            self._show()
        self._drawn_at = monotonic()
        if not (self._agent.idle and self._own.idle):
            self._soon()
        if busy:
            self.post_message(self.Output())

    def _fit(self) -> None:
        self._scrollback.fit(self._columns)
        screen = self._own.screen
        if screen is not None and (screen.columns, screen.lines) != self._room():
            screen.resize(self._rows, self._columns)
        if self._shell is not None and self._told != self._room():
            self._told = self._room()
            self._shell.resize(*self._told)

    def _show(self) -> None:
        own = self._own.screen
        present: list[Row] = []
        if self._agent.screen is not None and not self._alone:
            present += folded(self._agent.screen.rows(), self._columns)
        cursor = None
        if own is not None:
            if self._shell is not None and not own.cursor.hidden:
                cursor = (min(own.cursor.x, own.columns - 1), len(present) + own.cursor.y)
            present += own.rows(cursor=True)
        past = () if self._alone else self._scrollback.rows
        gone, self._gone = self._scrollback.gone - self._gone, self._scrollback.gone
        self.view.show(past, present, cursor, gone)

    # --- searching --------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of a search do nothing without one, so that escape goes on to who else waits for it."""
        return bool(self.view.needle) if action in ("find_next", "end_find") else True

    def action_find(self) -> None:
        self.find_bar.open()

    def action_find_next(self, way: int) -> None:
        """The next match is the one above: the newest come first."""
        self._look(self._match - way)

    def action_end_find(self) -> None:
        self._mark("")

    def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        event.stop()
        self._mark(event.needle)
        self._look(-1)

    def on_find_bar_kept(self, event: FindBar.Kept) -> None:
        event.stop()
        self.find_bar.close()
        self.view.focus()

    def on_find_bar_dropped(self, event: FindBar.Dropped) -> None:
        event.stop()
        self.find_bar.close()
        self.view.focus()
        self._mark("")

    def _mark(self, needle: str) -> None:
        self.view.needle = needle
        self.view.refresh()

    def _look(self, number: int) -> None:
        needle = self.view.needle.casefold()
        self._matches = self.view.find(needle) if needle else []
        if not self._matches:
            self.find_bar.say("no match" if needle else "")
            return
        self._match = number % len(self._matches)
        self.view.reveal(self._matches[self._match])
        self.find_bar.say(f"{self._match + 1} of {len(self._matches)}")


def _ended(exit_code: int | None, seconds: float) -> str:
    took = f"{seconds:.1f} s"
    if exit_code is None:
        return took
    if exit_code < 0:
        return f"ended by signal {-exit_code} · {took}"
    return f"exit code {exit_code} · {took}"
