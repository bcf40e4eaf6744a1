"""`orch` where the world around it is broken: one sentence, no traceback, nothing recorded lost."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.paths import Home, home
from tests.commands.orch import ORCH, events, run, script


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    return folder


@pytest.fixture
def model(tmp_path: Path) -> str:
    return script(tmp_path / "answer.json", {"answer": "café ✓"})


def shell(line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line for a shell, in which ORCH stands for the program."""
    line = line.replace("ORCH", shlex.join(ORCH))
    env = {**os.environ, **environment}
    return subprocess.run(["sh", "-c", line], cwd=cwd, env=env, capture_output=True, timeout=300, check=False)


def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in home().memory_log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("command", ["ask hi", "note decision x", "init"])
def test_a_deleted_folder_is_one_sentence(command: str, tmp_path: Path, model: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    options = f"--model {model}" if command == "ask hi" else ""
    done = shell(f"cd gone && rmdir ../gone && ORCH {command} {options}", tmp_path)
    assert done.returncode == 1
    assert done.stderr == b"orch: . does not exist. Name an existing folder.\n"


def test_an_answer_survives_a_terminal_that_cannot_show_it(project: Path, model: str) -> None:
    done = shell(f"ORCH ask hi -q --model {model}", project, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, b"caf? ?\n")
    assert records()[-2]["body"]["text"] == "café ✓"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed: str, project: Path, model: str) -> None:
    done = shell(f"ORCH ask hi --model {model} {closed}", project)
    assert done.returncode == 0
    assert records()[-1]["body"]["reason"] == "done"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_output_on_a_full_disk_is_one_sentence(project: Path, model: str) -> None:
    done = shell(f"ORCH ask hi -q --model {model} >/dev/full", project)
    assert done.returncode == 1
    assert done.stderr == b"orch: The disk is full. Free some space, then try again.\n"


def test_an_initialised_project_without_sessions_can_be_asked(project: Path, model: str) -> None:
    run("init", cwd=project)
    done = run("ask", "hi", "--model", model, "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    assert [event["type"] for event in events(done.stdout)].count("answer") == 1


def test_what_cannot_be_closed_is_told_in_its_own_project_only(
    project: Path, tmp_path: Path, model: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (project / "SESSION_LOG.md").mkdir()
    failed = run("ask", "hi", "--model", model, cwd=project)
    assert failed.returncode == 0
    assert failed.stderr.count("SESSION_LOG.md cannot be read") == 2  # left out, and not written
    assert "interrupted session" in run("ask", "hi", "--model", model, cwd=project).stderr
    assert run("ask", "hi", "-q", "--model", model, cwd=other).stderr == ""
    (project / "SESSION_LOG.md").rmdir()
    run("ask", "hi", "--model", model, cwd=other)
    assert (project / "SESSION_LOG.md").read_text(encoding="utf-8").count("\n## ") == 2
    shutil.rmtree(project)
    assert run("ask", "hi", "-q", "--model", model, cwd=other).stderr == ""


def test_a_locale_that_knows_ascii_only_damages_nothing(tmp_path: Path) -> None:
    project = tmp_path / "Prôjet ✓"
    project.mkdir()
    write = {"tool": "write", "arguments": {"path": "né.txt", "content": "café\n"}}
    model = script(tmp_path / "œuf.json", write, {"answer": "naïve ✓"})
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    line = f"ORCH ask 'où ?' --mode workspace --model {shlex.quote(model)}"
    done = shell(line, project, **locale)
    assert (done.returncode, done.stdout.decode()) == (0, "naïve ✓\n")
    assert "codec" not in done.stderr.decode()
    assert str(project) in done.stderr.decode()
    assert (project / "né.txt").read_text(encoding="utf-8") == "café\n"
    assert "où ?" in [record["body"].get("text") for record in records()]


def test_arguments_that_are_no_text_are_one_sentence(project: Path, model: str) -> None:
    for line in ("config set model.name", "model use", "log --kind", "ask hi --model"):
        done = shell(f"ORCH {line} \"$(printf '\\377')\"", project)
        assert done.returncode in (1, 2)
        assert done.stderr.count(b"\n") == 1
        assert b"Unexpected" not in done.stderr


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_kill_during_a_command_leaves_no_mount_point_after_the_next_start(
    project: Path, tmp_path: Path, model: str
) -> None:
    step = {"tool": "shell", "arguments": {"command": "touch started; sleep 600"}}
    waiting = script(tmp_path / "waiting.json", step)
    line = [*ORCH, "ask", "hi", "--model", waiting, "--mode", "workspace"]
    with subprocess.Popen(line, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (project / "started").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert (project / ".git").is_dir()
    other = tmp_path / "other"
    other.mkdir()
    assert run("ask", "hi", "-q", "--model", model, cwd=other).returncode == 0
    assert not (project / ".git").exists()
    assert "branch" not in next(r["body"] for r in records() if r["body"].get("event") == "start")


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_project_on_a_read_only_disk_is_told_and_its_log_is_kept_in_the_home(
    project: Path, orch_home: Home, model: str
) -> None:
    root = str(orch_home.root)
    disk = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", root, root]
    done = subprocess.run(
        [*disk, *ORCH, "ask", "hello there", "--model", model], cwd=project, capture_output=True, text=True
    )
    if "bwrap:" in done.stderr:
        pytest.skip("bubblewrap does not work here")
    assert done.returncode == 0, done.stderr
    assert f"{project} cannot be written: its log is kept in {root}/logs/" in done.stderr
    (log,) = orch_home.root.glob("logs/*/SESSION_LOG.md")
    assert "hello there" in log.read_text(encoding="utf-8")
