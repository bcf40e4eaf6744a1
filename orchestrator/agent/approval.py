"""Who may say yes: the policy of the mode first, then a person (or `--approve` for one)."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.ports import Approver, Tools
from orchestrator.tools.policy import Verdict, decide
from orchestrator.types import Approval, Mode, Preview, ToolCall


class Never:
    """Answers no to whatever would be asked: `--approve never`, and the default without a terminal."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(False, "nobody is there to approve it (--approve never)")


class Always:
    """Answers yes to whatever would be asked: `--approve always`."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(True)


class Gate:
    """Admits or refuses each call. "Always" covers one tool for the rest of the session."""

    def __init__(self, mode: Mode, tools: Tools, approver: Approver, *, writable: bool = True) -> None:
        self.mode = mode
        self._writable = writable
        self._tools = tools
        self._approver = approver
        self._always: set[str] = set()

    def possible(self, call: ToolCall) -> bool:
        """Whether the mode could ever admit such a call."""
        return self._verdict(call).decision != "deny"

    async def admit(self, call: ToolCall) -> Approval:
        verdict = self._verdict(call)
        if verdict.decision == "deny":
            return Approval(False, verdict.reason)
        if verdict.decision == "allow" or call.name in self._always:
            return Approval(True)
        approval = await self._approver.approve(call, self._tools.preview(call))
        if approval.yes and approval.call is not None:
            approval = self._checked(call, approval.call, approval)
        if approval.yes and approval.always:
            self._always.add(call.name)
        return approval

    def _checked(self, call: ToolCall, edited: ToolCall, approval: Approval) -> Approval:
        """A person may change what a call does, not which tool does it; and the mode still decides."""
        if edited == call:
            return replace(approval, call=None)
        if edited.name != call.name:
            return Approval(False, f"an edited {call.name} call must stay a {call.name} call")
        verdict = self._verdict(edited)
        return Approval(False, verdict.reason) if verdict.decision == "deny" else approval

    def _verdict(self, call: ToolCall) -> Verdict:
        return decide(
            self.mode,
            self._tools.effect(call),
            sandboxed=self._tools.sandbox != "none",
            read_only_project=not self._writable,
        )
