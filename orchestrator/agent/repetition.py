"""Small models repeat themselves: the same call, thrice in a row, is stopped.

Nudging fails (220 identical calls were seen in a peer), so the repeats are taken out of the tail of
the conversation, the tool is not offered at the next step, and the model reads what to do instead.
"""

from __future__ import annotations

from orchestrator.types import ToolCall

LIMIT = 3


class Repetition:
    """Counts identical calls in a row within one turn."""

    def __init__(self) -> None:
        self._last: ToolCall | None = None
        self._times = 0

    def seen(self, call: ToolCall) -> bool:
        """Whether this call completes a run of `LIMIT`; it must then not be executed."""
        self._times = self._times + 1 if call == self._last else 1
        self._last = call
        return self._times >= LIMIT

    @staticmethod
    def advice(call: ToolCall) -> str:
        return (
            f"You already made this {call.name} call and its result is above; making it again changes "
            "nothing. Use another tool or other arguments, or answer with what you know."
        )
