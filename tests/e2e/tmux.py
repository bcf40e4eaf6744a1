"""A real terminal for tests."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 300  # a limit for a hung program, not a measurement


class Terminal:
    """One tmux window of its own server, 120 columns by 40 lines."""

    def __init__(self, socket: Path, command: list[str], cwd: Path) -> None:
        self._socket = socket
        self._closed = False
        environment = [f"-e{name}={os.environ[name]}" for name in ("ORCH_HOME", "PATH")]
        # The window outlives the program, so that its last words can be read.
        # The window's own size counts, not that of the terminal which runs the tests.
        line = f"unset COLUMNS LINES; trap : INT; {shlex.join(command)}; echo EXIT=$?; sleep {PATIENCE_S}"
        size = ["-x", "120", "-y", "40"]
        self._tmux("new-session", "-d", "-s", "t", *size, *environment, "-c", str(cwd), "sh", "-c", line)

    def type(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", "-t", "t", key)

    def typed(self, text: str) -> None:
        self._tmux("send-keys", "-t", "t", "-l", text)

    def line(self, text: str) -> None:
        self.typed(text)
        self.type("Enter")

    def paste(self, text: str, *, marked: bool) -> None:
        """As from the clipboard; `marked`: as a terminal does that brackets what is pasted."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-t", "t", *(["-p"] if marked else []))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-J", "-t", "t", "-S", "-500")

    def wait(self, *texts: str) -> str:
        """The screen once it shows one of the texts."""
        self.until(lambda: any(text in self.screen() for text in texts), f"none of {texts}")
        return self.screen()

    def until(self, condition: Callable[[], bool], otherwise: str = "it did not happen") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() >= deadline:
                shown = "(the terminal was closed)" if self._closed else self.screen()
                raise AssertionError(f"{otherwise}; on the screen:\n{shown}")
            time.sleep(0.1)

    def child(self) -> int:
        """Process id of the program."""
        pane = self._tmux("list-panes", "-t", "t", "-F", "#{pane_pid}").strip()
        return int(Path(f"/proc/{pane}/task/{pane}/children").read_text().split()[0])

    def close(self) -> None:
        """End the terminal, if that has not happened yet: the program sees a hang-up."""
        if not self._closed:
            self._closed = True
            self._tmux("kill-server")

    def _tmux(self, *args: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *args]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
