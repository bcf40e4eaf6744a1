"""The values that cross every boundary: frozen, from the standard library only.

A turn flows one way, and these are its stations: `Message`s go to a backend, a backend yields
`Prefill`, `AnswerText` and one `Finish`; a `ToolCall` becomes a `ToolResult`; what happened becomes
`Record`s; what a front end shows is an `Event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Effect = Literal["read", "write", "command", "note", "answer"]
Label = Literal["writes outside", "network", "deletes", "privilege", "unknown"]
"""What a command seems to do, for a person."""
Decision = Literal["allow", "ask", "deny"]
DECISIONS: tuple[Decision, ...] = ("allow", "ask", "deny")
FinishReason = Literal["stop", "length", "cancelled"]
ANSWER = "answer"
"""Name of the pseudo-tool whose `text` argument is the final answer of a turn."""


class Mode(StrEnum):
    """What may happen without a question (`DESIGN`: approval modes)."""

    READ_ONLY = "read-only"
    ASK = "ask"
    WORKSPACE = "workspace"
    AUTO = "auto"


# --- tools --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool. `choices`, where given, are the only values allowed."""

    name: str
    description: str = ""
    type: Literal["string", "integer"] = "string"
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told about a tool, and what the policy knows of its effect."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    effect: Effect


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call as the model made it. Argument values are untrusted text (or integers)."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call led to.

    `text` is what the model reads (already capped), `diff` what a person reads of a change,
    `changed` the project-relative paths it wrote. `exit_code` is None where no process ran. `again`:
    the call was wrong rather than the answer to anything, so another is to be tried.
    """

    ok: bool
    text: str
    exit_code: int | None = None
    duration_ms: int = 0
    truncated: bool = False
    diff: str = ""
    changed: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is asked to approve: a title, and the diff or command in full.

    `labels` say what a command seems to do; they permit nothing. `network`: it is off, and can be opened.
    """

    title: str
    body: str = ""
    sandboxed: bool = True
    labels: tuple[Label, ...] = ()
    network: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """The answer to a `Preview`. `reason` of a "no" is shown to the model.

    `call` is what runs instead, where the person changed the arguments; `network` opens that for it alone.
    """

    yes: bool
    reason: str = ""
    always: bool = False
    call: ToolCall | None = None
    network: bool = False


# --- conversation with a backend ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the prompt.

    An assistant message made by a model carries the `ids` it generated (never re-tokenised) and
    its `call`. A tool message carries the `name` of the tool whose result it is. What is `private`
    never goes to another machine.
    """

    role: Role
    text: str
    name: str = ""
    call: ToolCall | None = None
    ids: tuple[int, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and times of one generation, or of a session (summed; rates are of the last)."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    time_to_first_token_ms: float = 0.0
    model_load_ms: float = 0.0
    tokens_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose documents a prompt holds: a project's id, and its folder for people to read."""

    project: str = ""
    path: str = ""


EVERYBODY = Owner()
"""Of a prompt that holds no project's documents."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One step. `choices` are the only calls possible now (`ANSWER` among them or not).

    `stable` counts the leading messages that never change within a project: where a snapshot of the KV cache
    may end, which is the `owner`'s; `base` those that are the same for every project. `prior` is added to the
    log-probabilities of the names of `choices`, or what it all but excludes is left out. `attempt` counts the
    draws for this step that could not work; with a `seed` above 0 a draw can be repeated.
    """

    messages: tuple[Message, ...]
    choices: tuple[ToolSpec, ...]
    max_tokens: int = 1024
    temperature: float = 0.0
    base: int = 0
    stable: int = 0
    owner: Owner = EVERYBODY
    prior: Mapping[str, float] = field(default_factory=dict)
    attempt: int = 0
    seed: int = 0

    @property
    def private(self) -> bool:
        """Whether the turn it belongs to must be answered on this machine."""
        return bool(self.messages) and self.messages[-1].private


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a started backend says of itself. `context_size` in tokens.

    `server` names who runs the model where that is another program; `sent_to` is the host that
    prompts go to, empty while they stay on this machine; `why` says how it came to this model.
    """

    name: str
    context_size: int
    native_tools: bool = False
    load_ms: float = 0.0
    threads: int = 0
    server: str = ""
    sent_to: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Prefill:
    """Progress of the prompt: `done` of `total` new tokens; `cached` came from the KV cache."""

    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The next piece of the answer's text, already decoded out of the call."""

    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What the user should know of how the model runs; `info` is what holds from here on, if it changed.

    `anew`: another model takes over, and begins the answer from its start.
    """

    text: str
    info: ModelInfo | None = None
    anew: bool = False
    level: Literal["info", "warning"] = "warning"


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a generation: a call, or an answer, never half of either.

    `call` is None when the model answered (`text`) or when a limit cut a call off (`reason` is
    then "length" and `text` is empty). `message` is what goes into the next prompt.
    """

    reason: FinishReason
    call: ToolCall | None
    text: str
    message: Message
    usage: Usage


Generated = Prefill | AnswerText | Remark | Finish


@dataclass(frozen=True, slots=True)
class Warmed:
    """The end of warming: `tokens` a session of the project starts from, `cached` of them known before.

    `reason` "stopped": somebody waits for the model, and goes first.
    """

    reason: Literal["done", "stopped", "cancelled"]
    tokens: int
    cached: int


# --- journal ------------------------------------------------------------------------------------

Kind = Literal[
    "message",
    "tool_call",
    "tool_result",
    "decision",
    "lesson",
    "blocker",
    "next",
    "note",
    "goal",
    "constraint",
    "dead_end",
    "test",
    "doc",
    "session",
    "setting",
    "redact",
    "tombstone",
]
NOTE_KINDS: tuple[Kind, ...] = (
    *("decision", "lesson", "blocker", "next", "note"),
    *("goal", "constraint", "dead_end"),
)
"""What is said to the instances to come. A dead end has `error` and `instead` besides its text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller asks the journal to record; the journal adds identity and time.

    `entity` empty means: the record is its own entity, named `SESSION#N`.
    `private` records go to the stream that never leaves the device.
    """

    kind: Kind
    body: Mapping[str, Any]
    project: str
    session: str
    entity: str = ""
    parents: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One immutable journal entry, field for field as it is stored, mirrored and synced.

    `ts` is the hybrid logical clock (milliseconds, counter), `wall` the ISO 8601 local time with
    offset. `seq` is contiguous from 1 per (dev, epoch, stream). `body` and `salt` are None once
    redacted; `body_sha` and `id` stay.
    """

    v: int
    dev: str
    epoch: int
    stream: str
    seq: int
    ts: tuple[int, int]
    wall: str
    project: str
    session: str
    kind: Kind
    entity: str
    parents: tuple[str, ...]
    body: Mapping[str, Any] | None
    salt: str | None
    body_sha: str
    id: str


@dataclass(frozen=True, slots=True)
class Recollection:
    """What earlier sessions said about a prompt: `text` to stand before it, and what it cites."""

    text: str = ""
    citations: tuple[str, ...] = ()


# --- documents and the window -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TierText:
    """One handoff document as read from disk. `tier` is 1–4; `path` is for people.

    `left_out`: lines that are not in `text`, since what they rest on no longer holds.
    """

    tier: int
    name: str
    path: str
    text: str
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowPart:
    """One named share of the model's window."""

    name: str
    tokens: int
    tier: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that did not go into the window, and why. Nothing is dropped silently."""

    part: str
    what: str
    why: str
    tokens: int = 0


# --- from one instance to the next --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandoverLine:
    """Something that the next instance should know. `kind`: a note's, or "done" for what tools did;
    `evidence` is what it rests on ("S7f3a#4, verified"), empty where that is nothing but somebody's words."""

    kind: str
    text: str
    because: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """What survives a rollover. `known` is recorded already and stands in the documents anyway."""

    goal: str
    lines: tuple[HandoverLine, ...] = ()
    known: tuple[str, ...] = ()
