"""How what was said reads in the chat: its header line, and a body of bearable length."""

from __future__ import annotations

from textual.content import Content

from orchestrator.types import Usage

LONGEST = 100_000
"""Characters of one message on screen; the journal has it whole."""


def header(who: str, right: str) -> Content:
    return Content.assemble((who, "bold"), (f"  {right}" if right else "", "dim"))


def rates(usage: Usage) -> str:
    """`0.4 s · 28 tok/s`: time to the first token, and generation."""
    first = usage.time_to_first_token_ms / 1000
    speed = f" · {usage.tokens_per_second:.0f} tok/s" if usage.tokens_per_second else ""
    return f"{first:.1f} s{speed}"


def shortened(text: str) -> str:
    """At most `LONGEST` characters; a single line never longer than a screen can wrap quickly."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters: `orch log` has them."
