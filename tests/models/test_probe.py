"""What is found out about a model on a server, and what of it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.models.abilities import AbilityStore, Known
from orchestrator.models.ollama import OllamaWire
from orchestrator.models.probe import Trial, best, known, probe
from orchestrator.models.served import ServedBackend
from orchestrator.models.trial import PROMPTS
from orchestrator.types import ANSWER
from tests.commands.orch import run as orch
from tests.models.asking import run
from tests.models.model_server import NDJSON, Answer, Asked, ModelServer, as_json, model_server
from tests.models.ollama_server import MODEL, ollama

WANTED = dict(PROMPTS)


@pytest.fixture
def server() -> Any:
    with model_server() as running:
        yield running


def line(content: str, **message: object) -> bytes:
    said = {"role": "assistant", "content": content, **message}
    return json.dumps({"model": MODEL, "message": said, "done": False}).encode() + b"\n"


END = json.dumps(
    {"model": MODEL, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
     "prompt_eval_count": 700, "eval_count": 10, "eval_duration": 10**9}
).encode() + b"\n"  # fmt: skip


def clever(server: ModelServer, *, native_right: bool, thinking_right: bool = True) -> ModelServer:
    """An Ollama whose model is right under a schema, and as told with tool calls of its own."""
    ollama(server, "ollama_answer.ndjson", can=("completion", "tools", "thinking"))
    load = server.answers["/api/chat"]
    assert callable(load)

    def chat(asked: Asked) -> Answer:
        body = asked.body
        if not body["messages"]:
            return load(asked)
        wanted = WANTED[body["messages"][-1]["content"]]
        if "format" in body:
            return Answer([line(json.dumps({"tool": wanted, "text": "x"})), END], NDJSON)
        if not body.get("tools"):
            return as_json({"error": "the template has no place for it"}, 400)
        right = thinking_right if body["think"] else native_right
        if wanted == ANSWER or not right:
            return Answer([line("Of course."), END], NDJSON)
        called = {"function": {"name": wanted, "arguments": {"path": "x"}}}
        return Answer([line("", tool_calls=[called]), END], NDJSON)

    server.answers["/api/chat"] = chat
    return server


def trials(server: ModelServer) -> list[Trial]:
    async def collect(model: ServedBackend) -> list[Trial]:
        return [part async for part in probe(model) if isinstance(part, Trial)]

    return run(ServedBackend(OllamaWire(MODEL, server.url, context_size=8192), context_size=8192), collect)


def test_every_dialect_is_tried_and_the_best_kept(server: ModelServer) -> None:
    found = trials(clever(server, native_right=False))
    answers = sum(wanted == ANSWER for _, wanted in PROMPTS)
    assert [(one.dialect, one.right) for one in found if not one.thinking] == [
        ("schema", len(PROMPTS)),
        ("native", answers),
        ("text", 0),
    ]
    assert "no place for it" in found[2].error
    kept = known(found, 8192, 0.8, "2026-10-02T09:00:00+02:00")
    assert (kept.dialect, kept.right, kept.asked, kept.thinking) == (
        "schema",
        len(PROMPTS),
        len(PROMPTS),
        "works",
    )


def test_a_model_that_is_better_with_its_own_calls_is_asked_for_them() -> None:
    tried = [Trial("schema", False, 8, 12), Trial("native", False, 11, 12), Trial("text", False, 11, 12)]
    chosen = best(tried)
    assert chosen is not None
    assert chosen.dialect == "native"
    assert best([Trial("schema", False, 0, 12, error="gone")]) is None
    lucky = best([Trial("grammar", False, 9, 12), Trial("text", False, 10, 12)])
    assert lucky is not None
    assert lucky.dialect == "grammar", "one more is luck"


def test_thinking_that_breaks_tools_is_found(server: ModelServer) -> None:
    found = trials(clever(server, native_right=True, thinking_right=False))
    assert known(found, 8192, 1.0, "").thinking == "breaks tools"


def test_what_is_kept_is_found_again_by_server_model_and_content(tmp_path: Path) -> None:
    store = AbilityStore(tmp_path / "abilities.json")
    store.put("here", "m", "d1", Known("native", 0.7, 11, 12, 30.0, 800.0, 8192, "works", "now"))
    assert store.get("here", "m", "d1") == Known("native", 0.7, 11, 12, 30.0, 800.0, 8192, "works", "now")
    assert store.get("here", "m", "d2") == Known()
    assert store.get("there", "m", "d1") == Known()
    store.correct("here", "m", "d1", 0.61234)
    assert store.get("here", "m", "d1").factor == 0.612
    assert store.get("here", "m", "d1").dialect == "native"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"here m d1": 3}', '{"here m d1": {"dialect": "dance", "factor": "x"}}']
)
def test_a_damaged_file_is_nothing_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "abilities.json"
    file.write_text(text)
    assert AbilityStore(file).get("here", "m", "d1") == Known()


def test_orch_model_test_prints_a_table_and_sessions_use_what_was_kept(
    server: ModelServer, tmp_path: Path
) -> None:
    clever(server, native_right=False)
    host = {"OLLAMA_HOST": server.url}
    done = orch("model", "test", f"ollama:{MODEL}", cwd=tmp_path, **host)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].split(maxsplit=1) == ["server", f"Ollama at 127.0.0.1:{server.port}"]
    assert lines[2].endswith("stay on this machine")
    assert [row.split()[0] for row in lines if row.startswith(("schema", "native", "text"))] == [
        "schema", "native", "text", "native",
    ]  # fmt: skip
    assert lines[-1] == "Sessions use schema: JSON under a schema."
    as_data = json.loads(orch("model", "test", f"ollama:{MODEL}", "--json", cwd=tmp_path, **host).stdout)
    assert as_data["dialect"] == "schema"
    assert as_data["right"] == len(PROMPTS)
