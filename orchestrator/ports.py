"""Protocols between the agent and the world. Concrete classes meet only in `wiring`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from orchestrator.types import (
    Approval,
    Effect,
    Entry,
    Generated,
    GenerateRequest,
    Handover,
    HandoverLine,
    Kind,
    ModelInfo,
    Prefill,
    Preview,
    Recollection,
    Record,
    TierText,
    ToolCall,
    ToolResult,
    ToolSpec,
    Warmed,
)

Progress = Callable[[float], None]
"""Takes a share from 0 to 1, rising."""
OutputSink = Callable[[str], None]
"""Takes pieces of a running command's output as they come."""


class Backend(Protocol):
    """A model that runs. Errors are `ModelError`s, each with its remedy."""

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        """Load the model (once; later calls return at once). `progress` hears how far it is."""
        ...

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as this model counts them."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        """Yield `Prefill`s, `AnswerText`s and `Remark`s, then exactly one `Finish`.

        Closing the iterator early or calling `cancel` stops the model promptly; after `cancel`
        the iterator still ends with a `Finish` whose reason is "cancelled".
        """
        ...

    async def cancel(self) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class Warmable(Backend, Protocol):
    """A backend that keeps prefilled prompts from one process to the next."""

    def warm(
        self, request: GenerateRequest, *, yields: bool = False, look: bool = False
    ) -> AsyncIterator[Prefill | Warmed]:
        """Prefill the request's stable part and keep it; yields `Prefill`s, then one `Warmed`.

        With `yields` it stops as soon as a person waits for the model; with `look` it only says
        what is kept. `cancel` stops it, too; what was done so far is kept.
        """
        ...


class Tool(Protocol):
    """One tool. `run` raises `ToolError` for what the model should read as a failed result."""

    @property
    def spec(self) -> ToolSpec: ...

    def preview(self, call: ToolCall) -> Preview: ...

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult: ...


class Tools(Protocol):
    """The tools of one project, behind one door: `tools.toolbox.Toolbox`."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]: ...

    @property
    def sandbox(self) -> str:
        """What confines commands: "bwrap" or "none"."""
        ...

    def begin(self, prompt: str) -> None:
        """A turn begins with these words of the user: the tools look where they point."""
        ...

    def knows(self, prompt: str) -> bool:
        """Whether the prompt names a file of the project, or something that stands in one."""
        ...

    def effect(self, call: ToolCall) -> Effect:
        """What this call would do (`git status` reads, `git commit` does not)."""
        ...

    def named(self, call: ToolCall) -> str:
        """The name of the tool that the call is for, as rules know it: `shell` for a `run` that is a command
        line; the given name where there is no such tool."""
        ...

    def refusal(self, call: ToolCall) -> str:
        """Why the call must fail as it stands, found without doing anything; empty when it may work.

        So nobody is asked to approve an edit whose place is not in the file.
        """
        ...

    def told(self) -> None:
        """The model hears what `refusal` said last; some refusals are made once in a turn."""
        ...

    def quote(self, answer: str) -> str:
        """What an answer leaves out of what the tools saw, as lines of Markdown; often empty."""
        ...

    def look(self) -> ToolCall | None:
        """What should have been read before the call that `refusal` just refused, if that is why."""
        ...

    def narrowed(self, spec: ToolSpec) -> ToolSpec:
        """The spec with the only arguments that make sense now: after an edit whose place was not in
        the file, the lines that are. Most are as they were."""
        ...

    def preview(self, call: ToolCall) -> Preview: ...

    def open_network(self) -> None:
        """For the command that the next call runs, and no other."""
        ...

    def forget_seen(self) -> None:
        """What was read is not in the model's window any more."""
        ...

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        """Never raises for what the model did wrong: that is a result with `ok` False."""
        ...


class Approver(Protocol):
    """Asks a person (or answers for one, as `--approve` says)."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval: ...


class Reviewer(Protocol):
    """Shows a person what survives a rollover."""

    async def review(self, handover: Handover) -> Handover | None:
        """The handover as the person wants it; None: this instance should go on."""
        ...


class Journal(Protocol):
    """The node's records. `append` returns once they are durable."""

    def append(self, entries: Sequence[Entry]) -> list[Record]: ...

    def records(
        self,
        *,
        project: str | None = None,
        session: str | None = None,
        kinds: Iterable[Kind] | None = None,
        since_ms: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Record]: ...

    def live_notes(self, project: str, limit: int | None = None) -> list[Record]:
        """Notes (`types.NOTE_KINDS`) that nothing supersedes, oldest first; of each kind the newest."""
        ...

    def standing(self, records: Sequence[Record]) -> list[Record]:
        """Those that no tombstone hides, in the order given."""
        ...

    def resolve(self, citation: str) -> list[Record]:
        """The records that a citation names, oldest first. Raises `JournalError`."""
        ...

    def cite(self, record: Record) -> str:
        """How documents and people refer to the record: "S7f3a#3"."""
        ...


class Memory(Protocol):
    """What earlier sessions of the project said."""

    def automatic(self, prompt: str, session: str, known: str) -> Recollection:
        """Excerpts for a prompt; empty unless they are worth their prefill.

        `known` is text that the model reads anyway. Raises `JournalError`.
        """
        ...


class Documents(Protocol):
    """The four tiers of one project, read from disk; and their generated parts, written back."""

    def tiers(self) -> tuple[TierText, ...]:
        """Whatever of the four exists, tier 1 first; unreadable files are left out."""
        ...

    def refresh(self) -> object:
        """Bring the generated regions up to date with the journal (no model, cheap)."""
        ...

    def done(self, session: str) -> tuple[HandoverLine, ...]:
        """What the session changed and tested, as its records give it."""
        ...

    def close_session(self, session: str, reason: str) -> None:
        """Append the session's entry to SESSION_LOG.md from its records, then `refresh`."""
        ...

    def rewriting(self, sessions: Iterable[str]) -> AbstractContextManager[None]:
        """What is recorded inside takes something of these sessions back: afterwards their entries say so."""
        ...


class Clock(Protocol):
    """Wall time, injected so that tests can make it jump."""

    def now_ms(self) -> int: ...
