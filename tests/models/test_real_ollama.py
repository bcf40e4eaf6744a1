"""The same promises against a real Ollama, wherever one answers at `OLLAMA_HOST` and has a model.

`ORCH_TEST_OLLAMA` names the model, else the smallest is taken.
"""

from __future__ import annotations

import os

import httpx
import pytest

from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.models.elsewhere import ollama_url
from orchestrator.models.ollama import OllamaWire
from orchestrator.models.served import ServedBackend
from orchestrator.types import AnswerText, Finish, GenerateRequest, Message, ToolCall
from tests.models.asking import READ, run, said

pytestmark = pytest.mark.model
WINDOW = 2048
ASKED = (
    Message("system", "Reply with one JSON object: call one tool, or answer.\nread(path): show a file"),
    Message("user", "Show a.py"),
    Message("assistant", "", call=ToolCall("read", {"path": "a.py"})),
    Message("tool", "print(1)", name="read"),
    Message("assistant", "", call=ToolCall("answer", {"text": "It prints 1."})),
    Message("user", "Show me the file app.ini"),
)


@pytest.fixture(scope="module")
def model() -> str:
    try:
        models = httpx.get(f"{ollama_url()}/api/tags", timeout=2, trust_env=False).json()["models"]
    except (httpx.HTTPError, ValueError, KeyError):
        models = []
    if not models:
        pytest.skip(f"no Ollama with a model answers at {ollama_url()}")
    smallest = min(models, key=lambda one: one.get("size", 0))
    return os.environ.get("ORCH_TEST_OLLAMA", str(smallest["name"]))


def backend(model: str) -> ServedBackend:
    return ServedBackend(OllamaWire(model, ollama_url(), context_size=WINDOW), context_size=WINDOW)


def test_it_says_its_window_and_calls(model: str) -> None:
    async def once(model: ServedBackend) -> Finish:
        assert (await model.start()).context_size == WINDOW
        _, finish, remarks = await said(
            model.generate(GenerateRequest(ASKED, (READ, ANSWER_SPEC), max_tokens=200))
        )
        assert remarks == []
        return finish

    finish = run(backend(model), once)
    assert finish.call == ToolCall("read", {"path": "app.ini"})
    assert 0 < finish.usage.prompt_tokens < WINDOW
    assert finish.usage.completion_tokens > 0


def test_cancel_ends_it_and_the_next_one_works(model: str) -> None:
    asked = (Message("user", "Count from 1 to 500 in words."),)

    async def stopped(model: ServedBackend) -> tuple[Finish, Finish]:
        first: Finish | None = None
        async for item in model.generate(GenerateRequest(asked, (), max_tokens=1000)):
            if isinstance(item, AnswerText):
                await model.cancel()
            if isinstance(item, Finish):
                first = item
        assert first is not None
        _, second, _ = await said(model.generate(GenerateRequest(asked, (), max_tokens=5)))
        return first, second

    first, second = run(backend(model), stopped)
    assert first.reason == "cancelled"
    assert second.reason == "length"
