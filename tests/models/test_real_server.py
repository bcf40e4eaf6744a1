"""The OpenAI-style backend against a real server: `llama_cpp.server` with the 0.5B."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.errors import WindowFull
from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.models.openai_http import OpenAIWire
from orchestrator.models.served import ServedBackend
from orchestrator.types import AnswerText, Finish, GenerateRequest, Message, ToolCall
from tests.models.asking import CHOICES, LONG, READ, run, said

pytestmark = pytest.mark.model
WINDOW = 1024
SYSTEM = Message("system", "Reply with one JSON object: call one tool, or answer.\nread(path): show a file")
EXAMPLES = (
    SYSTEM,
    Message("user", "Show a.py"),
    Message("assistant", "", call=ToolCall("read", {"path": "a.py"})),
    Message("tool", "print(1)", name="read"),
    Message("assistant", "", call=ToolCall("answer", {"text": "It prints 1."})),
)


@pytest.fixture(scope="module")
def url(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(small_model), "--n_ctx", str(WINDOW)]
    command += ["--port", str(port), "--host", "127.0.0.1", "--verbose", "False"]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:
        try:
            _wait(server, f"http://127.0.0.1:{port}/v1/models", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # its own start, not what is tested
        else:
            return
    pytest.fail("the server did not start")


def backend(url: str) -> ServedBackend:
    return ServedBackend(OpenAIWire("", url), context_size=WINDOW)


def test_it_calls_then_answers_from_the_result(url: str) -> None:
    async def two_steps(model: ServedBackend) -> tuple[Finish, str, Finish]:
        asked = (*EXAMPLES, Message("user", "Show me the file app.ini"))
        _, call, _ = await said(model.generate(GenerateRequest(asked, (READ, ANSWER_SPEC), max_tokens=40)))
        later = (*asked, call.message, Message("tool", "[server]\nport = 8080", name="read"))
        text, answer, _ = await said(model.generate(GenerateRequest(later, (ANSWER_SPEC,), max_tokens=60)))
        return call, text, answer

    call, text, answer = run(backend(url), two_steps)
    assert call.call == ToolCall("read", {"path": "app.ini"})
    assert answer.call is None
    assert text == answer.text
    assert "8080" in text
    assert call.usage.completion_tokens > 5
    assert call.usage.prompt_tokens > 30


def test_it_counts_exactly_and_refuses_what_does_not_fit(url: str) -> None:
    async def counted(model: ServedBackend) -> list[int]:
        counts = await model.count(["Hello world", "x"])
        with pytest.raises(WindowFull, match=f"holds {WINDOW}"):
            await said(model.generate(GenerateRequest(LONG, CHOICES)))
        return counts

    assert run(backend(url), counted) == [2, 1]


def test_cancel_ends_the_generation_and_the_next_one_works(url: str) -> None:
    asked = (Message("user", "Count from 1 to 500 in words."),)

    async def stopped(model: ServedBackend) -> tuple[Finish, Finish]:
        first: Finish | None = None
        async for item in model.generate(GenerateRequest(asked, (), max_tokens=400)):
            if isinstance(item, AnswerText):
                await model.cancel()
            if isinstance(item, Finish):
                first = item
        assert first is not None
        _, second, _ = await said(model.generate(GenerateRequest(asked, (), max_tokens=4)))
        return first, second

    first, second = run(backend(url), stopped)
    assert first.reason == "cancelled"
    assert 0 < first.usage.completion_tokens < 400
    assert second.reason == "length"
