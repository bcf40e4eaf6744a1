"""A text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestrator.errors import UsageError


def edited(text: str, suffix: str = ".txt") -> str:
    """The text as $VISUAL or $EDITOR (else vi, or Notepad) leaves it; blocks. Raises `UsageError`."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    editor = wanted or ("notepad" if sys.platform == "win32" else "vi")
    command = [editor] if sys.platform == "win32" else shlex.split(editor)
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        file = Path(folder) / f"text{suffix}"
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*command, str(file)], check=False)
        except OSError as error:
            raise UsageError(
                f"{editor} cannot be started: {error.strerror or error}.", "Set EDITOR."
            ) from error
        if done.returncode:
            raise UsageError(f"{editor} ended with exit code {done.returncode}.", "Nothing was changed.")
        return file.read_text(encoding="utf-8", errors="replace")
