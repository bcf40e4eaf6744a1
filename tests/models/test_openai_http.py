"""OpenAI-style servers, against a server that speaks their documented protocol."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigError, NoModel, ServerError, WindowFull
from orchestrator.models.abilities import Known
from orchestrator.models.kept_slots import SavedNames
from orchestrator.models.openai_http import OpenAIWire
from orchestrator.models.served import ServedBackend
from orchestrator.types import AnswerText, Finish, GenerateRequest, Message, Owner, Prefill, ToolCall
from tests.models.asking import ASK, CHOICES, LONG, ask, run, said
from tests.models.model_server import (
    HTML,
    JSON,
    SSE,
    Answer,
    Asked,
    ModelServer,
    as_json,
    model_server,
    recorded,
)

MODEL = "qwen2.5-7b-instruct"
KEY = "sk-proj-Zr8Kq1vTn5Xw2Yb7"


@pytest.fixture
def server() -> Any:
    with model_server() as running:
        yield running


def serving(server: ModelServer, *streams: str | Answer, owner: str = "vllm", **entry: Any) -> ModelServer:
    server.answers["/v1/models"] = [
        as_json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": owner, **entry}]})
    ]
    server.answers["/v1/chat/completions"] = [
        one if isinstance(one, Answer) else Answer(recorded(one), SSE) for one in streams
    ]
    server.answers["/tokenize"] = lambda asked: as_json(
        {"count": len(asked.body["prompt"].split())}
        if "prompt" in asked.body
        else {"tokens": asked.body["content"].split()}
    )
    return server


def backend(server: ModelServer, dialect: str | None = None, **settings: Any) -> ServedBackend:
    wire = OpenAIWire(
        settings.pop("model", MODEL),
        f"{server.url}/v1",
        key=settings.pop("key", ""),
        key_source="ORCH_API_KEY",
        stall_s=settings.pop("stall_s", 20.0),
        ca_file=settings.pop("ca_file", ""),
        slots=settings.pop("slots", None),
    )
    given = {"context_size": 8192, "backoff": (0.0, 0.0, 0.0), **settings}
    return ServedBackend(wire, known=lambda served: Known(dialect), **given)  # type: ignore[arg-type]


def chats(server: ModelServer) -> list[dict[str, Any]]:
    return [asked.body for asked in server.to("/v1/chat/completions")]


def test_an_answer_streams_with_the_servers_own_counts(server: ModelServer) -> None:
    text, finish, _ = ask(backend(serving(server, "openai_answer.sse")))
    assert text == finish.text == "The port is 8080."
    assert (finish.usage.prompt_tokens, finish.usage.cached_tokens) == (1326, 1280)
    assert finish.usage.completion_tokens == 12
    body = chats(server)[0]
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"]["json_schema"]["schema"]["anyOf"][0]["properties"]["tool"] == {
        "type": "string",
        "enum": ["read"],
    }


@pytest.mark.parametrize(
    ("owner", "entry", "context", "dialect"),
    [
        ("vllm", {"max_model_len": 4096}, 4096, "schema"),
        ("llamacpp", {}, 2048, "grammar"),
        ("organization_owner", {}, 3000, "schema"),
        ("me", {}, 8192, "grammar"),
        ("openai", {}, 8192, "schema"),
    ],
)
def test_each_server_says_its_window_in_its_own_way(
    server: ModelServer, owner: str, entry: dict[str, Any], context: int, dialect: str
) -> None:
    serving(server, owner=owner, **entry)
    server.answers["/props"] = [as_json({"default_generation_settings": {"n_ctx": 2048}})]
    server.answers[f"/api/v0/models/{MODEL}"] = [as_json({"loaded_context_length": 3000})]
    model = backend(server)
    assert run(model, lambda model: model.start()).context_size == context
    server.asked.clear()


def test_a_model_that_is_called_by_its_path_has_a_short_name(server: ModelServer) -> None:
    path = "/srv/models/qwen2.5-coder-0.5b.gguf"
    serving(server, "openai_answer.sse", owner="llamacpp", id=path)
    server.answers["/props"] = [as_json({"default_generation_settings": {"n_ctx": 4096}})]
    for wanted in ("", path, "qwen2.5-coder-0.5b"):
        model = backend(server, model=wanted)
        assert ask(model)[0] == "The port is 8080."
        assert model.name == "qwen2.5-coder-0.5b"
        assert chats(server)[-1]["model"] == path
    with pytest.raises(NoModel, match=r"no model 'qwen'. It has: qwen2.5-coder-0.5b"):
        ask(backend(server, model="qwen"))


def test_texts_are_counted_by_the_servers_tokenizer(server: ModelServer) -> None:
    serving(server, owner="vllm")
    assert run(backend(server), lambda model: model.count(["a b c", "d"])) == [3, 1]
    serving(server, owner="other")
    counts = run(backend(server), lambda model: model.count(["a b c", "d"]))
    assert counts[0] >= 3, "estimated, from above"


def test_tool_calls_come_in_fragments(server: ModelServer) -> None:
    serving(server, "openai_call.sse", "openai_text.sse")

    async def two_steps(model: ServedBackend) -> tuple[Finish, str]:
        _, first, _ = await said(model.generate(GenerateRequest(ASK, CHOICES)))
        later = (*ASK, first.message, Message("tool", "port = 8080", name="read"))
        text, _, _ = await said(model.generate(GenerateRequest(later, CHOICES)))
        return first, text

    first, text = run(backend(server, "native"), two_steps)
    assert first.call == ToolCall("read", {"path": "app.ini"})
    assert text == "The port is 8080."
    call, result = chats(server)[1]["messages"][-2:]
    assert call["tool_calls"][0]["function"] == {"name": "read", "arguments": '{"path": "app.ini"}'}
    assert result["role"] == "tool"
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]


def test_broken_arguments_reach_the_tools_which_explain_them(server: ModelServer) -> None:
    lines = [
        line.replace(b'"arguments":"\\"}"', b'"arguments":"\\"]"') for line in recorded("openai_call.sse")
    ]
    assert lines != recorded("openai_call.sse")
    _, finish, _ = ask(backend(serving(server, Answer(lines, SSE)), "native"))
    assert finish.call is not None
    assert finish.call.name == "read"


@pytest.mark.parametrize("stream", ["vllm_thinking.sse", "inline_thinking.sse"])
def test_thinking_is_no_answer(server: ModelServer, stream: str) -> None:
    text, finish, _ = ask(backend(serving(server, stream), "text"))
    assert text == finish.text == "The port is 8080."


def test_thinking_that_says_nothing_is_asked_for_again_without(server: ModelServer) -> None:
    lines = recorded("vllm_thinking.sse")
    thoughts = [line for line in lines if b'"content":"' not in line or b'"content":""' in line]
    serving(server, Answer(thoughts, SSE), "openai_text.sse")
    text, _, _ = ask(backend(server, "text"))
    assert text == "The port is 8080."
    first, second = chats(server)
    assert "chat_template_kwargs" not in first
    assert second["chat_template_kwargs"] == {"enable_thinking": False}


def test_halves_of_characters_can_be_sent(server: ModelServer) -> None:
    odd = Message("user", "show caf\udce9.txt")
    call = Message("assistant", "", call=ToolCall("read", {"path": "caf\udce9.txt"}))
    request = GenerateRequest((*ASK, odd, call, Message("tool", "x\udce9", name="read")), CHOICES)
    for dialect in ("schema", "native"):
        assert ask(backend(serving(server, "openai_text.sse"), dialect), request)[0] == "The port is 8080."
    assert "caf?.txt" in json.dumps(chats(server))


def test_llama_server_tells_progress_and_speed(server: ModelServer) -> None:
    serving(server, "llama_server.sse", owner="llamacpp")
    server.answers["/props"] = [as_json({"default_generation_settings": {"n_ctx": 4096}})]

    async def whole(model: ServedBackend) -> tuple[list[Prefill], Finish]:
        items = [item async for item in model.generate(GenerateRequest(ASK, CHOICES))]
        return [i for i in items if isinstance(i, Prefill)], next(i for i in items if isinstance(i, Finish))

    prefills, finish = run(backend(server), whole)
    assert prefills[1:] == [Prefill(10, 46, 1280), Prefill(46, 46, 1280)]
    assert finish.usage.tokens_per_second == 30.0
    assert chats(server)[0]["grammar"].startswith('root ::= "{\\"tool\\":\\"" call')


def test_llama_server_keeps_a_projects_slot(server: ModelServer, tmp_path: Path) -> None:
    """A restore of what is not there empties the slot (b11434), so only what was saved is asked for."""
    serving(server, "openai_answer.sse", owner="llamacpp")
    server.answers["/props"] = [as_json({"default_generation_settings": {"n_ctx": 4096}})]
    fine, lost = as_json({"id_slot": 0, "n_saved": 84}), as_json({"error": "Unable to restore slot"}, 400)

    def session(project: str, *answers: Answer) -> list[str]:
        server.asked.clear()
        server.answers["/slots/0"] = list(answers)
        model = backend(server, slots=SavedNames(tmp_path / "slots.json"))
        request = GenerateRequest(ASK, CHOICES, stable=1, owner=Owner(project))
        assert ask(model, request)[0] == "The port is 8080."
        assert len({one.client for one in server.asked}) == 1, "the answer in between kept the connection"
        asked = [one for one in server.asked if one.path.startswith("/slots")]
        assert len({one.body["filename"] for one in asked}) == 1
        return [one.path.partition("=")[2] for one in asked]

    assert session("heron", fine) == ["save"], "nothing can be restored yet"
    assert session("heron", fine) == ["restore", "save"]
    assert session("egret", fine) == ["save"], "another project's"
    assert session("heron", lost) == ["restore", "save"], "its file has gone, and it was not saved again"
    assert session("heron", fine) == ["save"]


def test_what_a_server_refuses_by_name_is_left_out(server: ModelServer) -> None:
    def strict(asked: Asked) -> Answer:
        if "response_format" in asked.body:
            return as_json(
                {"error": {"message": "'response_format' of type 'json_schema' is not supported"}}, 400
            )
        if "max_tokens" in asked.body:
            return as_json(
                {"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead."}}, 400
            )
        return Answer(recorded("openai_answer.sse"), SSE)

    serving(server)
    server.answers["/v1/chat/completions"] = strict
    text, _, _ = ask(backend(server))
    assert text == "The port is 8080."
    assert chats(server)[-1]["max_completion_tokens"] == 1024


def test_a_refusal_that_names_nothing_is_told(server: ModelServer) -> None:
    serving(server, as_json({"detail": "no such project"}, 400))
    with pytest.raises(ServerError, match=r"refused the request \(400\): no such project"):
        ask(backend(server))


def test_busy_is_tried_again_and_only_before_the_first_token(server: ModelServer) -> None:
    busy = as_json({"error": {"message": "Rate limit reached"}}, 429, Retry_After="0")
    down = as_json({"error": "overloaded"}, 503)
    text, _, _ = ask(backend(serving(server, busy, down, "openai_answer.sse")))
    assert text == "The port is 8080."
    assert len(chats(server)) == 3
    server.asked.clear()
    with pytest.raises(ServerError, match=r"cannot answer now \(503\): overloaded"):
        ask(backend(serving(server, down)))
    assert len(chats(server)) == 4
    server.asked.clear()
    begun = Answer(recorded("openai_answer.sse")[:8], SSE, drop=True)
    with pytest.raises(ServerError, match="in the middle"):
        ask(backend(serving(server, begun)))
    assert len(chats(server)) == 1


BEGUN = recorded("openai_answer.sse")[:8]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(BEGUN, SSE), "ended in the middle"),
        (Answer([*BEGUN, b'data: {"choices": [{"del\n\n'], SSE), "not its protocol"),
        (Answer([*BEGUN, b'data: {"error": {"message": "CUDA error"}}\n\n'], SSE), "CUDA error"),
        (Answer([b"data: [1]\n\n"], SSE), "not its protocol"),
        (Answer([b"<html>Log in</html>"], HTML), "web page"),
        (Answer([b'{"choices": []}'], JSON), "ended in the middle"),
        (Answer([b'data: {"choices": []}\n\ndata: [DONE]\n\n'], SSE), "ended in the middle"),
        (as_json({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}), "empty answer"),
        (Answer([], SSE, 302, {"Location": "https://evil.example/v1"}), "redirects to https://evil.example"),
        (Answer([b"data: " + b"x" * (1 << 20)] + [b"x" * (1 << 20)] * 40, SSE), "line without end"),
    ],
)  # fmt: skip
def test_what_no_such_server_sends_is_a_sentence(server: ModelServer, answer: Answer, expected: str) -> None:
    with pytest.raises(ServerError, match=expected) as caught:
        ask(backend(serving(server, answer)))
    assert caught.value.remedy


def test_a_server_that_does_not_stream_is_understood(server: ModelServer) -> None:
    whole = {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The port is 8080."},
                "finish_reason": "stop",
            }
        ]
    }
    assert ask(backend(serving(server, as_json(whole)), "text"))[0:1] == ("The port is 8080.",)


def test_a_stalled_server_is_left(server: ModelServer) -> None:
    with pytest.raises(ServerError, match="stalled"):
        ask(backend(serving(server, Answer([*BEGUN, server.hold()], SSE)), stall_s=0.3))


def test_cancel_reaches_the_server(server: ModelServer) -> None:
    serving(server, Answer([*recorded("openai_answer.sse")[:22], server.hold()], SSE))

    async def stopped(model: ServedBackend) -> Finish:
        async for item in model.generate(GenerateRequest(ASK, CHOICES)):
            if isinstance(item, AnswerText):
                await model.cancel()
            if isinstance(item, Finish):
                return item
        raise AssertionError

    assert run(backend(server), stopped).reason == "cancelled"
    assert server.hung_up.wait(20)


def test_the_window_is_the_servers_and_never_exceeded(server: ModelServer) -> None:
    serving(server, "openai_answer.sse", owner="vllm", max_model_len=4096)
    with pytest.raises(WindowFull, match="holds 4096"):
        ask(backend(server), GenerateRequest(LONG, CHOICES))
    assert chats(server) == []
    too_long = as_json({"message": "This model's maximum context length is 4096 tokens."}, 400)
    with pytest.raises(WindowFull, match="maximum context length is 4096"):
        ask(backend(serving(server, too_long)))


def test_a_server_that_is_still_loading_is_waited_for(server: ModelServer) -> None:
    serving(server)
    ready = server.answers["/v1/models"]
    assert isinstance(ready, list)
    server.answers["/v1/models"] = [as_json({"error": {"message": "Loading model"}}, 503), *ready]
    assert run(backend(server), lambda model: model.start()).name == MODEL
    server.answers["/v1/models"] = [as_json({"error": {"message": "Loading model"}}, 503)]
    with pytest.raises(ServerError, match="Loading model"):
        run(backend(server), lambda model: model.start())


def test_names_near_the_one_that_is_not_there(server: ModelServer) -> None:
    with pytest.raises(NoModel, match=rf"has no model 'qwen2.5-7b'. It has: {MODEL}"):
        run(backend(serving(server), model="qwen2.5-7b"), lambda model: model.start())
    assert run(backend(serving(server), model=""), lambda model: model.start()).name == MODEL


# --- keys and certificates ------------------------------------------------------------------------


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = as_json({"error": {"message": f"Incorrect API key provided: {KEY}."}}, 400)
    serving(server, refusal)
    with pytest.raises(ServerError, match="Incorrect API key provided") as caught:
        ask(backend(server, key=KEY))
    assert server.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    wire = OpenAIWire(MODEL, f"{server.url}/v1", key=KEY)
    run(ServedBackend(wire, context_size=8192), lambda model: model.start())
    assert KEY not in str(caught.value) + repr(wire) + caplog.text


def test_a_key_that_is_refused_or_missing_names_its_source(server: ModelServer) -> None:
    serving(server)
    server.answers["/v1/models"] = [as_json({"error": {"message": f"bad key {KEY}"}}, 401)]
    with pytest.raises(ServerError, match=r"wants a key. Set ORCH_API_KEY") as caught:
        run(backend(server), lambda model: model.start())
    assert KEY not in str(caught.value)
    with pytest.raises(ServerError, match="refuses the key"):
        run(backend(server, key=KEY), lambda model: model.start())


def test_a_key_travels_unencrypted_only_when_that_was_allowed() -> None:
    wire = OpenAIWire(MODEL, "http://192.0.2.7:8080/v1", key=KEY, stall_s=0.2)
    assert wire.sent_to == "192.0.2.7:8080"
    with pytest.raises(ServerError, match="would travel unencrypted"):
        run(ServedBackend(wire, context_size=8192), lambda model: model.start())
    allowed = OpenAIWire(MODEL, "http://192.0.2.7:8080/v1", key=KEY, stall_s=0.2, clear_key=True)
    with pytest.raises(ServerError, match="does not answer"):
        run(ServedBackend(allowed, context_size=8192), lambda model: model.start())


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Self-signed, by the name they are for: key and certificate in one file."""
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing, which makes the certificates of this test")
    folder = tmp_path_factory.mktemp("certificates")
    made = {}
    for name, alternative in (("right", "IP:127.0.0.1"), ("wrong", "DNS:models.example")):
        path = folder / f"{name}.pem"
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=test",
        ]
        command += [
            "-addext",
            f"subjectAltName={alternative}",
            "-keyout",
            str(path),
            "-out",
            str(path) + ".crt",
        ]
        subprocess.run(command, check=True, capture_output=True)
        path.write_bytes(path.read_bytes() + Path(str(path) + ".crt").read_bytes())
        made[name] = path
    return made


def test_a_certificate_of_an_own_authority_is_named_in_the_settings(certificates: dict[str, Path]) -> None:
    with model_server(certificates["right"]) as server:
        serving(server, "openai_answer.sse")
        with pytest.raises(ServerError, match=r"certificate of .* is not valid: self.signed certificate"):
            ask(backend(server))
        assert ask(backend(server, ca_file=str(certificates["right"])))[0] == "The port is 8080."


def test_a_certificate_for_another_name_is_refused(certificates: dict[str, Path]) -> None:
    with model_server(certificates["wrong"]) as server:
        serving(server, "openai_answer.sse")
        with pytest.raises(ServerError, match="is not valid: IP address mismatch"):
            ask(backend(server, ca_file=str(certificates["wrong"])))
        assert server.asked == []


def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"server.ca_file cannot be used"):
        OpenAIWire(MODEL, "https://127.0.0.1:1/v1", ca_file=str(tmp_path / "none.pem"))
