"""`orch chat` in a real terminal (tmux), with a scripted model."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import ORCH, script
from tests.e2e.tmux import Terminal

pytestmark = pytest.mark.tmux
BLOCK = "def f():\n    return 1\n\nWhat does this do?"


@contextlib.contextmanager
def chat(tmp_path: Path, *options: str) -> Iterator[Terminal]:
    folder = tmp_path / "heron"
    folder.mkdir()
    opened = Terminal(tmp_path / "tmux", [*ORCH, "chat", *options], folder)
    try:
        opened.wait("› ")
        yield opened
    finally:
        opened.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with chat(tmp_path, "--model", script(tmp_path / "answers.json", {"answer": "First."})) as opened:
        yield opened


def prompts(home: Home) -> list[str]:
    records = map(json.loads, home.memory_log.read_text(encoding="utf-8").splitlines())
    bodies = [one["body"] for one in records if one["kind"] == "message"]
    return [body["text"] for body in bodies if body["role"] == "user"]


def test_a_pasted_block_is_one_prompt(terminal: Terminal, orch_home: Home) -> None:
    terminal.paste(BLOCK, marked=True)
    terminal.type("Enter")
    terminal.wait("First.")
    terminal.line("/quit")
    terminal.wait("EXIT=0")
    assert prompts(orch_home) == [BLOCK]


def test_so_it_is_where_the_terminal_does_not_mark_it(terminal: Terminal, orch_home: Home) -> None:
    terminal.paste(BLOCK + "\n", marked=False)
    terminal.wait("First.")
    terminal.line("/quit")
    terminal.wait("EXIT=0")
    assert prompts(orch_home) == [BLOCK]


def test_lines_typed_while_it_works_are_prompts_of_their_own(tmp_path: Path, orch_home: Home) -> None:
    wait = {"tool": "shell", "arguments": {"command": "until [ -e go ]; do sleep 0.1; done; echo gone"}}
    model = script(tmp_path / "steps.json", wait, {"answer": "First."}, {"answer": "Second."})
    with chat(tmp_path, "--model", model, "--mode", "workspace") as terminal:
        terminal.line("Wait for me.")
        terminal.wait("▸ shell")
        terminal.line("And then?")
        terminal.line("/quit")
        (tmp_path / "heron" / "go").touch()
        terminal.wait("EXIT=0")
    assert prompts(orch_home) == ["Wait for me.", "And then?"]


def test_a_history_that_is_no_file_is_waited_for_by_nobody(tmp_path: Path, orch_home: Home) -> None:
    os.mkfifo(orch_home.history)
    with chat(tmp_path, "--model", script(tmp_path / "answer.json", {"answer": "First."})) as terminal:
        terminal.line("one")
        terminal.wait("First.")
        terminal.line("/quit")
        terminal.wait("EXIT=0")
