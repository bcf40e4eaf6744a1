import asyncio
import json
from pathlib import Path

import pytest

from orchestrator.errors import ModelError, WindowFull
from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.models.scripted import Paced, Pause, ScriptedBackend, _due
from orchestrator.types import (
    AnswerText,
    Finish,
    Generated,
    GenerateRequest,
    Message,
    Parameter,
    Prefill,
    ToolCall,
    ToolSpec,
)

READ = ToolSpec("read", "read a file", (Parameter("path"),), "read")
CHOICES = (READ, ANSWER_SPEC)


def request(
    *said: Message, choices: tuple[ToolSpec, ...] = CHOICES, max_tokens: int = 500
) -> GenerateRequest:
    return GenerateRequest(said or (Message("user", "hello"),), choices, max_tokens)


async def collect(backend: ScriptedBackend, asked: GenerateRequest) -> list[Generated]:
    return [item async for item in backend.generate(asked)]


def run(backend: ScriptedBackend, asked: GenerateRequest | None = None) -> list[Generated]:
    return asyncio.run(collect(backend, asked or request()))


def finish(items: list[Generated]) -> Finish:
    last = items[-1]
    assert isinstance(last, Finish)
    return last


def test_an_answer_streams_in_small_pieces() -> None:
    text = 'It says "ok" – done.\nReally ☃.'
    items = run(ScriptedBackend([text]))
    pieces = [item.text for item in items if isinstance(item, AnswerText)]
    assert "".join(pieces) == text
    assert len(pieces) > 5
    assert finish(items).text == text
    assert finish(items).call is None
    assert isinstance(items[0], Prefill)


def test_a_call_yields_no_text() -> None:
    call = ToolCall("read", {"path": "a.py"})
    items = run(ScriptedBackend([call]))
    assert finish(items).call == call == finish(items).message.call
    assert not [item for item in items if isinstance(item, AnswerText)]


def test_a_step_may_be_a_function_of_the_request() -> None:
    backend = ScriptedBackend([lambda asked: asked.messages[-1].text.upper()])
    assert finish(run(backend)).text == "HELLO"
    assert backend.requests == [request()]


def test_an_exception_is_raised_and_so_is_the_end_of_the_script() -> None:
    backend = ScriptedBackend([RuntimeError("boom")])
    with pytest.raises(RuntimeError, match="boom"):
        run(backend)
    with pytest.raises(ModelError, match="ends after 1 steps"):
        run(backend)


def test_what_is_not_a_choice_is_an_error() -> None:
    with pytest.raises(ModelError, match="'read', which is not possible"):
        run(ScriptedBackend([ToolCall("read", {"path": "x"})]), request(choices=(ANSWER_SPEC,)))
    with pytest.raises(ModelError, match="'answer', which is not possible"):
        run(ScriptedBackend(["hi"]), request(choices=(READ,)))


def test_a_call_cut_off_by_the_limit_is_dropped() -> None:
    last = finish(run(ScriptedBackend([ToolCall("read", {"path": "a" * 90})]), request(max_tokens=5)))
    assert (last.reason, last.call, last.text) == ("length", None, "")


def test_the_prefix_counts_as_cached() -> None:
    backend = ScriptedBackend(["one", "two"])
    first = finish(run(backend))
    longer = request(Message("user", "hello"), first.message, Message("user", "more"))
    second = finish(run(backend, longer)).usage
    assert second.cached_tokens >= first.usage.prompt_tokens - 1
    assert second.prompt_tokens > second.cached_tokens


def test_a_full_window_is_said_with_numbers() -> None:
    with pytest.raises(WindowFull, match="holds 20"):
        run(ScriptedBackend(["x"], context_size=20), request(Message("user", "word " * 50)))


def test_cancel_ends_with_a_finish() -> None:
    async def scenario() -> list[Generated]:
        backend, items = ScriptedBackend([Pause("partly said")]), []
        async for item in backend.generate(request()):
            items.append(item)
            if "".join(i.text for i in items if isinstance(i, AnswerText)) == "partly said":
                await backend.cancel()
        return items

    last = finish(asyncio.run(asyncio.wait_for(scenario(), 5)))
    assert (last.reason, last.text) == ("cancelled", "partly said")


def test_count_is_deterministic() -> None:
    assert asyncio.run(ScriptedBackend([]).count(["", "a bc", "a bc"])) == [0, 3, 3]


def test_a_script_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    steps = [{"tool": "read", "arguments": {"path": "a"}}, {"answer": "done"}, {"error": "broken"}]
    file.write_text(json.dumps(steps), encoding="utf-8")
    backend = ScriptedBackend.from_file(file)
    assert asyncio.run(backend.start()).name == "scripted:script.json"
    assert finish(run(backend)).call == ToolCall("read", {"path": "a"})
    assert finish(run(backend)).text == "done"
    with pytest.raises(ModelError, match="broken"):
        run(backend)


def test_an_answer_has_a_pace(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text('[{"answer": "one two three", "tokens_per_second": 100000}]', encoding="utf-8")
    assert finish(run(ScriptedBackend.from_file(file))).text == "one two three"
    assert _due(Paced("x", 200.0), 50) == 0.25
    assert _due("x", 50) == 0


BAD_PACE = '[{"answer": "x", "tokens_per_second": "200"}]'


@pytest.mark.parametrize("content", ["", "3", "[3]", '[{"tool": "x"}]', BAD_PACE])
def test_a_bad_script_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="is not a script"):
        ScriptedBackend.from_file(tmp_path / "s.json")
