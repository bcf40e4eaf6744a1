"""A session in a real terminal (tmux) on the real 0.5B: ask, approve an edit by its diff, leave."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import ORCH

pytestmark = [pytest.mark.model, pytest.mark.tmux]
PATIENCE_S = 300  # a limit for a hung program, not a measurement


class Terminal:
    """One tmux window of its own server, 120 columns by 40 lines."""

    def __init__(self, socket: Path, command: list[str], cwd: Path) -> None:
        self._socket = socket
        environment = [f"-e{name}={os.environ[name]}" for name in ("ORCH_HOME", "PATH")]
        # The window outlives the program, so that its last words can be read.
        line = f"trap : INT; {shlex.join(command)}; echo EXIT=$?; sleep {PATIENCE_S}"
        size = ["-x", "120", "-y", "40"]
        self._tmux("new-session", "-d", "-s", "t", *size, *environment, "-c", str(cwd), "sh", "-c", line)

    def type(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", "-t", "t", key)

    def line(self, text: str) -> None:
        self._tmux("send-keys", "-t", "t", "-l", text)
        self.type("Enter")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-J", "-t", "t", "-S", "-500")

    def wait(self, *texts: str) -> str:
        """The screen once it shows one of the texts."""
        deadline = time.monotonic() + PATIENCE_S
        while not any(text in (screen := self.screen()) for text in texts):
            assert time.monotonic() < deadline, f"none of {texts} on the screen:\n{screen}"
            time.sleep(0.1)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *args: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *args]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def terminal(with_model: Home, heron: Path, tmp_path: Path) -> Iterator[Terminal]:
    command = [*ORCH, "chat", "--model", "qwen2.5-coder-0.5b"]
    opened = Terminal(tmp_path / "tmux", command, heron)
    yield opened
    opened.close()


def test_ask_approve_an_edit_note_and_leave(terminal: Terminal, heron: Path) -> None:
    terminal.wait("qwen2.5-coder-0.5b · ask")
    terminal.line("In settings.toml change port = 8080 to port = 9090.")
    screen = terminal.wait("y yes · n no")
    assert "port = 9090" in screen
    assert "port = 8080" in (heron / "settings.toml").read_text(encoding="utf-8")
    terminal.line("y")
    terminal.wait("ok, ")
    assert "port = 9090" in (heron / "settings.toml").read_text(encoding="utf-8")
    terminal.line("/decide use PostgreSQL because SQLite locks under our writers")
    terminal.wait("noted: decision [S")
    terminal.line("/quit")
    terminal.wait("EXIT=0")
    log = (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "settings.toml" in log
    assert "use PostgreSQL" in log


def test_ctrl_c_stops_the_model_and_twice_leaves(terminal: Terminal, heron: Path) -> None:
    terminal.wait("qwen2.5-coder-0.5b · ask")
    terminal.line("Explain in three long paragraphs what a semaphore is.")
    terminal.wait("emaphore")
    terminal.type("C-c")
    terminal.wait("(interrupted)", "› \n")
    terminal.type("C-c")
    terminal.wait("Ctrl+C again to leave")
    terminal.type("C-c")
    terminal.wait("EXIT=0")
    assert "semaphore" in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
