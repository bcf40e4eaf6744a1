"""What is in the model's window, as lines for people: `/context` and `orch context`."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.types import LeftOut, Usage, WindowPart


def lines(parts: Iterable[WindowPart], left_out: Iterable[LeftOut], size: int) -> list[str]:
    """Each part with its tokens, what did not fit and why, and the sum."""
    shown = [*parts]
    used = sum(part.tokens for part in shown)
    rows = [f"{part.tokens:>7,}  {part.name}" for part in shown]
    rows += [f"{'':>7}  left out of {left.part}: {left.what} ({_why(left)})" for left in left_out]
    return [*rows, f"{used:>7,}  of {size:,} tokens"]


def turn_line(usage: Usage) -> str:
    """What the last turn read, over all its steps."""
    new = usage.prompt_tokens - usage.cached_tokens
    return (
        f"last turn: {usage.prompt_tokens:,} tokens read, {usage.cached_tokens:,} of them from the cache, "
        f"{new:,} new; first token after {usage.time_to_first_token_ms / 1000:.1f} s"
    )


def _why(left: LeftOut) -> str:
    return f"{left.why}, {left.tokens:,} tokens" if left.tokens else left.why
