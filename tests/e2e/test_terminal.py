"""A session in a real terminal (tmux) on the real 0.5B: ask, approve an edit by its diff, leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import ORCH
from tests.e2e.tmux import Terminal

pytestmark = [pytest.mark.model, pytest.mark.tmux]


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


def test_a_worker_killed_in_mid_answer_costs_that_answer_only(terminal: Terminal, with_model: Home) -> None:
    terminal.wait("qwen2.5-coder-0.5b · ask")
    poem = "Write a poem of ten stanzas about a heron at the lake."
    terminal.line(poem)
    waiting = ("reading ", "loading ")
    terminal.until(lambda: not f"{terminal.screen().partition(poem)[2].strip()} ".startswith((" ", *waiting)))
    os.kill(worker(with_model), signal.SIGKILL)
    screen = terminal.wait("SIGKILL")
    terminal.line("Say hi.")
    terminal.line("/quit")
    terminal.wait("EXIT=0")
    said = [line for line in screen.splitlines() if "SIGKILL" in line]
    assert len(said) == 1
    assert said[0].startswith("orch: The model's process was killed by SIGKILL")
    records = map(json.loads, with_model.memory_log.read_text(encoding="utf-8").splitlines())
    answers = [r["body"] for r in records if r["kind"] == "message" and r["body"]["role"] == "assistant"]
    assert [answer.get("interrupted", False) for answer in answers] == [True, False]
    assert all(answer["text"] for answer in answers)


def worker(home: Home) -> int:
    """Process id of the model's process of the `orch` that has this home."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            if b"llama_worker" in command and f"ORCH_HOME={home.root}".encode() in environment.split(b"\0"):
                return int(folder.name)
    raise AssertionError("no worker runs")
