"""Runs the real `orch` in a process of its own, as a person's shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ORCH = [sys.executable, "-m", "orchestrator.cli"]


def run(
    *args: str, cwd: Path, stdin: str | None = None, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The finished process. Without `stdin` its standard input is empty, and never a terminal."""
    return subprocess.run(
        [*ORCH, *args],
        cwd=cwd,
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        env={**os.environ, **environment},
        check=False,
    )


def script(path: Path, *steps: dict[str, Any]) -> str:
    """A scripted model's name: `--model` takes it."""
    path.write_text(json.dumps(steps), encoding="utf-8")
    return f"scripted:{path}"


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
