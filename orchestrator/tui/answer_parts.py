"""A long answer in parts that are laid out on their own: a new word costs no more than the last part.

A part begins with a paragraph after an empty line, outside a code fence: there Markdown means the same
whether the text before belongs to it or not (link definitions aside), and looks the same.
"""

from __future__ import annotations

import re

PART_CHARS = 700
"""A part is not ended before it is so long."""
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


class Parts:
    """Cuts a text as it comes, in pieces of any length."""

    def __init__(self) -> None:
        self._size = 0
        self._line = ""
        """What is there of the line that is not over yet."""
        self._after_empty = False
        self._fence = ""

    def feed(self, text: str) -> list[str]:
        """The text for the current part, which may be empty, and for each new one that begins after it."""
        pieces = [""]
        for piece in text.splitlines(keepends=True):
            if not self._line and self._may_begin(piece):
                pieces.append("")
                self._size = 0
            pieces[-1] += piece
            self._size += len(piece)
            self._line += piece
            if piece.endswith("\n"):
                self._ended(self._line)
                self._line = ""
        return pieces

    def _may_begin(self, piece: str) -> bool:
        return self._size >= PART_CHARS and self._after_empty and not self._fence and piece[0].isalpha()

    def _ended(self, line: str) -> None:
        self._after_empty = not line.strip()
        found = _FENCE.match(line)
        if found is None:
            return
        if not self._fence:
            self._fence = found[1]
        elif found[1].startswith(self._fence) and not line[found.end() :].strip():
            self._fence = ""
