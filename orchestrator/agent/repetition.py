"""Small models repeat themselves: the same call thrice in a row, or twice in vain, is stopped.

Nudging fails (220 identical calls were seen in a peer, and small models give the nudge as their
answer), so the repeats are taken out of the tail of the conversation, and the tool is not offered at
the next step. What is said of it is for the trace.
"""

from __future__ import annotations

from orchestrator.types import ToolCall

LIMIT = 3
LOOKS = 2
"""Of a call that only reads, or that failed before: nothing can have changed since."""


class Repetition:
    """Counts identical calls in a row within one turn."""

    def __init__(self) -> None:
        self._last: ToolCall | None = None
        self._times = 0
        self._failed = False

    def seen(self, call: ToolCall, *, reads: bool) -> int:
        """How long the run is that this call completes and that must not go on; 0: none."""
        self._times = self._times + 1 if call == self._last else 1
        self._last = call
        run = self._times
        if run < (LOOKS if reads or self._failed else LIMIT):
            return 0
        self._times = 1  # of them only the first is left
        return run

    def failed(self, call: ToolCall) -> bool:
        """Whether this is the newest call once more, which failed."""
        return self._failed and call == self._last

    def made(self, *, ok: bool) -> None:
        """How the newest call went."""
        self._failed = not ok

    @staticmethod
    def advice(call: ToolCall) -> str:
        return (
            f"You already made this {call.name} call and its result is above; making it again changes "
            "nothing. Use another tool or other arguments, or answer with what you know."
        )
