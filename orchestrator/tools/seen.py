"""What the model has read of the project's files in this session: nothing else may be replaced whole."""

from __future__ import annotations

from pathlib import Path

from orchestrator.tools.text import clean, numbered, shorten

WHOLE_LINES, WHOLE_CHARS = 80, 3000
"""A file up to this size is shown whole where a part would do."""
_LINE = 300


class Seen:
    """Files by their resolved path."""

    def __init__(self) -> None:
        self._paths: set[Path] = set()
        self.wanted: Path | None = None
        """A small file that the newest call would have changed unread: better read first."""

    def add(self, path: Path) -> None:
        self._paths.add(path)

    def want(self, path: Path) -> None:
        """A call went wrong for want of having read this file, which is small."""
        if path not in self._paths:
            self.wanted = path
        self._paths.add(path)

    def clear(self) -> None:
        self._paths.clear()
        self.wanted = None

    def __contains__(self, path: Path) -> bool:
        return path in self._paths


def whole(content: str) -> str:
    """The file's numbered lines; empty when it is too large to be shown for nothing."""
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) > WHOLE_LINES or len(content) > WHOLE_CHARS:
        return ""
    return numbered([shorten(clean(line), _LINE) for line in lines], 1)
