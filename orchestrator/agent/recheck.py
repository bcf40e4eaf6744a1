"""A command that failed is run once more after each change: what was to mend it says whether it did.

Small models take a change that was made for one that helps.
"""

from __future__ import annotations

from orchestrator.types import Effect, ToolCall, ToolResult

_MOST = 3
"""Checks in a turn that nobody called for."""
_NEVER_RAN = frozenset({124, 126, 127, 137})
"""Exit codes of commands that were cut off or not found: nothing that a change of a file mends."""


class Recheck:
    """Of one turn."""

    def __init__(self) -> None:
        self._failed: ToolCall | None = None
        self._left = _MOST

    def made(self, call: ToolCall, effect: Effect, result: ToolResult) -> ToolCall | None:
        """A call was made; the command to run now, if it may have mended one."""
        if effect == "write" and result.ok and result.changed and self._failed and self._left:
            self._left -= 1
            return self._failed
        if call.name == "shell":
            ran = result.exit_code is not None  # else a person said no
            mendable = ran and result.exit_code not in (0, *_NEVER_RAN) and not result.again
            self._failed = call if mendable else None
        return None
