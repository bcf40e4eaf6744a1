"""One request to a model server, and what it led to so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from orchestrator.models import chat_turns, schemas
from orchestrator.models.dialects import Decoder, native
from orchestrator.models.estimate import estimate
from orchestrator.models.wire import Ask, Called, Delta, Ended, Piece, Thought
from orchestrator.types import ToolCall, Usage

_CHARS_A_TOKEN = 64  # no tokenizer has longer ones on average: a server that sends more is not counting
_PATIENCE = 1.5  # thinking is counted by estimates, which are high


@dataclass(slots=True)
class Attempt:
    """What one request led to so far."""

    ask: Ask
    decoder: Decoder
    estimated: int
    """Tokens of the prompt, uncorrected."""
    counted: int = 0
    """Tokens of the prompt by the model's own tokenizer, markers of its template apart; 0: not counted."""
    started: float = field(default_factory=time.perf_counter)
    first: float = 0.0
    last: float = 0.0
    pieces: int = 0
    text: str = ""
    thought: int = 0
    called: Called | None = None
    ended: Ended | None = None
    cut: bool = False
    overthought: bool = False

    @property
    def empty(self) -> bool:
        return not self.text.strip() and self.called is None

    def take(self, delta: Delta) -> str:
        """Add a delta; the next piece of the answer's text, if it holds one."""
        if isinstance(delta, Called):
            self.called = self.called or delta
        elif isinstance(delta, Thought):
            self.thought += estimate(delta.text)
            budget = self.ask.thinking
            self.overthought = bool(budget) and self.called is None and self.thought > budget * _PATIENCE
        elif isinstance(delta, Piece):
            self.pieces += 1
            left = self.ask.max_tokens * _CHARS_A_TOKEN - len(self.text)
            self.cut = self.cut or len(delta.text) > left
            piece = delta.text[:left]
            self.text += piece
            return self.decoder.feed(piece)
        return ""

    def call_and_text(self, cancelled: bool) -> tuple[ToolCall | None, str]:
        if self.called and not (self.cut or cancelled):
            return native(self.called.name, self.called.arguments, self.ask.tools), ""
        return self.decoder.finish(cut=self.cut or cancelled)

    def usage(self) -> Usage:
        """The server's counts, and our times where it gave none."""
        given = self.ended.usage if self.ended else Usage()
        seconds = self.last - self.first
        tokens = given.completion_tokens or self.pieces
        return replace(
            given,
            prompt_tokens=given.prompt_tokens or self.counted,
            completion_tokens=tokens,
            time_to_first_token_ms=(self.first - self.started) * 1000 if self.first else 0.0,
            tokens_per_second=given.tokens_per_second or (tokens / seconds if seconds > 0 else 0.0),
        )


def texts_of(ask: Ask) -> list[str]:
    """Everything of the request that becomes tokens."""
    if ask.dialect != "native":
        return [turn.text for turn in chat_turns.house(ask.messages)]
    texts = [str(function) for function in schemas.functions(ask.tools)]
    for turn in chat_turns.native(ask.messages, ask.base):
        texts.append(turn.text or f"{turn.call.name} {dict(turn.call.arguments)}" if turn.call else turn.text)
    return texts
