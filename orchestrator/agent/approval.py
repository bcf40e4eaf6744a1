"""Who may say yes: the policy of the mode first, then a person (or `--approve` for one)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from orchestrator.errors import OrchError
from orchestrator.ports import Approver, Tools
from orchestrator.tools.policy import Verdict, decide
from orchestrator.types import Approval, Decision, Mode, Preview, ToolCall


class Never:
    """Answers no to whatever would be asked: `--approve never`, and the default without a terminal."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(False, "nobody is there to approve it (--approve never)")


class Always:
    """Answers yes to whatever would be asked: `--approve always`."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(True)


class Rules(Protocol):
    """What a person decided about tools in this project, once and for all."""

    def of(self, tool: str) -> Decision | None: ...

    def allow(self, tool: str) -> None:
        """From now on without a question. Raises `OrchError` where that cannot be kept."""
        ...


class NoRules:
    """Nothing is decided, and nothing is kept."""

    def of(self, tool: str) -> Decision | None:
        return None

    def allow(self, tool: str) -> None:
        pass


class Gate:
    """Admits or refuses each call. "Always" becomes a rule of the project; of a command without a sandbox
    it covers this session only. `warn` hears why a rule could not be kept."""

    def __init__(
        self,
        mode: Mode,
        tools: Tools,
        approver: Approver,
        *,
        writable: bool = True,
        rules: Rules | None = None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.mode = mode
        self._writable = writable
        self._tools = tools
        self._approver = approver
        self._rules = rules or NoRules()
        self._warn = warn
        self._always: set[str] = set()

    def possible(self, call: ToolCall) -> bool:
        """Whether the mode could ever admit such a call."""
        return self._verdict(call).decision != "deny"

    async def admit(self, call: ToolCall) -> Approval:
        verdict = self._verdict(call)
        if verdict.decision == "deny":
            return Approval(False, verdict.reason)
        name = self._tools.named(call)
        if verdict.decision == "allow" or (name in self._always and self._rule(name) is None):
            return Approval(True)
        approval = await self._approver.approve(call, self._tools.preview(call))
        if approval.yes and approval.call is not None:
            approval = self._checked(call, approval.call, approval)
        if approval.yes and approval.network:
            self._tools.open_network()
        if approval.yes and approval.always:
            self._remember(name, call)
        return approval

    def _remember(self, name: str, call: ToolCall) -> None:
        self._always.add(name)
        if self._tools.effect(call) == "command" and self._tools.sandbox == "none":
            return
        try:
            self._rules.allow(name)
        except OrchError as error:
            self._warn(f"The rule holds for this session only: {error}")

    def _rule(self, name: str) -> Decision | None:
        """A registry that cannot be read decides nothing: what would be asked is asked."""
        try:
            return self._rules.of(name)
        except OrchError as error:
            self._warn(f"The rules of this project cannot be read: {error}")
            return "ask"

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
            rule=self._rule(self._tools.named(call)),
        )
