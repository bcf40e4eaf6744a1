"""The app in a real terminal (tmux) on the real 0.5B: ask, approve by the diff, switch, leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import ORCH, run
from tests.e2e.tmux import Terminal

pytestmark = [pytest.mark.model, pytest.mark.tmux]


@pytest.fixture
def egret(tmp_path: Path) -> Path:
    """Another project, known to the registry."""
    root = tmp_path / "egret"
    root.mkdir()
    (root / "README.md").write_text("# Egret\n\nCounts birds.\n", encoding="utf-8")
    assert run("init", str(root), cwd=root).returncode == 0
    return root


@pytest.fixture
def terminal(with_model: Home, heron: Path, egret: Path, tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path / "tmux", [*ORCH, "app", "--model", "qwen2.5-coder-0.5b"], heron)
    yield opened
    opened.close()


def test_a_working_day(terminal: Terminal, heron: Path, egret: Path) -> None:
    terminal.wait("fresh instance")
    terminal.line("Which function raises QuotaExceeded?")
    terminal.wait("▸ search", "▸ read")
    terminal.wait("tok/s")

    terminal.line("In settings.toml change port = 8080 to port = 9090.")
    screen = terminal.wait("y yes")
    assert "port = 9090" in screen
    assert "port = 8080" in (heron / "settings.toml").read_text(encoding="utf-8")
    terminal.type("F4")  # turned to on purpose, so the next key is an answer at once
    terminal.type("y")
    terminal.until(lambda: "port = 9090" in (heron / "settings.toml").read_text(encoding="utf-8"))

    terminal.line("/decide use PostgreSQL because SQLite locks under our writers")
    terminal.wait("noted: decision [S")

    terminal.type("C-w")
    terminal.wait("egret")
    terminal.typed("egret")
    terminal.type("Enter")
    terminal.wait(" egret ▾")
    log = heron / "SESSION_LOG.md"  # written while the next session opens
    terminal.until(lambda: log.exists() and "use PostgreSQL" in log.read_text(encoding="utf-8"))
    assert "settings.toml" in log.read_text(encoding="utf-8")

    terminal.line("/quit")
    terminal.wait("EXIT=0")
