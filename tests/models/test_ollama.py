"""Ollama through its official client, against a server that speaks its documented protocol."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ModelError, NoModel, ServerError, WindowFull
from orchestrator.models.abilities import Known
from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.models.ollama import OllamaWire
from orchestrator.models.served import ServedBackend
from orchestrator.types import (
    AnswerText,
    Finish,
    GenerateRequest,
    Message,
    Remark,
    ToolCall,
)
from tests.models.asking import ASK, CHOICES, LONG, READ, ask, run, said
from tests.models.model_server import (
    HTML,
    NDJSON,
    Answer,
    Asked,
    ModelServer,
    as_json,
    model_server,
    recorded,
)
from tests.models.ollama_server import MODEL, chats, ollama


@pytest.fixture
def server() -> Any:
    with model_server() as running:
        yield running


def backend(server: ModelServer, **settings: Any) -> ServedBackend:
    wire = OllamaWire(MODEL, server.url, context_size=8192, stall_s=settings.pop("stall_s", 20.0))
    return ServedBackend(wire, context_size=8192, **{"backoff": (0.0, 0.0, 0.0), **settings})


def test_an_answer_streams_with_the_servers_own_counts(server: ModelServer) -> None:
    text, finish, remarks = ask(backend(ollama(server, "ollama_answer.ndjson")))
    assert text == finish.text == "The port is 8080."
    assert (finish.reason, finish.call, remarks) == ("stop", None, [])
    assert (finish.usage.prompt_tokens, finish.usage.completion_tokens) == (1326, 12)
    assert finish.usage.tokens_per_second == pytest.approx(12 / 0.453525)
    assert finish.message.text == '{"tool":"answer","text":"The port is 8080."}'


def test_every_request_sets_the_same_window_and_forbids_cutting(server: ModelServer) -> None:
    ollama(server, "ollama_answer.ndjson")

    async def twice(model: ServedBackend) -> None:
        await said(model.generate(GenerateRequest(ASK, CHOICES, max_tokens=50)))
        await said(model.generate(GenerateRequest(ASK, CHOICES, max_tokens=70)))

    run(backend(server), twice)
    bodies = [asked.body for asked in server.to("/api/chat")]
    assert len(bodies) == 3, "one loads the model"
    assert {body["options"]["num_ctx"] for body in bodies} == {8192}
    assert all(body["truncate"] is False and body["shift"] is False for body in bodies)
    assert [body["options"].get("num_predict") for body in bodies] == [None, 50, 70]
    assert {body["keep_alive"] for body in bodies} == {"30m"}
    assert {body["options"].get("repeat_penalty") for body in bodies[1:]} == {1.0}
    assert len({asked.client for asked in server.to("/api/chat")}) == 1, "over one connection"


def test_the_window_is_never_larger_than_the_models(server: ModelServer) -> None:
    ollama(server, "ollama_answer.ndjson", most=4096)
    info = run(backend(server), lambda model: model.start())
    assert info.context_size == 4096
    assert server.to("/api/chat")[0].body["options"]["num_ctx"] == 4096


def test_the_window_is_what_the_server_has_really_reserved(server: ModelServer) -> None:
    ollama(server, "ollama_answer.ndjson")
    server.answers["/api/ps"] = [
        as_json({"models": [{"name": MODEL, "model": MODEL, "context_length": 2048}]})
    ]
    assert run(backend(server), lambda model: model.start()).context_size == 2048


def test_calls_are_constrained_by_a_schema_of_what_is_possible_now(server: ModelServer) -> None:
    _, finish, _ = ask(
        backend(ollama(server, "ollama_call.ndjson")), GenerateRequest(ASK, (READ, ANSWER_SPEC))
    )
    assert finish.call == ToolCall("read", {"path": "app.ini"})
    schema = chats(server)[0]["format"]
    assert [one["properties"]["tool"]["enum"] for one in schema["anyOf"]] == [["read"], ["answer"]]  # type: ignore[index]


def test_what_the_prompts_words_all_but_exclude_is_left_out_of_the_schema(server: ModelServer) -> None:
    ollama(server, "ollama_call.ndjson")
    asked = GenerateRequest(ASK, CHOICES, prior={"read": -0.1, "search": -3.9, "answer": -4.2})
    assert ask(backend(server), asked)[1].call == ToolCall("read", {"path": "app.ini"})
    ask(backend(server), replace(asked, prior={"read": -1.0, "search": -1.2}))
    ask(backend(server, known=lambda served: Known("native")), asked)
    first, unnamed, native = chats(server)
    possible = [
        [one["properties"]["tool"]["enum"][0] for one in body["format"]["anyOf"]] for body in (first, unnamed)
    ]  # type: ignore[index]
    assert possible == [["read", "search"], ["read", "search", "answer"]]
    assert len(native["tools"]) == 2, "there a call can only be refused afterwards"  # type: ignore[arg-type]


def test_native_calls_are_asked_for_and_understood(server: ModelServer) -> None:
    ollama(server, "ollama_native_call.ndjson", "ollama_native_answer.ndjson")

    async def two_steps(model: ServedBackend) -> tuple[Finish, str]:
        _, first, _ = await said(model.generate(GenerateRequest(ASK, CHOICES)))
        later = (*ASK, first.message, Message("tool", "port = 8080", name="read"))
        text, _, _ = await said(model.generate(GenerateRequest(later, CHOICES)))
        return first, text

    first, text = run(backend(server, known=lambda served: Known("native")), two_steps)
    assert first.call == ToolCall("read", {"path": "app.ini"})
    assert text == "The port is 8080."
    one, two = chats(server)
    assert [tool["function"]["name"] for tool in one["tools"]] == ["read", "search"]  # type: ignore[attr-defined]
    assert "format" not in one
    assert two["messages"][-2:] == [  # type: ignore[index]
        {
            "role": "assistant",
            "tool_calls": [{"function": {"name": "read", "arguments": {"path": "app.ini"}}}],
        },
        {"role": "tool", "content": "port = 8080", "tool_name": "read"},
    ]


def test_a_call_written_as_text_counts_where_native_ones_were_asked_for(server: ModelServer) -> None:
    _, finish, _ = ask(backend(ollama(server, "ollama_call.ndjson"), known=lambda served: Known("native")))
    assert finish.call == ToolCall("read", {"path": "app.ini"})


def test_what_a_server_refuses_is_asked_for_in_the_next_dialect(server: ModelServer) -> None:
    refusal = as_json({"error": f"{MODEL} does not support tools"}, 400)
    ollama(server, refusal, "ollama_call.ndjson")

    async def twice(model: ServedBackend) -> list[Finish]:
        return [(await said(model.generate(GenerateRequest(ASK, CHOICES))))[1] for _ in range(2)]

    first, second = run(backend(server, known=lambda served: Known("native")), twice)
    assert first.call == second.call == ToolCall("read", {"path": "app.ini"})
    assert [bool(body.get("tools")) for body in chats(server)] == [True, False, False], "asked once"
    assert all("format" in body for body in chats(server)[1:])


def test_a_loop_that_ollama_stops_is_an_answer_cut_off(server: ModelServer) -> None:
    text, finish, _ = ask(backend(ollama(server, "ollama_loop.ndjson")))
    assert text.split() == ["a"] * 31
    assert finish.reason == "length"
    some = recorded("ollama_loop.ndjson")[:10]
    with pytest.raises(ServerError, match="ended in the middle of its answer"):
        ask(backend(ollama(server, Answer(some, NDJSON))))


def test_an_error_of_the_server_that_ollama_runs_is_told_in_its_words(server: ModelServer) -> None:
    inner = {"message": "request (4009 tokens) exceeds the available context size (2048 tokens)", "code": 400}
    with pytest.raises(WindowFull, match=r"does not fit: request \(4009 tokens\)"):
        ask(backend(ollama(server, as_json({"error": json.dumps({"error": inner})}, 400))))
    malloc = "ggml_aligned_malloc: insufficient memory (attempted to allocate 434.91 MB)"
    for died_of, told in (
        (f"exit status 1: {malloc}\nbuffer of size 456034816", malloc),
        ("signal: killed",) * 2,
    ):
        died = as_json({"error": f"llama-server process has terminated: {died_of}"}, 500)
        ollama(server)
        server.answers["/api/chat"] = [died]
        with pytest.raises(ServerError) as caught:
            ask(backend(server))
        assert caught.value.message.endswith(f"has not enough memory for {MODEL}: {told}.")


def test_thinking_is_no_answer_and_has_a_budget(server: ModelServer) -> None:
    ollama(server, "ollama_thinking.ndjson", can=("completion", "tools", "thinking"))
    text, finish, _ = ask(backend(server, thinking=500))
    assert text == finish.text == "The port is 8080."
    body = chats(server)[0]
    assert body["think"] is True
    assert "format" not in body, "a constraint and thinking exclude each other"
    assert body["options"]["num_predict"] == 1024 + 500  # type: ignore[index]


@pytest.mark.parametrize("budget", [500, 3], ids=["it said nothing", "it thought too long"])
def test_one_retry_without_thinking(server: ModelServer, budget: int) -> None:
    streams = ("ollama_only_thinking.ndjson", "ollama_native_answer.ndjson")
    ollama(server, *streams, can=("completion", "tools", "thinking"))
    text, _, _ = ask(backend(server, thinking=budget))
    assert text == "The port is 8080."
    assert [body["think"] for body in chats(server)] == [True, False]


def test_a_model_that_does_not_think_is_not_asked_about_it(server: ModelServer) -> None:
    ask(backend(ollama(server, "ollama_answer.ndjson"), thinking=500))
    assert "think" not in chats(server)[0]


def counting(tokens: int) -> Answer:
    """An answer to a prompt of which the server has read so many tokens."""
    lines = recorded("ollama_answer.ndjson")
    end = {**json.loads(lines[-1]), "prompt_eval_count": tokens}
    return Answer([*lines[:-1], json.dumps(end).encode() + b"\n"], NDJSON)


def test_a_prompt_that_the_server_has_cut_is_told(server: ModelServer) -> None:
    ollama(server, counting(1026))

    async def whole(model: ServedBackend) -> tuple[Finish, list[Remark]]:
        await model.start()
        server.answers["/api/ps"] = [
            as_json({"models": [{"name": MODEL, "model": MODEL, "context_length": 2048}]})
        ]
        _, finish, remarks = await said(model.generate(GenerateRequest(LONG, CHOICES)))
        return finish, remarks

    finish, remarks = run(backend(server), whole)
    assert finish.text == "The port is 8080."
    assert "1,026 tokens" in remarks[0].text
    assert remarks[0].info is not None
    assert remarks[0].info.context_size == 2048


def test_a_server_that_counts_only_new_tokens_raises_no_alarm(server: ModelServer) -> None:
    ollama(server, counting(40))
    _, _, remarks = ask(backend(server), GenerateRequest(LONG, CHOICES))
    assert remarks == []


def test_estimates_are_corrected_by_what_the_server_counts(server: ModelServer) -> None:
    ollama(server, counting(4600))
    learnt: list[float] = []

    async def before_and_after(model: ServedBackend) -> tuple[int, int]:
        before = (await model.count([LONG[-1].text]))[0]
        await said(model.generate(GenerateRequest(LONG, CHOICES)))
        return before, (await model.count([LONG[-1].text]))[0]

    before, after = run(
        backend(server, learnt=lambda served, factor: learnt.append(factor)), before_and_after
    )
    assert 4600 <= after < before
    assert len(learnt) == 1


def test_a_prompt_beyond_the_window_is_never_sent(server: ModelServer) -> None:
    ollama(server, "ollama_answer.ndjson", most=4096)
    with pytest.raises(WindowFull, match="holds 4096"):
        ask(backend(server), GenerateRequest(LONG, CHOICES))
    assert chats(server) == []


def test_an_absent_server_and_an_absent_model_say_what_to_do(server: ModelServer) -> None:
    with pytest.raises(ServerError, match=r"Ollama at 127.0.0.1:1 does not answer. Start it"):
        run(
            ServedBackend(OllamaWire(MODEL, "http://127.0.0.1:1", context_size=8192), context_size=8192),
            lambda m: m.start(),
        )
    server.answers["/api/show"] = [as_json({"error": f"model '{MODEL}' not found"}, 404)]
    with pytest.raises(NoModel, match="orch model pull"):
        run(backend(server), lambda model: model.start())


def test_out_of_memory_is_named(server: ModelServer) -> None:
    ollama(server, "ollama_answer.ndjson")
    server.answers["/api/chat"] = [
        as_json({"error": "model requires more system memory (5.6 GiB) than is available (3.4 GiB)"}, 500)
    ]
    with pytest.raises(
        ServerError, match=r"not enough memory for qwen2.5:7b: model requires more .*5\.6 GiB"
    ):
        run(backend(server), lambda model: model.start())


def test_busy_is_tried_again_before_the_first_token_only(server: ModelServer) -> None:
    busy = as_json({"error": "server busy, please try again. maximum pending requests exceeded"}, 503)
    text, _, _ = ask(backend(ollama(server, busy, busy, "ollama_answer.ndjson")))
    assert text == "The port is 8080."
    assert len(chats(server)) == 3
    with pytest.raises(ServerError, match="server busy"):
        ask(backend(ollama(server, busy)))


PARTIAL = recorded("ollama_answer.ndjson")[:9]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(PARTIAL, NDJSON, drop=True), "closed the connection in the middle"),
        (Answer(PARTIAL, NDJSON), "ended in the middle"),
        (Answer([*PARTIAL, b'{"model":"qwen2.5:7b","mess\n'], NDJSON), "not its protocol"),
        (Answer([*PARTIAL, b'{"error":"the runner has unexpectedly stopped"}\n'], NDJSON), "unexpectedly"),
        (Answer([b"[1, 2]\n"], NDJSON), "not its protocol"),
        (Answer([b'{"done": true}\n'], NDJSON), "not its protocol"),
        (Answer([b"<html>Log in</html>"], HTML), "answers with a web page"),
        (Answer([b"<html>Log in</html>"], NDJSON), "not its protocol"),
        (Answer([], NDJSON, 307, {"Location": "http://example.org/api/chat"}), "redirects to http://example.org"),
        (Answer([b"\x1f\x8b"], NDJSON, headers={"Content-Encoding": "gzip"}), "compresses"),
        (Answer([b"x" * (1 << 20)] * 40, NDJSON), "line without end"),
    ],
)  # fmt: skip
def test_what_no_ollama_sends_is_a_sentence(server: ModelServer, answer: Answer, expected: str) -> None:
    with pytest.raises(ServerError, match=expected) as caught:
        ask(backend(ollama(server, answer)))
    assert caught.value.remedy
    assert len(chats(server)) == 1


def test_a_server_that_stalls_is_left(server: ModelServer) -> None:
    ollama(server, Answer([*PARTIAL, server.hold()], NDJSON))
    with pytest.raises(ServerError, match="stalled"):
        ask(backend(server, stall_s=0.3))


def test_ten_megabytes_in_one_token_are_cut_where_the_limit_is(server: ModelServer) -> None:
    huge = json.dumps(
        {"model": MODEL, "message": {"role": "assistant", "content": "word " * 2_000_000}, "done": False}
    )
    ollama(server, Answer([huge.encode() + b"\n", server.hold()], NDJSON))
    text, finish, _ = ask(
        backend(server, known=lambda served: Known("text")), GenerateRequest(ASK, CHOICES, max_tokens=100)
    )
    assert len(text) == 6400
    assert finish.reason == "length"
    assert server.hung_up.wait(20)


def test_cancel_reaches_the_server_and_keeps_what_was_said(server: ModelServer) -> None:
    ollama(server, Answer([*PARTIAL, server.hold()], NDJSON))

    async def stopped(model: ServedBackend) -> Finish:
        async for item in model.generate(GenerateRequest(ASK, CHOICES)):
            if isinstance(item, AnswerText) and " port" in item.text:
                await model.cancel()
            if isinstance(item, Finish):
                return item
        raise AssertionError

    finish = run(backend(server), stopped)
    assert (finish.reason, finish.call) == ("cancelled", None)
    assert finish.text.startswith("The port")
    assert server.hung_up.wait(20)


def test_leaving_the_iterator_reaches_the_server_too(server: ModelServer) -> None:
    ollama(server, Answer([*PARTIAL, server.hold()], NDJSON))

    async def left(model: ServedBackend) -> None:
        items = model.generate(GenerateRequest(ASK, CHOICES))
        async for item in items:
            if isinstance(item, AnswerText):
                break
        await items.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(server.hung_up.wait, 20)

    run(backend(server), left)


def test_a_call_that_is_not_possible_now_is_asked_for_again_once(server: ModelServer) -> None:
    ollama(server, "ollama_native_call.ndjson", "ollama_native_answer.ndjson")

    async def answer_only(model: ServedBackend) -> str:
        model._tools["read"] = READ
        text, _, _ = await said(model.generate(GenerateRequest(ASK, (ANSWER_SPEC,))))
        return text

    assert run(backend(server, known=lambda served: Known("native")), answer_only) == "The port is 8080."
    assert "not possible now" in chats(server)[1]["messages"][-1]["content"]  # type: ignore[index]
    ollama(server, "ollama_native_call.ndjson")
    with pytest.raises(ModelError, match="kept calling read"):
        run(backend(server, known=lambda served: Known("native")), answer_only)


def test_an_unknown_tool_goes_to_the_tools_which_explain_it(server: ModelServer) -> None:
    lines = [
        line.replace(b'"name":"read"', b'"name":"fly"') for line in recorded("ollama_native_call.ndjson")
    ]
    _, finish, _ = ask(backend(ollama(server, Answer(lines, NDJSON)), known=lambda served: Known("native")))
    assert finish.call == ToolCall("fly", {"path": "app.ini"})


def test_an_empty_answer_is_an_error(server: ModelServer) -> None:
    ollama(server, Answer(recorded("ollama_answer.ndjson")[-1:], NDJSON))
    with pytest.raises(ServerError, match="empty answer"):
        ask(backend(server))


def test_a_key_does_not_travel_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-topsecret")
    wire = OllamaWire(MODEL, "http://192.0.2.1:11434", context_size=8192)
    assert wire.sent_to == "192.0.2.1:11434"
    with pytest.raises(ServerError, match="would travel unencrypted") as caught:
        run(ServedBackend(wire, context_size=8192), lambda model: model.start())
    assert "topsecret" not in str(caught.value)


def test_asked_holds_no_system_turn_after_the_first(server: ModelServer) -> None:
    documents = Message("system", "Documents: the port is in app.ini")
    ask(
        backend(ollama(server, "ollama_answer.ndjson")),
        GenerateRequest(
            (
                ASK[0],
                Message("user", "hi"),
                Message("assistant", "", call=ToolCall("answer", {"text": "Hello"})),
                documents,
                ASK[1],
            ),
            CHOICES,
        ),
    )
    roles = [message["role"] for message in chats(server)[0]["messages"]]  # type: ignore[attr-defined]
    assert roles == ["system", "user", "assistant", "user"]
    assert isinstance(server.asked[0], Asked)
