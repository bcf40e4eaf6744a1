"""What every session of a project starts from: the fixed part and the documents, fitted.

A session reads it once; warming reads it the same way, so that its snapshot is the one that the next
session looks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.agent.loop import Prefix
from orchestrator.agent.tiers import KnownTiers
from orchestrator.config import ContextSettings
from orchestrator.context.budget import FittedTier
from orchestrator.context.builder import MESSAGE_OVERHEAD, Window, build, documents_text
from orchestrator.ports import Backend
from orchestrator.types import GenerateRequest, Message, Owner


@dataclass(frozen=True, slots=True)
class Reading:
    """The window before anything was said, and the tiers as they went into it."""

    window: Window
    prefix: Prefix
    fitted: tuple[FittedTier, ...]

    @property
    def request(self) -> GenerateRequest:
        """What warming prefills: the leading messages, and no choice to make."""
        start = self.prefix
        return GenerateRequest(start.messages, (), base=start.base, stable=start.stable, owner=start.owner)


async def read(
    backend: Backend,
    fixed: Sequence[Message],
    tiers: KnownTiers,
    budgets: ContextSettings,
    owner: Owner,
) -> Reading:
    """Read and fit the documents; all sizes in the model's own tokens."""
    fitted = await tiers.read(backend, budgets)
    texts = [m.text or (str({"tool": m.call.name} | dict(m.call.arguments)) if m.call else "") for m in fixed]
    size = sum(await backend.count(texts)) + MESSAGE_OVERHEAD * len(texts)
    window = build(fixed, size, fitted, (), 0)
    whole = (await backend.count([documents_text(fitted)]))[0]
    tokens = size + whole + 4 * MESSAGE_OVERHEAD
    prefix = Prefix(window.messages, tokens, window.base, window.stable, owner)
    return Reading(window, prefix, tuple(fitted))
