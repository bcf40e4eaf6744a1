"""A call that cannot work is drawn again, warmer, before it is made: a small model that is told what was
wrong with it mostly says it once more, and the telling stays in the window.

Nothing has to be prefilled for it. Only calls are drawn again, and no answer in their place: an answer has
been seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.types import Message, ToolCall

TEMPERATURES = (0.5, 0.7, 0.9)
"""Of the draws after the first."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`why` a call must fail as it stands (empty: it may work), and what should have been read before it."""

    why: str = ""
    look: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """What a model called, and what is wrong with that."""

    call: ToolCall
    message: Message
    refusal: Refusal


class Redraw:
    """Of one step after the other: `attempt` counts the draws of this one that could not work."""

    def __init__(self) -> None:
        self.attempt = 0
        self._first: Draw | None = None

    def temperature(self, usual: float) -> float:
        return max(usual, TEMPERATURES[self.attempt - 1]) if self.attempt else usual

    def settle(self, draw: Draw, *, vain: bool) -> Draw | None:
        """The draw to make: this one, or the likeliest where none can work. None: draw once more."""
        first = self._first = self._first or draw
        if vain and self.attempt < len(TEMPERATURES):
            self.attempt += 1
            return None
        self._first, self.attempt = None, 0
        return first if vain else draw
