"""The documents as one instance knows them: read once, announced when they change under it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Protocol

from orchestrator.config import ContextSettings
from orchestrator.context.budget import FittedTier, blocks, fit, shares
from orchestrator.ports import Backend
from orchestrator.types import TierText

ANNOUNCED_CHARS = 1500


class Readable(Protocol):
    """Documents that can be read; `ports.Documents` can be written, too."""

    def tiers(self) -> tuple[TierText, ...]: ...


class NoDocuments:
    """Of a folder that is no project yet."""

    def tiers(self) -> tuple[TierText, ...]:
        return ()


class KnownTiers:
    """What this instance read of the four tiers, and what has changed since."""

    def __init__(self, documents: Readable) -> None:
        self._documents = documents
        self.seen: dict[str, str] = {}
        """Path → text, as this instance knows it."""

    async def read(self, backend: Backend, budgets: ContextSettings) -> list[FittedTier]:
        """Read and fit all tiers, each into its budget and what earlier ones left unused."""
        tiers = self._documents.tiers()
        self.seen = {tier.path: tier.text for tier in tiers}
        cut = [blocks(tier) for tier in tiers]
        counts = await backend.count([block for part in cut for block in part])
        counted: list[list[tuple[str, int]]] = []
        for part in cut:
            counted.append(list(zip(part, counts[: len(part)], strict=True)))
            counts = counts[len(part) :]
        allowed = (budgets.portfolio, budgets.project, budgets.briefing, budgets.log)
        wanted = [sum(tokens for _, tokens in part) for part in counted]
        # AGENTS.md has what PROJECT_CONTEXT.md left of tier 2
        first = [index == 0 or tiers[index - 1].tier != tier.tier for index, tier in enumerate(tiers)]
        given = shares(wanted, [allowed[tier.tier - 1] * own for tier, own in zip(tiers, first, strict=True)])
        return [fit(*parts) for parts in zip(tiers, counted, given, strict=True)]

    def changes(self) -> str:
        """New lines in the documents since they were last read or announced; empty when none."""
        news: list[str] = []
        for tier in self._documents.tiers():
            if (old := self.seen.get(tier.path, "")) != tier.text:
                news += _added(tier, old)
                self.seen[tier.path] = tier.text
        text = "\n".join(news)
        return text if len(text) <= ANNOUNCED_CHARS else text[:ANNOUNCED_CHARS] + "…"


def scaled(budgets: ContextSettings, total: int) -> ContextSettings:
    """The same shares of a smaller or larger total, in tokens."""
    now = budgets.portfolio + budgets.project + budgets.briefing + budgets.log
    return ContextSettings(
        portfolio=budgets.portfolio * total // now,
        project=budgets.project * total // now,
        briefing=budgets.briefing * total // now,
        log=budgets.log * total // now,
    )


def _added(tier: TierText, old: str) -> Sequence[str]:
    before, after = old.splitlines(), tier.text.splitlines()
    if len(before) > 5000 or len(after) > 5000:  # difflib is quadratic
        return [f"{tier.name} has changed."]
    lines = [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    shown = [line for line in lines if line.strip() and not line.startswith("<!--")]
    return [f"{tier.name} now also says:", *shown] if shown else []
