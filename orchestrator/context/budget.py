"""Fitting a document into its share of the window. Pure: token counts are given, never guessed.

A document is cut into blocks that stay or go whole. Tiers 1–3 keep their beginning (the newest and
most important stand on top), tier 4 keeps its newest entries. What goes is listed, never silent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.types import LeftOut, TierText

LOG_TIER = 4
_STEP = 256  # tokens
_ENTRY = re.compile(r"^## ", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_UNCHECKED_ANSWER = re.compile(r"^\s*- (?:Result: )?answered: .*, claimed\]\n?", re.MULTILINE | re.IGNORECASE)
"""What a model merely said. People may read it; the next instance must not take it for a fact, or one
invention is repeated in every session after it."""


@dataclass(frozen=True, slots=True)
class FittedTier:
    """A tier as it goes into the window: `text` with its `tokens`, and what did not fit."""

    source: TierText
    text: str
    tokens: int
    left_out: tuple[LeftOut, ...] = ()


def blocks(document: TierText) -> list[str]:
    """The document as blocks, in order, without markers of regions and unchecked answers."""
    text = _COMMENT.sub("", document.text.replace("\r\n", "\n"))
    text = _UNCHECKED_ANSWER.sub("", text).strip()
    starts = [match.start() for match in _ENTRY.finditer(text)]
    if document.tier != LOG_TIER or not starts:  # a log kept by hand may have no entries of ours
        return [block for block in re.split(r"\n{2,}|\n(?=#)", text) if block.strip()]
    ends = [*starts[1:], len(text)]
    return [text[a:b].strip() for a, b in zip(starts, ends, strict=True)]


def fit(document: TierText, counted: Sequence[tuple[str, int]], budget: int) -> FittedTier:
    """Keep blocks (each with its tokens) while they fit in `budget`, in document order.

    Tier 4 keeps its end, from a start that moves seldom. A block that is too large alone is cut by lines.
    """
    newest_first = document.tier == LOG_TIER
    ordered = list(reversed(counted)) if newest_first else list(counted)
    kept: list[tuple[str, int]] = []
    spent = 0
    whole = budget
    if newest_first:
        budget = _steady([tokens for _, tokens in counted], budget)
    for text, tokens in ordered:
        if spent + tokens > budget:
            break
        kept.append((text, tokens))
        spent += tokens
    lost = ordered[len(kept) :]
    notes = document.left_out
    if lost:
        if not kept and whole > 0:
            kept, spent = [_cut(*ordered[0], whole)], whole
            lost[0] = ("", max(0, ordered[0][1] - whole))
        what = f"{len(lost)} {'older entries' if newest_first else 'later blocks'} of {document.path}"
        notes += (LeftOut(document.name, what, "budget", sum(tokens for _, tokens in lost)),)
    if newest_first:
        kept.reverse()
    return FittedTier(document, "\n\n".join(text for text, _ in kept), spent, notes)


def _steady(sizes: Sequence[int], budget: int) -> int:
    """What the log's newest entries may take, so that its start moves seldom; `sizes` oldest first.

    A start that moved with each new entry would have all of them prefilled anew. So the log is
    replayed: it grows until it no longer fits, then gives up its older half. What earlier tiers leave
    over differs a little from session to session, and is rounded.
    """
    if sum(sizes) > budget >= 2 * _STEP:
        budget -= budget % _STEP
    start = spent = 0
    for index, size in enumerate(sizes):
        spent += size
        if spent > budget:
            while start < index and spent > budget // 2:
                spent -= sizes[start]
                start += 1
    return min(spent, budget)


def shares(wanted: Sequence[int], budgets: Sequence[int]) -> list[int]:
    """What each tier may spend, in order: its own budget and what those before it left unused."""
    given, carried = [], 0
    for want, budget in zip(wanted, budgets, strict=True):
        share = min(want, budget + carried)
        carried += budget - share
        given.append(share)
    return given


def _cut(text: str, tokens: int, budget: int) -> tuple[str, int]:
    """The lines of `text` that fit, by their share of its characters."""
    room = len(text) * budget // max(tokens, 1)
    if len(text) <= room:
        return text, tokens
    end = text.rfind("\n", 0, room)
    return text[: end if end > 0 else room].rstrip(), budget
