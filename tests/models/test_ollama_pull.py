"""`orch model pull ollama:NAME` and names on Ollama, against a server that speaks its protocol."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import DownloadError, NoModel, ServerError
from orchestrator.models.ollama_pull import pull
from orchestrator.models.select import choose, locate
from orchestrator.paths import Home
from tests.commands.orch import run as orch
from tests.models.model_server import NDJSON, Answer, ModelServer, model_server
from tests.models.ollama_server import MODEL, ollama

ALL = frozenset({"ollama", "openai", "gguf", "scripted"})
LAYERS = (
    {"status": "pulling manifest"},
    {"status": "pulling 2bada8a74506", "digest": "sha256:2bada8a74506", "total": 4000},
    {"status": "pulling 2bada8a74506", "digest": "sha256:2bada8a74506", "total": 4000, "completed": 1000},
    {"status": "pulling 2bada8a74506", "digest": "sha256:2bada8a74506", "total": 4000, "completed": 4000},
    {"status": "pulling 66b9ea09bd5b", "digest": "sha256:66b9ea09bd5b", "total": 68, "completed": 68},
    {"status": "verifying sha256 digest"},
    {"status": "writing manifest"},
    {"status": "success"},
)


@pytest.fixture
def server() -> Any:
    with model_server() as running:
        yield ollama(running, "ollama_answer.ndjson")


def lines(*values: object) -> Answer:
    return Answer([json.dumps(value).encode() + b"\n" for value in values], NDJSON)


def pulled(server: ModelServer, name: str = MODEL) -> tuple[list[tuple[int, int]], list[str]]:
    shares: list[tuple[int, int]] = []
    said: list[str] = []
    asyncio.run(pull(name, server.url, lambda done, total: shares.append((done, total)), said.append))
    return shares, said


def test_progress_is_of_all_layers(server: ModelServer) -> None:
    server.answers["/api/pull"] = [lines(*LAYERS)]
    shares, said = pulled(server)
    assert shares == [(0, 4000), (1000, 4000), (4000, 4000), (4068, 4068)]
    assert [line.split(": ")[1] for line in said] == [
        "pulling manifest", "verifying sha256 digest", "writing manifest", "success",
    ]  # fmt: skip


def test_a_pull_that_does_not_end_well_says_so(server: ModelServer) -> None:
    server.answers["/api/pull"] = [lines(*LAYERS[:3])]
    with pytest.raises(DownloadError, match="did not finish"):
        pulled(server)
    server.answers["/api/pull"] = [lines({"error": "pull model manifest: file does not exist"})]
    with pytest.raises(DownloadError, match="library has no model qwen9"):
        pulled(server, "qwen9")
    away = 'pull model manifest: Get "https://lib.test/v2/x": dial tcp: lookup lib.test: no such host'
    server.answers["/api/pull"] = [lines(LAYERS[0], {"error": away})]
    with pytest.raises(
        DownloadError, match=r"cannot reach the library that has qwen9 \(no such host\)\. Check"
    ):
        pulled(server, "qwen9")
    server.answers["/api/pull"] = [Answer([b'{"status": "pulling'], NDJSON)]
    with pytest.raises(ServerError, match="not its protocol"):
        pulled(server)


def test_the_command_shows_progress_and_what_to_do_next(server: ModelServer, tmp_path: Path) -> None:
    server.answers["/api/pull"] = [lines(*LAYERS)]
    done = orch("model", "pull", f"ollama:{MODEL}", cwd=tmp_path, OLLAMA_HOST=server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Ollama has {MODEL} now. `orch model use ollama:{MODEL}` chooses it.\n"
    assert f"{MODEL}: 100 %" in done.stderr
    gone = orch("model", "pull", f"ollama:{MODEL}", cwd=tmp_path, OLLAMA_HOST="127.0.0.1:1")
    assert gone.returncode == 1
    assert gone.stderr.startswith("orch: Ollama at 127.0.0.1:1 does not answer. Start it")


def test_names_on_ollama(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    there = (MODEL, "mistral:latest")
    assert locate(f"ollama:{MODEL}", orch_home, kinds=ALL, served=lambda: there).kind == "ollama"
    assert locate("ollama:mistral", orch_home, kinds=ALL, served=lambda: there).name == "mistral"
    assert locate("ollama:x", orch_home, kinds=ALL, served=lambda: None).name == "x", "its start will say"
    with pytest.raises(NoModel, match=r"Ollama has no model x. Run `orch model pull ollama:x`"):
        choose("ollama:x", orch_home, kinds=ALL, served=lambda: there)
    assert locate("auto", orch_home, kinds=ALL, served=lambda: there).kind == "ollama"
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.9:11434")
    with pytest.raises(NoModel, match="No model is installed"):
        locate("auto", orch_home, kinds=ALL, served=lambda: there)


def test_a_session_falls_back_when_ollama_is_gone(server: ModelServer, tmp_path: Path) -> None:
    script = tmp_path / "local.json"
    script.write_text('[{"answer": "I am the small one."}]')
    for key, value in (("model.name", f"ollama:{MODEL}"), ("model.fallback", f"scripted:{script}")):
        orch("config", "set", key, value, cwd=tmp_path)
    whole = orch("ask", "--json", "Which port?", cwd=tmp_path, OLLAMA_HOST=server.url)
    events = [json.loads(line) for line in whole.stdout.splitlines()]
    serving = next(event for event in events if event["type"] == "serving")
    assert (serving["model"], serving["sent_to"]) == (MODEL, "")
    assert next(event["text"] for event in events if event["type"] == "answer") == "The port is 8080."
    gone = orch("ask", "Which port?", cwd=tmp_path, OLLAMA_HOST="127.0.0.1:1")
    assert gone.returncode == 0, gone.stderr
    assert gone.stdout == "I am the small one.\n"
    assert f"Using scripted:local.json. ollama:{MODEL}: Ollama at 127.0.0.1:1 does not answer." in gone.stderr


def test_names_of_ollama_complete(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.commands.complete import complete_models

    monkeypatch.setenv("OLLAMA_HOST", server.url)
    assert complete_models("ollama:q") == [f"ollama:{MODEL}"]
    assert complete_models("ollama:x") == []
