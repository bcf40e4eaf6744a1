"""What an instance that answers other devices has: no tools. A mode could be raised; this cannot."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from orchestrator.documents.tiers import PORTFOLIO, read_tier
from orchestrator.paths import Home
from orchestrator.ports import OutputSink
from orchestrator.types import (
    Approval,
    Effect,
    HandoverLine,
    Preview,
    TierText,
    ToolCall,
    ToolResult,
    ToolSpec,
)

_NONE = "There are no tools here."


class NoTools:
    """`ports.Tools` without a tool."""

    specs: tuple[ToolSpec, ...] = ()
    sandbox = "none"

    def begin(self, prompt: str) -> None:
        """No tool listens."""

    def knows(self, prompt: str) -> bool:
        return False

    def effect(self, call: ToolCall) -> Effect:
        return "command"

    def named(self, call: ToolCall) -> str:
        return call.name

    def open_network(self) -> None:
        """Nothing ever runs."""

    def forget_seen(self) -> None:
        """Nothing is ever seen."""

    def refusal(self, call: ToolCall) -> str:
        return _NONE

    def told(self) -> None:
        pass

    def quote(self, answer: str) -> str:
        return ""

    def look(self) -> ToolCall | None:
        return None

    def narrowed(self, spec: ToolSpec) -> ToolSpec:
        return spec

    def preview(self, call: ToolCall) -> Preview:
        return Preview(call.name)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        return ToolResult(False, _NONE)


class NobodyApproves:
    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(False, _NONE)


class PortfolioOnly:
    """`ports.Documents` of a question that belongs to no project: tier 1, where this node has one."""

    def __init__(self, home: Home) -> None:
        self._folder = home.projects

    def tiers(self) -> tuple[TierText, ...]:
        text = read_tier(PORTFOLIO, self._folder) if self._folder.is_dir() else ""
        path = str(self._folder / PORTFOLIO.filename)
        return (TierText(PORTFOLIO.number, PORTFOLIO.name, path, text),) if text else ()

    def refresh(self) -> object:
        return None

    def done(self, session: str) -> tuple[HandoverLine, ...]:
        return ()

    def rewriting(self, sessions: Iterable[str]) -> AbstractContextManager[None]:
        return nullcontext()

    def close_session(self, session: str, reason: str) -> None:
        """There is no log to add to; the journal has the records."""
