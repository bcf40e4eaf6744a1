"""Choosing the next token from logits, greedy or not, under a grammar. Worker process only.

A grammar over all 150,000 tokens costs more than the model itself. So the best token alone is
checked first, which nearly always passes, then the best hundred, and only then all.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

Logits = npt.NDArray[np.float32]
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_FEW = 128
_NEVER = np.float32(-np.inf)


class BadGrammar(Exception):
    """llama.cpp cannot parse the grammar."""


class DeadEnd(Exception):
    """No token of the vocabulary continues the grammar."""


class Sampler:
    """State of one generation. Without a grammar everything but control tokens is allowed."""

    def __init__(self, vocab: Any, grammar: str, temperature: float, seed: int) -> None:
        """`grammar` is GBNF with a rule `root`, or empty; raises `BadGrammar`."""
        self._vocab = vocab
        self._temperature = temperature
        self._random = np.random.default_rng(seed)
        self._one = np.zeros(1, _CANDIDATE)
        self._end = c.llama_vocab_eos(vocab)
        self._grammar = None
        if grammar:
            self._grammar = c.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
            if not self._grammar:  # a null pointer, not None
                raise BadGrammar(grammar)

    def close(self) -> None:
        if self._grammar is not None:
            c.llama_sampler_free(self._grammar)
            self._grammar = None

    def pick(self, logits: Logits) -> int:
        """The next token, accepted by the grammar. Raises `DeadEnd`."""
        token = self._sample(logits) if self._temperature > 0 else self._greedy(logits)
        if self._grammar is not None and not self.ends(token):
            c.llama_sampler_accept(self._grammar, token)
        return token

    def ends(self, token: int) -> bool:
        return bool(c.llama_vocab_is_eog(self._vocab, token))

    @property
    def complete(self) -> bool:
        """Whether the grammar allows the end here."""
        return self._grammar is not None and self._allowed(self._end)

    def _greedy(self, logits: Logits) -> int:
        best = int(logits.argmax())
        if self._allowed(best):
            return best
        few = np.argpartition(logits, -_FEW)[-_FEW:] if len(logits) > _FEW else np.arange(len(logits))
        few = few[np.argsort(-logits[few], kind="stable")]
        for ids in (few, np.arange(len(logits))):
            masked = self._masked(ids, logits[ids])
            index = int(masked.argmax())
            if masked[index] > _NEVER:
                return int(ids[index])
        raise DeadEnd

    def _sample(self, logits: Logits) -> int:
        """First from all tokens; where the grammar rejects that one, from those it allows.

        Both steps together give the same distribution as masking first.
        """
        token = self._draw(logits)
        if self._allowed(token):
            return token
        masked = self._masked(np.arange(len(logits)), logits)
        if masked.max() == _NEVER:
            raise DeadEnd
        return self._draw(masked)

    def _draw(self, logits: Logits) -> int:
        scaled = (logits - logits.max()).astype(np.float64) / self._temperature
        cumulative = np.exp(scaled).cumsum()
        index = int(np.searchsorted(cumulative, self._random.random() * cumulative[-1], side="right"))
        return min(index, len(logits) - 1)

    def _allowed(self, token: int) -> bool:
        if _is_control(self._vocab, token):
            return False
        if self._grammar is None:
            return True
        self._one["id"] = token
        self._one["logit"] = 0
        self._apply(self._one)
        return bool(self._one["logit"][0] > _NEVER)

    def _masked(self, ids: npt.NDArray[Any], logits: Logits) -> Logits:
        """The logits with what is not allowed at minus infinity."""
        candidates = np.zeros(len(ids), _CANDIDATE)
        candidates["id"], candidates["logit"] = ids, logits
        if self._grammar is not None:
            self._apply(candidates)
        masked: Logits = candidates["logit"].copy()
        masked[_control_tokens(self._vocab)[ids]] = _NEVER
        return masked

    def _apply(self, candidates: npt.NDArray[Any]) -> None:
        """Let the grammar set the logits of what it rejects to minus infinity, in place."""
        pointer = candidates.ctypes.data_as(ctypes.POINTER(c.llama_token_data))
        array = c.llama_token_data_array(pointer, len(candidates), -1, False)
        c.llama_sampler_apply(self._grammar, ctypes.byref(array))


def _is_control(vocab: Any, token: int) -> bool:
    """Whether the token would be obeyed in the next prompt instead of read; the end is not meant."""
    return bool(c.llama_vocab_is_control(vocab, token)) and not c.llama_vocab_is_eog(vocab, token)


@functools.cache
def _control_tokens(vocab: Any) -> npt.NDArray[np.bool_]:
    """One flag a token. 60 ms for 150,000 tokens, so only when first needed."""
    return np.array([_is_control(vocab, token) for token in range(c.llama_vocab_n_tokens(vocab))])
