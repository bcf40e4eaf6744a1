"""Whether the documents answer a question: then no tool is needed, and a search would lead astray. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator.journal.words import query_words, words

ENOUGH = 0.5
"""Share of a question's telling words that one line must have."""
_STEM = 5  # letters
_STOOD_FOR = re.compile(r"^(?:- |\*\*[A-Z])(.*) \[[^\[\]]*, confirmed\]$")


def answered(question: str, documents: Iterable[str]) -> bool:
    """Whether a line that a person stands for is about what is asked.

    Only such lines: those about earlier sessions repeat what was asked then, and answer nothing.
    """
    if not question.rstrip().endswith("?"):
        return False
    wanted = {word[:_STEM] for word in query_words(question)}
    if not wanted:
        return False
    for text in documents:
        heading = ""
        for line in text.splitlines():
            if line.startswith("#"):
                heading = line
            elif match := _STOOD_FOR.match(line):
                found = {word[:_STEM] for word in words(f"{heading} {match[1]}")}
                if len(wanted & found) >= max(ENOUGH * len(wanted), min(2, len(wanted))):
                    return True
    return False
