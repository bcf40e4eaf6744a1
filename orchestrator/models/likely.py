"""What the words of a prompt make likely, for backends: a prior over the names that may be called. Pure."""

from __future__ import annotations

from orchestrator.types import GenerateRequest, ToolSpec

_UNLIKELY = 4.0
"""Behind the likeliest by more, in log-probability, a name is not what was asked for."""


def prior(request: GenerateRequest) -> dict[str, float]:
    """The request's prior for each of its choices, the mean for those that it does not name; or empty."""
    if not request.prior:
        return {}
    mean = sum(request.prior.values()) / len(request.prior)
    return {spec.name: request.prior.get(spec.name, mean) for spec in request.choices}


def likely(request: GenerateRequest) -> tuple[ToolSpec, ...]:
    """Its choices without those that the prior all but excludes.

    For a server: nobody can add to its log-probabilities, but a constraint can leave names out.
    """
    chances = prior(request)
    best = max(chances.values(), default=0.0)
    return tuple(spec for spec in request.choices if chances.get(spec.name, best) >= best - _UNLIKELY)
