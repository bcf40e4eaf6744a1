"""What a front end shows: the events of a session, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from orchestrator.types import Label, LeftOut, Usage, WindowPart


@dataclass(frozen=True, slots=True)
class SessionStart:
    type: ClassVar[str] = "session_start"
    session: str
    project: str
    path: str
    model: str
    mode: str
    sandbox: str


@dataclass(frozen=True, slots=True)
class Serving:
    """Which model answers from here on, who runs it, and how large its window is, in tokens.

    `sent_to` is the host that prompts go to, empty while they stay on this machine. `anew`: in the
    middle of an answer, which begins from its start.
    """

    type: ClassVar[str] = "serving"
    model: str
    server: str
    sent_to: str
    size: int
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `share` from 0 to 1."""

    type: ClassVar[str] = "loading"
    share: float


@dataclass(frozen=True, slots=True)
class Context:
    type: ClassVar[str] = "context"
    tiers: tuple[WindowPart, ...]
    parts: tuple[WindowPart, ...]
    left_out: tuple[LeftOut, ...]
    used: int
    size: int


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    type: ClassVar[str] = "prefill"
    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Token:
    type: ClassVar[str] = "token"
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallEvent:
    type: ClassVar[str] = "tool_call"
    name: str
    arguments: Mapping[str, Any]
    citation: str
    labels: tuple[Label, ...] = ()
    """What a command seems to do."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A piece of a running command's output, raw text: render it without markup."""

    type: ClassVar[str] = "tool_output"
    text: str


@dataclass(frozen=True, slots=True)
class ToolResultEvent:
    type: ClassVar[str] = "tool_result"
    name: str
    ok: bool
    exit_code: int | None
    duration_ms: int
    truncated: bool
    text: str
    diff: str
    citation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a turn; `usage` is the turn's own, over all its generations."""

    type: ClassVar[str] = "answer"
    text: str
    citation: str
    interrupted: bool = False
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the user that is not part of the answer; `level` "info" or "warning"."""

    type: ClassVar[str] = "notice"
    text: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An instance has ended, and the next one continues in the same conversation with these `lines`."""

    type: ClassVar[str] = "handed_over"
    goal: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionEnd:
    type: ClassVar[str] = "session_end"
    session: str
    reason: str
    usage: Usage = field(default_factory=Usage)


Event = (
    SessionStart
    | Serving
    | Loading
    | Context
    | PrefillProgress
    | Token
    | ToolCallEvent
    | ToolOutput
    | ToolResultEvent
    | Answer
    | Notice
    | HandedOver
    | SessionEnd
)


def event_json(event: Event) -> dict[str, Any]:
    """The event as one JSON object, `type` first."""
    return {"type": event.type, **asdict(event)}
