"""The app in a real terminal, however it ends: its session is written, and nobody sees a traceback."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.orch import ORCH, run, script
from tests.e2e.tmux import Terminal

pytestmark = [
    pytest.mark.tmux,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
]
STEPS = (
    {"answer": "First."},
    {"tool": "shell", "arguments": {"command": "echo begun; until [ -e never ]; do sleep 0.1; done"}},
)


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    return folder


@pytest.fixture
def terminal(heron: Path, tmp_path: Path) -> Iterator[Terminal]:
    model = script(tmp_path / "steps.json", *STEPS)
    opened = Terminal(tmp_path / "tmux", [*ORCH, "app", "--model", model, "--mode", "workspace"], heron)
    yield opened
    opened.close()


def leave(terminal: Terminal) -> None:
    terminal.type("C-c", "C-c")


def quit_(terminal: Terminal) -> None:
    terminal.line("/quit")


def terminate(terminal: Terminal) -> None:
    os.kill(terminal.child(), signal.SIGTERM)


def hang_up(terminal: Terminal) -> None:
    os.kill(terminal.child(), signal.SIGHUP)


@pytest.mark.parametrize("end", [leave, quit_, terminate, hang_up, Terminal.close])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_however_it_ends_the_session_is_written(
    terminal: Terminal, heron: Path, end: Callable[[Terminal], None], busy: bool
) -> None:
    terminal.wait("A fresh instance")
    terminal.line("hello there")
    terminal.wait("First.")
    if busy:
        terminal.line("run it")
        terminal.wait("begun")
    end(terminal)
    log = heron / "SESSION_LOG.md"
    terminal.until(lambda: log.exists() and "orch:session" in log.read_text(encoding="utf-8"), "no log")
    assert "hello there" in log.read_text(encoding="utf-8")
    if end is not Terminal.close:
        screen = terminal.wait("EXIT=")
        assert "EXIT=0" in screen
        assert "Traceback" not in screen
    ended = run("log", "--kind", "session", cwd=heron).stdout
    assert "killed" not in ended
