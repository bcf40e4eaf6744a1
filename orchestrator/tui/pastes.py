"""Large pastes, shown in the prompt as one short mark each: `[pasted 1: 20,000 lines]`."""

from __future__ import annotations

import re

FOLD_CHARACTERS = 2000
FOLD_LINES = 30


class Pastes:
    """The texts behind the marks of one prompt. Marks are single: no cursor stops inside of one."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The text itself, or a mark for it where it is large."""
        lines = text.count("\n") + (not text.endswith("\n"))
        if len(text) <= FOLD_CHARACTERS and lines <= FOLD_LINES:
            return text
        size = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        mark = f"[pasted {len(self._texts) + 1}: {size}]"
        self._texts[mark] = text
        return mark

    def expand(self, shown: str) -> str:
        """What is shown, with the texts in place of their marks."""
        if not self._texts:
            return shown
        return self._pattern().sub(lambda match: self._texts[match[0]], shown)

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Columns of the marks in a line, start and end."""
        return [match.span() for match in self._pattern().finditer(line)] if self._texts else []

    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(mark) for mark in self._texts))
