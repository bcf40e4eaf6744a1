"""Which call a prompt asks for, judged by its words alone: a prior for the first step of a turn.

A small model that has read "HACK and XXX markers" may well answer with what a marker is. A linear
classifier over words and pieces of words says how people who wrote so wanted to be served; its
log-probabilities are added to the model's own for the name of the call, and only there. Pure.

`first_call.bin` is made by `benchmarks/tool_choice/fit.py` from the prompts beside it.
"""

from __future__ import annotations

import math
import re
import zlib
from array import array
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from orchestrator.types import ANSWER

NAMES = ("search", "read", "write", "edit", "run", "shell", "git", "note", ANSWER)
BUCKETS = 1 << 16
"""Features share weights by their checksum: no vocabulary has to be kept."""
SCALE = 1 / 8
"""A weight is stored as a whole number of these, in one byte."""
TRUST = 1.0
"""How much a word of the classifier counts against one of the model."""
WEIGHTS = Path(__file__).with_suffix(".bin")
_LONGEST = (2, 3, 4, 5)
_HEAD, _TAIL = 400, 200  # characters of a long prompt in which the wish stands


def prior(prompt: str) -> Mapping[str, float]:
    """What to add to the model's log-probability of each name of a call."""
    found = features(prompt)
    weights, share = _weights(), SCALE / math.sqrt(len(found))
    scores = [share * sum(weights[at + bucket] for bucket in found) for at in _rows()]
    top = max(scores)
    whole = top + math.log(sum(math.exp(score - top) for score in scores))
    return {name: TRUST * (score - whole) for name, score in zip(NAMES, scores, strict=True)}


def features(prompt: str) -> set[int]:
    """Buckets of the prompt's words, pairs of words, and runs of 2 to 5 characters; never empty."""
    text = " ".join(prompt.lower().split())
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} {text[-_TAIL:]}"
    text = re.sub(r"\d", "0", text)
    words = re.findall(r"\w+|[^\w\s]", text)
    pairs = zip(["^", *words], [*words, "$"], strict=True)
    grams = {*words, *(f"{left} {right}" for left, right in pairs)}
    framed = f" {text} "
    for size in _LONGEST:
        grams.update(framed[at : at + size] for at in range(len(framed) - size + 1))
    return {zlib.crc32(gram.encode("utf-8", "replace")) % BUCKETS for gram in grams}


def _rows() -> range:
    return range(0, len(NAMES) * BUCKETS, BUCKETS)


@cache
def _weights() -> array[int]:
    weights = array("b", zlib.decompress(WEIGHTS.read_bytes()))
    assert len(weights) == len(NAMES) * BUCKETS
    return weights
