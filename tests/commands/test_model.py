from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator import config, wiring
from orchestrator.commands.model import app
from orchestrator.errors import BadModelFile, NoModel
from orchestrator.models import trial
from orchestrator.models.trial import PROMPTS
from orchestrator.paths import Home
from orchestrator.types import (
    ANSWER,
    Finish,
    Generated,
    GenerateRequest,
    Message,
    ModelInfo,
    Prefill,
    ToolCall,
    Usage,
)
from tests.commands.orch import run as real_orch
from tests.models.gguf_file import gguf_with_tensors, tiny_gguf


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")


@pytest.fixture
def mine(orch_home: Home) -> Path:
    """A model that was added: `mine`."""
    orch_home.models.mkdir(parents=True)
    path = orch_home.models / "mine.gguf"
    path.write_bytes(tiny_gguf())
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def orch(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestrator.cli", "model", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_list_as_json(mine: Path) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["mine"] == rows["mine"] | {
        "state": "installed",
        "family": "qwen2",
        "parameters": "0.1B",
        "context": 2048,
        "used": True,
        "path": str(mine),
    }
    small = rows["qwen2.5-coder-0.5b"]
    assert (small["state"], small["used"], small["bytes"]) == ("available", False, 491_400_064)


def test_list_shows_a_partial_download_and_what_is_used(mine: Path, orch_home: Home) -> None:
    (orch_home.models / "qwen2.5-coder-0.5b.gguf.part").write_bytes(b"x")
    lines = run("list").stdout.splitlines()
    assert any("qwen2.5-coder-0.5b" in line and "partial 0 %" in line for line in lines)
    assert any(line.startswith("*") and "mine" in line for line in lines)


def test_list_with_nothing_says_what_to_do() -> None:
    assert "orch model pull" in run("list").stdout


def test_list_names_a_server_that_sessions_use(orch_home: Home) -> None:
    config.store(orch_home.config, "model.name", "openai:qwen2.5-7b")
    assert run("list").stdout.splitlines()[-1] == "The next session uses openai:qwen2.5-7b (model.name)."


def test_list_shows_a_file_that_is_no_model(orch_home: Home) -> None:
    orch_home.models.mkdir()
    (orch_home.models / "bad.gguf").write_bytes(b"?")
    (orch_home.models / "Not A\x1b[31mName.gguf").write_bytes(tiny_gguf())
    output = run("list").stdout
    assert "damaged" in output
    assert "\x1b" not in output


def test_use_checks_before_it_stores(mine: Path, orch_home: Home) -> None:
    with pytest.raises(NoModel):
        run("use", "qwen2.5-coder-1.5b")
    assert not orch_home.config.exists()
    assert "Sessions use mine." in run("use", "mine").stdout
    assert 'name = "mine"' in orch_home.config.read_text()
    assert "Now that is mine" in run("use", "auto").stdout


def test_use_keeps_an_absolute_path(tmp_path: Path, orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gguf").write_bytes(tiny_gguf())
    monkeypatch.chdir(tmp_path)
    run("use", "a.gguf")
    assert str(tmp_path / "a.gguf") in orch_home.config.read_text()


def test_use_auto_needs_no_model(orch_home: Home) -> None:
    assert run("use", "auto").stdout == "Sessions use auto.\n"


def test_rm_says_what_it_freed(mine: Path) -> None:
    run("use", "mine")
    output = run("rm", "mine").stdout
    assert f"mine is deleted, {len(tiny_gguf()):,} bytes freed." in output
    assert "orch model use auto" in output
    assert not mine.exists()
    assert "nothing to delete" in run("rm", "phi-3-mini").stdout
    with pytest.raises(NoModel):
        run("rm", "mine")


def test_add_and_pull_of_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "New One.gguf"
    file.write_bytes(tiny_gguf())
    assert run("add", str(file)).stdout.startswith("new-one is here: ")
    assert run("pull", "new-one").stdout.startswith("new-one is here: ")


def test_a_truncated_file_is_refused_before_it_is_loaded(tmp_path: Path, orch_home: Home) -> None:
    whole = gguf_with_tensors()
    file, said = tmp_path / "cut.gguf", f"it is cut off after {len(whole) - 1:,} of {len(whole):,} bytes. Get"
    file.write_bytes(whole[:-1])
    for command in (["model", "add", "cut.gguf"], ["ask", "hi", "--model", "cut.gguf"]):
        done = real_orch(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr.splitlines()[-1]
        assert not list(orch_home.models.glob("*.gguf"))
    file.write_bytes(whole)
    run("add", str(file))
    there = orch_home.models / "cut.gguf"
    there.unlink()
    there.write_bytes(whole[:-1])
    for command in (["model", "pull", "cut"], ["ask", "hi", "--model", "cut"]):
        done = real_orch(*command, cwd=tmp_path)
        assert done.returncode == 1
        assert "The file of cut is damaged or was replaced" in done.stderr
        assert "Run `orch model rm cut`, then get it again." in done.stderr


def test_errors_are_one_line_and_an_exit_code(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"\x1b]0;title\x07")
    for arguments in (("pull", "nope"), ("use", "nope"), ("rm", "nope"), ("test", "nope"), ("add", str(bad))):
        done = orch(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("orch: ")
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_help_shows_an_example() -> None:
    for command in ("list", "pull", "use", "rm", "add", "tune", "test"):
        assert f"Example: orch model {command}" in run(command, "--help").stdout


def test_names_complete_in_the_shell(mine: Path) -> None:
    def complete(words: str) -> list[str]:
        environment = {**os.environ, "_ORCH_COMPLETE": "complete_bash", "COMP_WORDS": words}
        environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
        script = "from orchestrator.cli import app; app(prog_name='orch')"
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.split()

    assert complete("orch model use m") == ["mine"]
    assert "phi-3-mini" in complete("orch model pull p")


# --- test ---------------------------------------------------------------------------------------


class Fake:
    """Chooses the right tool, but for the last two prompts; `log` is what was asked of it."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def start(self) -> ModelInfo:
        self.log.append("start")
        return ModelInfo("fake\x1b[2J", 2048, load_ms=1500)

    async def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        self.log.append(request.messages[-1].text)
        number = len(self.log) - 2
        usage = Usage(100, 90, 10, 200.0 if number == 0 else 20.0, 0.0, 20.0)
        wanted = PROMPTS[number][1]
        call: ToolCall | None = ToolCall(wanted, {})
        text = ""
        if number == len(PROMPTS) - 2:
            call = None
        elif wanted == ANSWER:
            call, text = None, "Hello"
        yield Prefill(10, 10, 90)
        yield Finish("stop", call, text, Message("assistant", text, call=call), usage)

    async def cancel(self) -> None:
        self.log.append("cancel")

    async def close(self) -> None:
        self.log.append("close")


def test_test_shows_times_and_the_choice_of_tools(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    monkeypatch.setattr(wiring, "backend", lambda name, settings, home: fake)
    output = run("test", "mine").stdout
    assert "checksum            right" in output
    assert "load                1.50 s" in output
    assert "first token, cold   0.20 s" in output
    assert "first token, warm   0.02 s" in output
    assert "generation          20.0 tokens/s" in output
    assert f"tool choice         {len(PROMPTS) - 1} of {len(PROMPTS)}" in output
    assert "not half a call" in output
    assert "\x1b" not in output
    assert fake.log == ["start", *(prompt for prompt, _ in PROMPTS), "close"]


def test_test_finds_a_bit_that_rotted(mine: Path) -> None:
    run("use", "mine")  # verifies it
    status = mine.stat()
    data = bytearray(mine.read_bytes())
    data[-1] ^= 1
    mine.write_bytes(data)
    os.utime(mine, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(BadModelFile, match="damaged"):
        run("test", "mine")


def test_the_trial_knows_only_its_own_tools() -> None:
    assert {wanted for _, wanted in PROMPTS} == {spec.name for spec in trial.SPECS}
    assert trial.generation_rate([]) == 0.0
