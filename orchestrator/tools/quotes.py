"""What the tools saw and an answer leaves out: small models read a value and then paraphrase it away.

Quoted below the answer as it stands, with its place, so that it can be trusted where the model cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orchestrator.tools.text import clean, shorten

MOST = 3
"""Lines quoted below one answer."""
_CHARS = 160
_OUTPUT_LINES, _OUTPUT_CHARS = 3, 240
"""Output of a command that is short enough to be the answer."""
_VALUE = re.compile(
    r"https?://[^\s\"'<>;,)]+|\"[^\"\n]{1,60}\"|'[^'\n]{1,60}'|\d[\w.:%/-]*|[A-Za-z]\w*(?:[_.:/-]\w+)+"
)
"""What a paraphrase must not lose: figures, quoted texts, addresses, compound names."""


class Quotes:
    """Of one turn: lines of the newest result that are about the prompt, and where they stand."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Something was changed: what was seen before is no answer any more."""
        self._seen: list[tuple[str, str]] = []

    def lines(self, path: str, numbered: Iterable[tuple[int, str]]) -> None:
        """Lines of a file, with their numbers from 1."""
        self._seen = [(f"{path}:{number}", _code(text)) for number, text in numbered if text.strip()]

    def counts(self, path: str, counted: str) -> None:
        """What was counted in a file, one count a line."""
        self._seen = [(path, shorten(clean(line), _CHARS)) for line in counted.split("\n") if line]

    def output(self, command: str, text: str) -> None:
        """What a command said; nothing if that is long."""
        lines = [line for line in text.split("\n") if line.strip()]
        short = 0 < len(lines) <= _OUTPUT_LINES and len(text) <= _OUTPUT_CHARS
        self._seen = [(shorten(clean(command), 60), _code(line)) for line in lines] if short else []

    def missing(self, answer: str) -> str:
        """A list in Markdown of what `answer` leaves out; empty where it has it all."""
        left = [f"- {place}: {text}" for place, text in self._seen if not _said(_values(text), answer)]
        return "\n".join(left[:MOST])


def _values(text: str) -> Sequence[str]:
    return [value.strip("\"'") for value in _VALUE.findall(text)]


def _said(values: Sequence[str], answer: str) -> bool:
    said = answer.casefold()
    return all(value.casefold() in said for value in values)


def _code(text: str) -> str:
    line = shorten(clean(text.strip()), _CHARS)
    return line if "`" in line else f"`{line}`"
