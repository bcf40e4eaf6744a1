"""What a cursor in the prompt is completing: a command, a file, or an earlier prompt. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from orchestrator.context.mentions import BEFORE, QUOTED, unescaped

_TYPED = re.compile(rf'{BEFORE}@(?:{QUOTED}|((?:[^\s"]\S*)?))$')
_COMMAND = re.compile(r"\s*/(\S*)$")


@dataclass(frozen=True, slots=True)
class Span:
    """What is being typed: columns `start` to `end` of a line (sign and quotes in it), and the bare query."""

    kind: Literal["command", "file", "history"]
    start: int
    end: int
    query: str


def span_at(line: str, column: int, *, first: bool) -> Span | None:
    """What a cursor in this line is completing; commands stand on the `first` line of a prompt only.

    A prompt that begins with `!` is for the shell, where `@` means something else: give it no line of that.
    """
    before, after = line[:column], line[column:]
    if first and (typed := _COMMAND.match(before)):
        return Span("command", typed.start(1) - 1, column + _word(after), typed[1])
    if not (typed := _TYPED.search(before)):
        return None
    if typed[1] is None:
        return Span("file", typed.start(), column + _word(after), typed[2])
    closing = re.match(r'(?:[^"\\]|\\.)*+"', after)
    return Span("file", typed.start(), column + (closing.end() if closing else 0), unescaped(typed[1]))


def _word(text: str) -> int:
    """How far the word goes on."""
    match = re.match(r"\S*", text)
    return match.end() if match else 0
