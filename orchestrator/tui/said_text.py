"""How what was said reads in the chat: its header line, and a body of bearable length."""

from __future__ import annotations

from textual.content import Content

from orchestrator.types import Usage

LONGEST = 100_000
"""Characters of one message on screen; the journal has it whole."""
MOST_LINES = 1_500
"""The same in lines: each may be a paragraph, and take 2 ms to lay out."""


def header(who: str, right: str) -> Content:
    return Content.assemble((who, "bold"), (f"  {right}" if right else "", "dim"))


def rates(usage: Usage) -> str:
    """`0.4 s · 28 tok/s`: time to the first token, and generation; empty when there was none."""
    first = usage.time_to_first_token_ms / 1000
    if not first:
        return ""
    speed = f" · {usage.tokens_per_second:.0f} tok/s" if usage.tokens_per_second else ""
    return f"{first:.1f} s{speed}"


def bearable(text: str) -> str:
    """As much of the text's beginning as a screen can show."""
    lines = text.split("\n", MOST_LINES)
    return "\n".join(lines[:MOST_LINES])[:LONGEST]


def left_out(text: str) -> str:
    """What is said of the rest of a text that is not bearable whole; empty when there is none."""
    rest = len(text) - len(bearable(text))
    return f"… {rest:,} more characters: `orch log` has them." if rest else ""


def shortened(text: str) -> str:
    """The text, or its bearable beginning and what is said of the rest."""
    return f"{bearable(text)}\n\n{note}" if (note := left_out(text)) else text
