"""What the app must not load before its first frame, since a person waits for it."""

from __future__ import annotations

import subprocess
import sys

FIRST = """
import sys
import orchestrator.cli, orchestrator.commands.app, orchestrator.tui.app, orchestrator.local_node
from orchestrator.config import load
print(" ".join(sys.modules))
"""
HEAVY = (
    "detect_secrets",
    "filelock",
    "git",
    "httpx",
    "jinja2",
    "llama_cpp",
    "markdown_it",
    "ollama",
    "pyte",
    "pygments",
    "sqlite3",
    "tinydb",
    "tomlkit",
    "yaml",
)
LATER = (
    "orchestrator.agent.session",
    "orchestrator.journal.store",
    "orchestrator.tools.toolbox",
    "orchestrator.tui.screens.help",
    "orchestrator.tui.screens.sessions",
    "orchestrator.tui.screens.workspaces",
    "orchestrator.tui.widgets.answer",
    "orchestrator.tui.widgets.memory_log",
    "orchestrator.tui.widgets.terminal",
)


def test_the_first_frame_needs_little() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded.intersection(HEAVY)
    assert not loaded.intersection(LATER)
