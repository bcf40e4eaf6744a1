"""The terminal: output of the agent's commands as it comes, and the user's own commands.

Text comes in by `feed` and from the user's shell; it is digested and drawn at most twenty times a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from textual.content import Content
from textual.events import Hide, Show, Unmount
from textual.message import Message
from textual.timer import Timer

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.emulator.printout import Printout
from orchestrator.tui.emulator.shell import ShellCommand
from orchestrator.tui.widgets.findable_terminal import FindableTerminal
from orchestrator.tui.widgets.terminal_view import Keyboard, TerminalView

DRAW_EVERY_S = 0.05
DIGEST_S = 0.02
_ENOUGH_WAITS = 128 * 1024
NAME = "Terminal"
HINT = "F2: back to the prompt"


class TerminalPane(FindableTerminal):
    """`begin`, `feed`, `end` show a command of the agent; `run` runs one of the user's, and gives it keys."""

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
        self._printout = Printout(self._type)
        self._room = self._printout.size
        """Columns and rows of the view."""
        self._shell: ShellCommand | None = None
        self._command = ""
        self._since = 0.0
        self._timer: Timer | None = None
        self._drawn_at = 0.0
        self._told = (0, 0)
        """The size that the user's command knows of."""
        self._seen = False
        self._head(NAME)

    # --- commands of the agent --------------------------------------------------------------

    def window_size(self) -> tuple[int, int]:
        """Columns and rows for the terminal of a command of the agent."""
        return self._printout.size_for_agent()

    def begin(self, title: str) -> None:
        """A command of the agent starts; its title, such as "$ pytest -q", is shown above its output."""
        self._printout.agent.begin(one_line(title, 500))
        self._soon()

    def feed(self, text: str) -> None:
        """More of its output, raw: escape sequences are understood, and harmless."""
        self._printout.agent.feed(text)
        self._soon()

    def end(self, exit_code: int | None, duration_ms: int) -> None:
        """It is over. `exit_code` is None where no process ran."""
        self._printout.agent.end(_ended(exit_code, duration_ms / 1000), failed=bool(exit_code))
        self._soon()

    def stop_agent(self) -> None:
        """The command was stopped before its end."""
        self._printout.agent.end("interrupted", failed=True)
        self._soon()

    def clear(self) -> None:
        """Nothing was printed here yet."""
        self._printout.clear()
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
        self._printout.own.begin(f"! {one_line(command, 500)}")
        self.run_worker(self._start(shell, command, cwd, environment), exit_on_error=False)

    async def _start(
        self, shell: ShellCommand, command: str, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        self._told = self._room
        try:
            await shell.start(command, cwd, environment, *self._told)
        except OrchError as error:
            self._printout.own.feed(f"{one_line(str(error))}\r\n")
            self._over(127)
            return
        self.view.keyboard = Keyboard(
            shell.type,
            lambda: self._printout.asked(1),
            lambda: self._printout.asked(2004),
            lambda: self._printout.alone,
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
        self._printout.own.feed(text)
        if self._printout.own.waiting > _ENOUGH_WAITS and self._shell is not None:
            self._shell.pause(True)
        self._soon()

    def _over(self, exit_code: int) -> None:
        if self._shell is None:  # the app is closing
            return
        self._shell = None
        self.view.keyboard = None
        self._head(NAME)
        self._printout.own.end(_ended(exit_code, monotonic() - self._since), failed=bool(exit_code))
        self.post_message(self.Finished(exit_code))
        self._soon()

    def _type(self, text: str) -> None:
        if self._shell is not None:
            self._shell.type(text)

    # --- drawing ----------------------------------------------------------------------------

    def on_show(self, event: Show) -> None:
        self._seen = True
        self._soon()

    def on_hide(self, event: Hide) -> None:
        self._seen = False

    def on_terminal_view_resized(self, event: TerminalView.Resized) -> None:
        event.stop()
        self._room = (event.columns, event.rows)
        self._soon()

    def _soon(self) -> None:
        if self._timer is None and self.is_mounted:
            wait = max(0.001, self._drawn_at + DRAW_EVERY_S - monotonic())
            self._timer = self.set_timer(wait, self._draw)

    def _draw(self) -> None:
        self._timer = None
        busy = not self._printout.idle
        self._printout.fit(*self._room)
        self._printout.digest(DIGEST_S)
        if self._shell is not None:
            if self._told != self._room:
                self._told = self._room
                self._shell.resize(*self._told)
            if self._printout.own.waiting < _ENOUGH_WAITS // 2:
                self._shell.pause(False)
        if self._seen:
            self.view.show(self._printout.shown(cursor=self._shell is not None))
        self._drawn_at = monotonic()
        if not self._printout.idle:
            self._soon()
        if busy:
            self.post_message(self.Output())


def _ended(exit_code: int | None, seconds: float) -> str:
    took = f"{seconds:.1f} s"
    if exit_code is None:
        return took
    if exit_code < 0:
        return f"ended by signal {-exit_code} · {took}"
    return f"exit code {exit_code} · {took}"
