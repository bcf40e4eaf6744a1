"""No file where the node's home should have one: told in one sentence, and never waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import run, script

SECONDS = 300  # a limit for a program that hangs, not a measurement


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket holds only about 100 characters
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


KINDS: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "folder": Path.mkdir, "socket": _socket}
pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return KINDS[request.param]


@pytest.fixture
def model(tmp_path: Path) -> str:
    return script(tmp_path / "answer.json", {"answer": "hello"})


@pytest.mark.parametrize(
    "command",
    [["ask", "hi"], ["config", "get"], ["config", "set", "agent.mode", "ask"], ["model", "use", "auto"]],
)
def test_settings(
    make: Callable[[Path], None], command: list[str], orch_home: Home, tmp_path: Path, model: str
) -> None:
    make(orch_home.config)
    extra = ["--model", model] if command[0] == "ask" else []
    done = run(*command, *extra, cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 1
    assert done.stderr.startswith(f"orch: {orch_home.config} cannot be read: ")
    assert done.stderr.endswith("or set ORCH_HOME to another folder.\n")
    assert done.stderr.count("\n") == 1


def test_a_mirror_is_told_and_the_session_goes_on(
    make: Callable[[Path], None], orch_home: Home, tmp_path: Path, model: str
) -> None:
    make(orch_home.memory_log)
    for _ in range(2):  # made with the first, opened with the second
        done = run("ask", "hi", "-q", "--model", model, cwd=tmp_path, timeout=SECONDS)
        assert (done.returncode, done.stdout) == (0, "hello\n")
        assert str(orch_home.memory_log) in done.stderr
        assert done.stderr.count("\n") == 1
    assert "hello" in run("log", cwd=tmp_path, timeout=SECONDS).stdout


def test_a_journal_is_one_sentence(
    make: Callable[[Path], None], orch_home: Home, tmp_path: Path, model: str
) -> None:
    make(orch_home.journal)
    done = run("ask", "hi", "-q", "--model", model, cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 1
    assert done.stderr == f"orch: {orch_home.journal} is not a regular file. Move it away.\n"


def test_the_rest_waits_for_nobody(orch_home: Home, tmp_path: Path, model: str) -> None:
    orch_home.models.mkdir()
    for name in ("registry.json", "threads.json", "crash.log", "models/a.json", "models/a.sha256"):
        os.mkfifo(orch_home.root / name)
    for command in (["ask", "hi", "--model", model], ["init"], ["doctor"], ["model", "list"]):
        done = run(*command, cwd=tmp_path, timeout=SECONDS)
        assert "Unexpected" not in done.stderr


def test_a_model_is_told(make: Callable[[Path], None], orch_home: Home, tmp_path: Path) -> None:
    orch_home.models.mkdir()
    make(orch_home.models / "mine.gguf")
    done = run("ask", "hi", "--model", "mine", cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 1
    assert "mine.gguf" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_journal_is_not_rebuilt_without_a_readable_mirror(
    make: Callable[[Path], None], orch_home: Home, tmp_path: Path
) -> None:
    make(orch_home.memory_log)
    orch_home.journal.write_bytes(b"no database at all")
    done = run("log", "--rebuild", cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 1
    assert done.stderr == f"orch: {orch_home.memory_log} is not a regular file. Move it away.\n"
    assert orch_home.journal.read_bytes() == b"no database at all"


def test_a_registry_is_set_aside(make: Callable[[Path], None], orch_home: Home, tmp_path: Path) -> None:
    make(orch_home.registry)
    done = run("init", cwd=tmp_path, timeout=SECONDS)
    assert done.returncode == 0
    assert "The registry was damaged; it is kept as" in done.stderr
    assert str(tmp_path) in orch_home.registry.read_text(encoding="utf-8")
