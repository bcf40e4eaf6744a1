"""The tools of an instance in a run: those of every session, less what a run must not do.

Git only reads, since orch commits, and branches are the user's too; tests that the check runs stay as they
are unless the goal speaks of them; what failed before is refused with its citation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from orchestrator.autonomy.dead_ends import DeadEnd, fingerprint, refusal, repeated_by_call
from orchestrator.ports import OutputSink, Tools
from orchestrator.types import Effect, Preview, ToolCall, ToolResult, ToolSpec

_COMMITS = "In a run git only reads: orch commits what you change. Go on with the files."


@dataclass
class Watch:
    """What an instance must not do, and what it did: `changes` are fingerprints of calls that changed files,
    `found` what it read or noted, `reasons` what it noted with a reason."""

    words: str = ""
    """The person's own, of the goal and the step: what a command printed is not for the tools to seek."""
    dead_ends: tuple[DeadEnd, ...] = ()
    protected: Collection[str] = ()
    changes: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    refused: list[DeadEnd] = field(default_factory=list)


class RunTools:
    """`ports.Tools` around the toolbox of the worktree."""

    def __init__(self, inner: Tools, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """A small model that nobody listens to notes its own notes: it may only give a reason for what was
        refused."""
        noting = bool(self._watch.refused)
        return tuple(spec for spec in self._inner.specs if noting or spec.effect != "note")

    @property
    def sandbox(self) -> str:
        return self._inner.sandbox

    def begin(self, prompt: str) -> None:
        self._inner.begin(self._watch.words)

    def knows(self, prompt: str) -> bool:
        return self._inner.knows(self._watch.words)

    def effect(self, call: ToolCall) -> Effect:
        return self._inner.effect(call)

    def named(self, call: ToolCall) -> str:
        return self._inner.named(call)

    def refusal(self, call: ToolCall) -> str:
        return self._forbidden(call) or self._inner.refusal(call)

    def open_network(self) -> None:
        """Never in a run: nobody is there to say so."""

    def told(self) -> None:
        self._inner.told()

    def quote(self, answer: str) -> str:
        return ""  # nobody reads it

    def look(self) -> ToolCall | None:
        return self._inner.look()

    def narrowed(self, spec: ToolSpec) -> ToolSpec:
        return self._inner.narrowed(spec)

    def preview(self, call: ToolCall) -> Preview:
        return self._inner.preview(call)

    def forget_seen(self) -> None:
        self._inner.forget_seen()

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        if said := self._forbidden(call):
            return ToolResult(False, said)
        result = await self._inner.run(call, sink)
        self._saw(call, result)
        return result

    def _forbidden(self, call: ToolCall) -> str:
        effect, name = self.effect(call), self.named(call)
        if name == "git" and effect == "command":
            return _COMMITS
        if effect not in ("write", "command"):
            return ""
        path = str(call.arguments.get("path") or "").strip().removeprefix("./")
        if effect == "write" and path in self._watch.protected:
            return f"{path} is what the check runs, so it stays as it is. Change the code that it tests."
        if end := repeated_by_call(call, self._watch.dead_ends, self._watch.reasons):
            if end not in self._watch.refused:
                self._watch.refused.append(end)
            return refusal(end)
        return ""

    def _saw(self, call: ToolCall, result: ToolResult) -> None:
        watch, effect = self._watch, self.effect(call)
        if result.ok and (effect == "write" or result.changed):
            watch.changes.append(fingerprint(call))
        elif result.ok and effect == "note":
            watch.found.append(
                f"note {fingerprint(ToolCall('note', {'content': call.arguments.get('text')}))}"
            )
            if because := str(call.arguments.get("because") or ""):
                watch.reasons.append(because)
        elif result.ok and effect == "read":
            place = call.arguments.get("path") or call.arguments.get("pattern") or call.arguments.get("query")
            watch.found.append(f"{call.name} {place}"[:120])
