"""What a model server's protocol must offer to `served.ServedBackend`: values in, values out.

A `Wire` knows one protocol (Ollama's, OpenAI's) and nothing of sessions, dialects or retries.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from orchestrator.errors import ServerError
from orchestrator.types import Message, ToolSpec, Usage

Dialect = Literal["grammar", "schema", "native", "text"]
"""How a call is asked for: our JSON under a GBNF grammar or under a JSON schema, the server's own
tool calls, or our JSON unconstrained."""
CONSTRAINED: frozenset[Dialect] = frozenset({"grammar", "schema"})


class Busy(ServerError):
    """The server may answer the same request later: 429, 5xx. `after_s` is its own wish, 0 for none."""

    def __init__(self, message: str, remedy: str = "", after_s: float = 0.0) -> None:
        super().__init__(message, remedy)
        self.after_s = after_s


class Refused(ServerError):
    """The server did not like a part of the request; `said` is its own text, untrusted."""

    def __init__(self, message: str, remedy: str = "", said: str = "") -> None:
        super().__init__(message, remedy)
        self.said = said


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `choices` are possible now, `tools` are all the model was ever told of.

    `thinking` is how many tokens a thinking model may think, 0: none is wanted; `unthinking` when it
    has thought all the same, and said nothing. `base` and `stable` are `GenerateRequest`'s; `project` is
    its owner's.
    """

    messages: tuple[Message, ...]
    choices: tuple[ToolSpec, ...]
    tools: tuple[ToolSpec, ...]
    dialect: Dialect
    max_tokens: int
    temperature: float
    thinking: int = 0
    unthinking: bool = False
    base: int = 0
    stable: int = 0
    project: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What a server says of a model. `context_size` 0: it does not say.

    `digest` names the model's content, where the server knows it. `dialects` are offered, best
    first. `exact`: texts can be counted by the model's own tokenizer. `warning` is for the user.
    """

    context_size: int
    digest: str = ""
    dialects: tuple[Dialect, ...] = ("text",)
    thinks: bool = False
    exact: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of what the model writes."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """The next piece of what the model thinks; never shown as an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A whole tool call that the server returned as data; `arguments` may be broken JSON."""

    name: str
    arguments: dict[str, object] | str


@dataclass(frozen=True, slots=True)
class Reading:
    """The server reads the prompt: `done` of `total` new tokens, `cached` it had."""

    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The server is done. Counts are 0 where it did not give them; `usage` has no times of ours."""

    cut: bool
    usage: Usage = field(default_factory=Usage)
    thought_tokens: int = 0


Delta = Piece | Thought | Called | Reading | Ended


class Wire(Protocol):
    """One server and one model on it. Everything raises `ServerError`, `NoModel` or `ModelError`."""

    @property
    def model(self) -> str: ...

    @property
    def server(self) -> str:
        """Who answers, for people: "Ollama at 127.0.0.1:11434"."""
        ...

    @property
    def sent_to(self) -> str:
        """The host that a prompt goes to; empty while it stays on this machine."""
        ...

    async def open(self) -> Served:
        """Find the model and load it."""
        ...

    def request(self, ask: Ask) -> dict[str, Any]:
        """The body of the request that `stream` sends, exactly."""
        ...

    def stream(self, ask: Ask) -> AsyncGenerator[Delta, None]:
        """Deltas, the last of them `Ended`. Closing it early ends the request."""
        ...

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; only where `Served.exact`."""
        ...

    async def window(self) -> int:
        """Tokens that the server has really reserved for the model; 0 when it does not say."""
        ...

    async def close(self) -> None: ...
