"""A short trial of a model: is it quick, and does it choose the right tool?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from orchestrator.errors import ModelError
from orchestrator.models.dialects import ANSWER_SPEC, describe
from orchestrator.ports import Backend
from orchestrator.types import (
    ANSWER,
    Finish,
    GenerateRequest,
    Message,
    ModelInfo,
    Parameter,
    ToolCall,
    ToolSpec,
    Usage,
)

SPECS = (
    ToolSpec("search", "find text or names in the project", (Parameter("pattern"),), "read"),
    ToolSpec("read", "show a file", (Parameter("path"),), "read"),
    ToolSpec("run", "run Python code", (Parameter("code"),), "command"),
    ToolSpec("shell", "run a command line", (Parameter("command"),), "command"),
    ToolSpec("git", "ask git about the history", (Parameter("command"),), "read"),
    ANSWER_SPEC,
)
PROMPTS: tuple[tuple[str, str], ...] = (
    ("Where is the function parse_header defined?", "search"),
    ("Show me the file README.md", "read"),
    ("Use Python to add up the numbers from 1 to 1000.", "run"),
    ("List the files of this folder with ls.", "shell"),
    ("Which commits were made last?", "git"),
    ("Good morning!", ANSWER),
    ("which files mention the word timeout?", "search"),
    ("What stands in pyproject.toml?", "read"),
    ("Calculate the mean of 3, 7 and 12 with Python", "run"),
    ("is docker installed on this machine?", "shell"),
    ("Who changed main.py last?", "git"),
    ("What is a hash function, in one sentence?", ANSWER),
)
"""Each prompt with the tool that a person would choose."""

_EXAMPLES = (
    ("Where is the login checked?", ToolCall("search", {"pattern": "login"})),
    ("What does setup.cfg say?", ToolCall("read", {"path": "setup.cfg"})),
    ("Compute 2 to the power of 64 with Python", ToolCall("run", {"code": "print(2**64)"})),
    ("Run the tests", ToolCall("shell", {"command": "pytest -q"})),
    ("What did I change?", ToolCall("git", {"command": "diff HEAD"})),
    ("Hello!", ToolCall(ANSWER, {"text": "Hello! What shall we work on?"})),
)
_SYSTEM = "You work in the user's project folder. Reply with one JSON object: call one tool, or answer."
_MAX_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Tried:
    """One prompt: the tool that was right, the one chosen ("" when cut off), and the cost."""

    prompt: str
    wanted: str
    chosen: str
    usage: Usage

    @property
    def right(self) -> bool:
        return self.chosen == self.wanted


async def trial(backend: Backend) -> AsyncIterator[ModelInfo | Tried]:
    """Load the model, then try each prompt greedily. The caller closes the backend."""
    yield await backend.start()
    fixed = _fixed()
    for prompt, wanted in PROMPTS:
        request = GenerateRequest(
            (*fixed, Message("user", prompt)),
            SPECS,
            max_tokens=_MAX_TOKENS,
            base=len(fixed),
            stable=len(fixed),
        )
        finish = await _finish(backend, request)
        if finish.reason == "cancelled":
            raise ModelError("The model stopped before it was done.", "Run the test again.")
        chosen = finish.call.name if finish.call else ANSWER if finish.text else ""
        yield Tried(prompt, wanted, chosen, finish.usage)


def generation_rate(tried: Sequence[Tried]) -> float:
    """Tokens a second over all prompts, each weighed by its tokens; 0.0 when unknown."""
    timed = [(t.usage.completion_tokens, t.usage.tokens_per_second) for t in tried]
    seconds = sum(tokens / rate for tokens, rate in timed if rate > 0)
    return sum(tokens for tokens, rate in timed if rate > 0) / seconds if seconds else 0.0


def _fixed() -> tuple[Message, ...]:
    system = (
        "You work in the user's project folder. Reply with one JSON object: call one tool, or answer.\n\n"
    )
    turns = [Message("system", system + "Tools:\n" + describe(SPECS))]
    for prompt, call in _EXAMPLES:
        turns += [Message("user", prompt), Message("assistant", "", call=call)]
    return tuple(turns)


async def _finish(backend: Backend, request: GenerateRequest) -> Finish:
    async for part in backend.generate(request):
        if isinstance(part, Finish):
            return part
    raise ModelError("The model gave no answer.", "Run the test again.")
