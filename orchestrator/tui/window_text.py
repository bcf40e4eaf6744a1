"""The model's window as lines of text: what is in it, how much, and what was left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from orchestrator.terminal import one_line
from orchestrator.types import LeftOut, Usage, WindowPart

NAME = 16
"""Columns of a part's name."""
TIERS = {1: "portfolio", 2: "project", 3: "briefing", 4: "log"}
SHARING = "AGENTS.md"
"""It shares tier 2 and has a line of its own."""
PART_BAR = 10
LONGEST_NOTE = "  99 left out"
NEARLY_FULL = 0.85


@dataclass(frozen=True, slots=True)
class WindowState:
    """Tokens throughout. `last` is the newest generation, `session` all of them; None before the first."""

    parts: tuple[WindowPart, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    size: int = 0
    last: Usage | None = None
    session: Usage | None = None


def summary(state: WindowState, width: int) -> Content:
    """`window 8,192 ▓▓▓░░░ 3,771 used · 3,702 cached · 69 new`, in two lines where one is too short."""
    used = sum(part.tokens for part in state.parts)
    share = min(used / state.size, 1.0) if state.size else 0.0
    numbers = f"{used:,} used{_cached(state.last)}{' · nearly full' if share >= NEARLY_FULL else ''}"
    head = f" window {state.size:,}  "
    one_row = width - len(head) - len(numbers) - 4 >= PART_BAR
    room = max(width - len(head) - (len(numbers) + 4 if one_row else 2), 1)
    full = round(share * room)
    colour = "$text-warning" if share >= NEARLY_FULL else "$text-accent"
    bar = Content.assemble(head, ("▓" * full, colour), ("░" * (room - full), "dim"))
    return Content.assemble(bar, "  " if one_row else "\n ", numbers)


def _cached(last: Usage | None) -> str:
    if last is None:
        return ""
    return f" · {last.cached_tokens:,} cached · {last.prompt_tokens - last.cached_tokens:,} new"


def part_line(part: WindowPart, size: int, left_out: Sequence[LeftOut], width: int) -> Content:
    """`project           1,404  ▓▓▓▓▓▓▓  2 left out`; the bar gives way where it is narrow."""
    head = f"  {name_of(part):<{NAME}}{part.tokens:>7,}  "
    note = f"  {len(left_out)} left out" if left_out else ""
    room = max(min(PART_BAR, width - len(head) - len(LONGEST_NOTE)), 0)
    share = part.tokens / size if size else 0.0
    bar = min(max(round(share * 4 * room), 1 if part.tokens else 0), room)  # a quarter of the window fills it
    return Content.assemble(head, ("▓" * bar, "$text-accent"), " " * (room - bar), (note, "dim"))


def name_of(part: WindowPart) -> str:
    """The tier's short name, else the part's own."""
    own = "" if part.name == SHARING else TIERS.get(part.tier)
    return own or one_line(part.name, NAME)


def left_out_lines(left_out: Sequence[LeftOut]) -> list[Content]:
    """One line each: what did not go in, and why."""
    head = [Content.styled("Left out", "bold")] if left_out else []
    return head + [
        Content.assemble(
            one_line(left.what, 100),
            (f"  {one_line(f'{left.part}: {left.why}', 80)}", "dim"),
            (f", {left.tokens:,} tokens" if left.tokens else "", "dim"),
        )
        for left in left_out
    ]


def hit_rates(state: WindowState) -> str:
    """`cache: 98 % of the last prompt, 91 % of this session's`; empty before the first turn."""
    if not (state.last and state.last.prompt_tokens and state.session):
        return ""
    last = state.last.cached_tokens / state.last.prompt_tokens
    session = state.session.cached_tokens / max(state.session.prompt_tokens, 1)
    return f"cache: {last:.0%} of the last prompt, {session:.0%} of this session's"
