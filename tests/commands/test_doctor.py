from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.commands import checks
from orchestrator.commands.checks import findings
from orchestrator.commands.doctor import app
from orchestrator.paths import Home
from tests.models.gguf_file import tiny_gguf


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")


@pytest.fixture
def ready(orch_home: Home) -> Home:
    """A home with a model."""
    orch_home.models.mkdir()
    (orch_home.models / "mine.gguf").write_bytes(tiny_gguf())
    return orch_home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def states(home: Home) -> dict[str, str]:
    return {one.what: one.state for one in findings(home)}


def test_a_home_with_a_model_can_work(ready: Home) -> None:
    done = run()
    assert done.exit_code == 0
    assert "Sessions can work." in done.stdout
    assert "\x1b" not in done.stdout


def test_without_a_model_it_says_what_to_run(orch_home: Home) -> None:
    done = run("--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["works"] is False
    model = next(check for check in report["checks"] if check["what"] == "model")
    assert model["state"] == "missing"
    assert "orch model pull" in model["remedy"]
    assert [check["what"] for check in report["checks"]] == list(checks.CHECKS)


def test_without_llama_it_cannot_work(ready: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import venv

    venv.create(tmp_path / "bare", symlinks=sys.platform != "win32")
    place = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / place))
    finding = checks.check_llama(ready)
    assert (finding.state, "[llama]" in finding.remedy) == ("missing", True)


def test_what_is_damaged_is_named(ready: Home) -> None:
    ready.journal.write_bytes(b"this is not a database" * 100)
    ready.registry.write_text("{")
    ready.config.write_text("[nope]\nx = 1\n")
    found = states(ready)
    assert (found["journal"], found["registry"], found["settings"]) == ("missing", "warning", "missing")
    assert ready.registry.read_text() == "{"


def test_what_is_whole_is_read(ready: Home) -> None:
    sqlite3.connect(ready.journal).executescript("CREATE TABLE records (id)").connection.close()
    ready.registry.write_text("{}")
    found = states(ready)
    assert (found["journal"], found["registry"]) == ("ok", "ok")


def test_it_changes_nothing(orch_home: Home) -> None:
    run()
    assert list(orch_home.root.iterdir()) == []


def test_a_clock_that_is_behind_is_noticed(ready: Home) -> None:
    ready.memory_log.write_text("")
    assert checks.check_clock(ready).state == "ok"
    later = time.time() + 86_400
    os.utime(ready.memory_log, (later, later))
    assert checks.check_clock(ready).state == "warning"


def test_missing_programs_are_warnings(ready: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for check in (checks.check_ripgrep, checks.check_git):
        finding = check(ready)
        assert (finding.state, bool(finding.remedy)) == ("warning", True)


def test_a_check_that_breaks_is_a_finding(ready: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(home: Home) -> checks.Finding:
        raise OSError("boom")

    monkeypatch.setitem(checks.CHECKS, "git", broken)
    assert states(ready)["git"] == "warning"


def test_help_shows_an_example() -> None:
    assert "Example: orch doctor" in run("--help").stdout
