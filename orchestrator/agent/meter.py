"""Tokens and times of a session or a turn, summed over its generations."""

from __future__ import annotations

from orchestrator.types import Usage


class Meter:
    """Sums usage. The time to first token is that of the first generation, as a person felt it."""

    def __init__(self) -> None:
        self.total = Usage()
        self.last = Usage()
        """Of the newest generation alone."""
        self._seconds = 0.0

    def add(self, usage: Usage) -> None:
        self.last = usage
        first = self.total.completion_tokens == 0 and self.total.prompt_tokens == 0
        if usage.tokens_per_second > 0:
            self._seconds += usage.completion_tokens / usage.tokens_per_second
        completion = self.total.completion_tokens + usage.completion_tokens
        self.total = Usage(
            prompt_tokens=self.total.prompt_tokens + usage.prompt_tokens,
            cached_tokens=self.total.cached_tokens + usage.cached_tokens,
            completion_tokens=completion,
            time_to_first_token_ms=usage.time_to_first_token_ms
            if first
            else self.total.time_to_first_token_ms,
            model_load_ms=max(self.total.model_load_ms, usage.model_load_ms),
            tokens_per_second=round(completion / self._seconds, 2) if self._seconds else 0.0,
        )
