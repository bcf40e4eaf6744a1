"""Files that a prompt mentions with `@`: they are read before the model's first step."""

from __future__ import annotations

from pathlib import Path

from orchestrator.context.mentions import mentions
from orchestrator.types import ToolCall

READ = "read"
MOST = 5
"""Files of one prompt; each costs prefill."""


def mentioned(prompt: str, root: Path) -> tuple[ToolCall, ...]:
    """A `read` for each file mentioned that exists in the project; other words with an @ are just words."""
    found = [path for path in mentions(prompt) if _is_file(root, path)]
    return tuple(ToolCall(READ, {"path": path}) for path in found[:MOST])


def _is_file(root: Path, path: str) -> bool:
    try:
        return (root / path).is_file()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False
