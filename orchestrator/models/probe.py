"""What a model on a server is good at: tried once, dialect by dialect, and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from orchestrator.errors import ServerError
from orchestrator.models.abilities import Known
from orchestrator.models.served import ServedBackend
from orchestrator.models.trial import PROMPTS, Tried, generation_rate, trial
from orchestrator.models.wire import Dialect
from orchestrator.types import ModelInfo

THINKING_TOKENS = 512
_LOST = 2
"""So many right answers fewer with thinking, or in another dialect, are no accident."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One dialect, with or without thinking: of `asked` prompts, `right` led to the right tool.

    `error` says why it was given up. `first_token_ms` is of the first prompt, which no cache had.
    """

    dialect: Dialect
    thinking: bool
    right: int
    asked: int
    tokens_per_second: float = 0.0
    first_token_ms: float = 0.0
    error: str = ""


async def probe(backend: ServedBackend) -> AsyncIterator[ModelInfo | Tried | Trial]:
    """Load the model, then try every dialect that its server offers; the caller closes the backend.

    Raises what loading raises. A dialect that fails is a `Trial` with its error.
    """
    yield await backend.start()
    assert backend.served is not None
    for dialect in backend.served.dialects:
        backend.use(dialect)
        async for part in _try(backend, dialect, thinking=False):
            yield part
    if backend.served.thinks:
        dialect = "native" if "native" in backend.served.dialects else "text"
        backend.use(dialect, THINKING_TOKENS)
        async for part in _try(backend, dialect, thinking=True):
            yield part


async def _try(backend: ServedBackend, dialect: Dialect, *, thinking: bool) -> AsyncIterator[Tried | Trial]:
    tried: list[Tried] = []
    error = ""
    try:
        async for part in trial(backend):
            if isinstance(part, Tried):
                tried.append(part)
                yield part
    except ServerError as failed:
        error = failed.message
    right = sum(one.right for one in tried)
    first = tried[0].usage.time_to_first_token_ms if tried else 0.0
    yield Trial(dialect, thinking, right, len(PROMPTS), generation_rate(tried), first, error)


def best(trials: Sequence[Trial]) -> Trial | None:
    """The dialect to use: the first offered, unless a later one is clearly better. None if all failed.

    One right answer more is luck, and what is offered first cannot give an invalid call.
    """
    usable = [one for one in trials if not one.thinking and not one.error]
    chosen = usable[0] if usable else None
    for one in usable[1:]:
        if chosen and one.right >= chosen.right + _LOST:
            chosen = one
    return chosen


def known(trials: Sequence[Trial], context_size: int, factor: float, when: str) -> Known:
    """What to keep of them."""
    chosen = best(trials)
    if chosen is None:
        return Known(factor=factor, tried=when)
    return Known(
        chosen.dialect,
        factor,
        chosen.right,
        chosen.asked,
        round(chosen.tokens_per_second, 1),
        round(trials[0].first_token_ms, 1),
        context_size,
        _thinking(trials),
        when,
    )


def _thinking(trials: Sequence[Trial]) -> str:
    """Whether thinking breaks tools: compared with the same dialect without."""
    with_it = next((one for one in trials if one.thinking), None)
    if with_it is None:
        return ""
    without = next((one.right for one in trials if one.dialect == with_it.dialect and not one.thinking), 0)
    return "breaks tools" if with_it.error or with_it.right + _LOST <= without else "works"
