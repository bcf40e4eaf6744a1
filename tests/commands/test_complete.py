"""Completion in the shell, through the script that the program prints and the program itself."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.models.catalog import models
from orchestrator.paths import Home
from orchestrator.types import NOTE_KINDS
from tests.e2e.tmux import Terminal
from tests.models.gguf_file import tiny_gguf

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, with `orch` in the path and one model installed."""
    program = tmp_path / "bin" / "orch"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom orchestrator.cli import main\n\nmain()\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("HOME", str(tmp_path))
    orch_home.models.mkdir()
    (orch_home.models / "mine.gguf").write_bytes(tiny_gguf())
    return tmp_path


def bash(line: str) -> subprocess.CompletedProcess[str]:
    # Not -c alone: bash would give its place to the program, which then could not see what shell it is.
    command = ["bash", "--norc", "-c", f"{line}; exit $?"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def completed(*words: str) -> list[str]:
    """What bash offers for the last of the words."""
    array = shlex.join(words)
    done = bash(
        f'eval "$(orch --show-completion bash)"; COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; '
        "_orch_completion orch; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options() -> None:
    assert completed("orch", "mo") == ["model"]
    assert completed("orch", "model", "") == [
        *("list", "pull", "use", "rm", "add", "tune", "test", "snapshots")
    ]
    assert {"--install-completion", "--version"} <= set(completed("orch", "--"))
    for command in (
        "app",
        "ask",
        "chat",
        "init",
        "note",
        "log",
        "doctor",
        "model",
        "config",
        "warm",
        "context",
        "handoff",
    ):
        options = completed("orch", command, "--")
        assert "--help" in options
        assert "--install-completion" not in options


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "--model", ""],
        ["chat", "--model", ""],
        ["app", "--model", ""],
        ["warm", "--model", ""],
        ["context", "--model", ""],
        ["model", "use", ""],
        ["config", "set", "model.name", ""],
    ],
)
def test_models_that_can_be_used(words: list[str]) -> None:
    assert completed("orch", *words) == ["auto", "mine"]


def test_models_that_can_be_pulled_or_removed() -> None:
    assert set(completed("orch", "model", "pull", "")) >= {model.name for model in models()}
    assert completed("orch", "model", "rm", "") == ["mine"]


def test_values() -> None:
    assert completed("orch", "ask", "--mode", "") == ["read-only", "ask", "workspace"]
    assert completed("orch", "config", "set", "agent.mode", "w") == ["workspace"]
    assert completed("orch", "note", "") == [*NOTE_KINDS, "confirm"]
    assert completed("orch", "log", "--kind", "tool") == ["tool_call", "tool_result"]


@pytest.mark.parametrize(
    ("shell", "mark"),
    [("bash", "complete -o default"), ("zsh", "#compdef orch"), ("fish", "complete --command orch")],
)
def test_the_named_shell_counts(shell: str, mark: str) -> None:
    assert mark in bash(f"orch --show-completion {shell}").stdout
    assert "complete -o default" in bash("orch --show-completion").stdout  # this one


def test_a_shell_that_is_none_is_one_sentence() -> None:
    done = bash("orch --install-completion tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("orch: There is no completion for 'tcsh'. Choose from: bash, zsh, fish")


def test_a_home_that_cannot_be_written_is_one_sentence(user: Path) -> None:
    (user / ".bash_completions").write_text("in the way")
    done = bash("orch --install-completion bash")
    assert done.returncode == 2
    assert done.stderr.startswith("orch: ")
    assert done.stderr.endswith("Put what `orch --show-completion bash` prints where your shell reads it.\n")


@pytest.fixture
def terminal(user: Path) -> Iterator[Terminal]:
    opened = Terminal(user / "tmux", ["env", f"HOME={user}", "bash", "--norc"], user)
    yield opened
    opened.close()


@pytest.mark.tmux
def test_the_tab_key_in_a_real_bash(terminal: Terminal, user: Path) -> None:
    assert bash("orch --install-completion bash").returncode == 0
    terminal.line("PS1='> '; . ~/.bashrc")
    terminal.typed("orch mod")
    terminal.type("Tab")
    terminal.typed("us")
    terminal.type("Tab")
    terminal.typed("mi")
    terminal.type("Tab")
    terminal.wait("orch model use mine")
    terminal.type("Enter")
    terminal.wait("Sessions use mine.")
