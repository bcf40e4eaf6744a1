"""What comes before a session's first prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from orchestrator.types import ModelInfo


def about(info: ModelInfo) -> list[str]:
    """What the user should know before the first prompt: how the model was chosen, and what leaves."""
    said = [info.why] if info.why else []
    if info.sent_to:
        said.append(f"Prompts leave this machine: {info.name} runs at {info.sent_to}.")
    return said


async def both(first: Awaitable[Mapping[str, Any]], second: Awaitable[ModelInfo]) -> tuple[Any, ModelInfo]:
    """Both at once; the first error is raised when both have ended."""
    results = await asyncio.gather(first, second, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results[0], results[1]
