"""Tokens of a text where no tokenizer is at hand: an estimate from above, corrected by what servers count.

Pure. The classes below are how byte-pair tokenizers of 32,000 to 256,000 tokens cut: words by their
length, digits singly, other scripts by their bytes. On English, code, JSON, German, Russian and
Chinese the uncorrected estimate was never below Qwen2.5's own count (`tests/models/test_estimate.py`).
"""

from __future__ import annotations

import math
import re

_LONG_WORD = re.compile(r"[A-Z]?[a-z]{5,}|[A-Z]{4,}")
_COMPOUND = re.compile(r"[a-z]{13,}|[A-Z]{13,}")
"""German and file names have words that no vocabulary holds in large pieces."""
_CUT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]|[\n\t\r]+|  +| (?=[0-9])|[!-/:-@[-`{-~]")
_NOISE = re.compile(r"(?=[A-Za-z+/=]*[0-9])[A-Za-z0-9+/=]{20,}")
"""Checksums, keys, base64: hardly two of their characters share a token."""
_LETTERS_A_TOKEN = 5
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_BYTES_A_TOKEN = 1.9
_MARGIN = 1.05
_LEAST, _MOST = 0.4, 4.0
_SHORT = 200
"""Tokens below which a prompt says too little about a model: its template's markers weigh too much."""


def estimate(text: str) -> int:
    """About how many tokens, rather too many than too few."""
    noise = sum(len(run) for run in _NOISE.findall(text))
    if noise:
        text = _NOISE.sub("", text)
    cuts = len(_CUT.findall(text)) + sum(len(w) // _LETTERS_A_TOKEN for w in _LONG_WORD.findall(text))
    cuts += sum(len(word) // _LETTERS_A_TOKEN for word in _COMPOUND.findall(text))
    foreign = 0
    if not text.isascii():
        foreign = sum(len(part.encode("utf-8", "replace")) for part in _FOREIGN.findall(text))
    return math.ceil((noise + cuts + foreign / _BYTES_A_TOKEN) * _MARGIN)


class Correction:
    """What this model's own counts say about the estimates: a factor from the highest of the last few."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._seen: list[float] = []

    @property
    def least(self) -> float:
        """The lowest share of an estimate that a true count had lately; 0 when none is known."""
        return min(self._seen, default=0.0)

    def tokens(self, text: str) -> int:
        return math.ceil(estimate(text) * self.factor)

    def learn(self, estimated: int, counted: int) -> None:
        """A prompt that was `estimated`, uncorrected, had so many tokens by the server's count."""
        if estimated < _SHORT or counted <= 0:
            return
        self._seen = [*self._seen[-7:], counted / estimated]
        self.factor = min(max(max(self._seen) * _MARGIN, _LEAST), _MOST)
