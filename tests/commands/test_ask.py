"""`orch ask` with the scripted model: real process, real tools, real journal and documents."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.paths import home
from tests.commands.orch import ORCH, events, run, script


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    (folder / "quota.py").write_text("def charge(n):\n    raise QuotaExceeded(n)\n", encoding="utf-8")
    return folder


def ask(
    project: Path, *steps: dict[str, Any], extra: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    model = script(project.parent / "script.json", *steps)
    return run("ask", "Do it", "--model", model, *extra, cwd=project)


def call(tool: str, **arguments: str) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


def test_json_events_have_the_documented_shape(project: Path) -> None:
    done = ask(
        project, call("search", pattern="QuotaExceeded"), {"answer": "In `charge`."}, extra=("--json",)
    )
    assert done.returncode == 0, done.stderr
    by_type = {event["type"]: event for event in events(done.stdout)}
    assert by_type["context"]["tiers"] == []
    assert by_type["tool_call"]["name"] == "search"
    assert by_type["tool_call"]["arguments"] == {"pattern": "QuotaExceeded"}
    result = by_type["tool_result"]
    assert (result["ok"], result["exit_code"], result["truncated"]) == (True, None, False)
    assert result["duration_ms"] >= 0
    assert "quota.py:2" in result["text"]
    assert by_type["answer"]["text"] == "In `charge`."
    assert set(by_type["session_end"]["usage"]) == {
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "time_to_first_token_ms",
        "model_load_ms",
        "tokens_per_second",
    }
    tokens = [event["text"] for event in events(done.stdout) if event["type"] == "token"]
    assert len(tokens) > 1
    assert "".join(tokens) == "In `charge`."


def test_plain_answers_on_stdout_and_tool_calls_on_stderr(project: Path) -> None:
    done = ask(project, call("read", path="quota.py"), {"answer": "Fine [/red] \x1b[31mtext"})
    assert done.stdout == "Fine [/red] [31mtext\n" or done.stdout == "Fine [/red] text\n"
    assert "▸ read quota.py" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_quiet_prints_only_the_answer(project: Path) -> None:
    done = ask(project, call("read", path="quota.py"), {"answer": "Fine."}, extra=("--quiet",))
    assert (done.stdout, done.stderr) == ("Fine.\n", "")


def test_the_prompt_may_come_from_stdin(project: Path) -> None:
    model = script(project.parent / "s.json", {"answer": "yes"})
    done = run("ask", "--model", model, "-q", cwd=project, stdin="Is this read?\n")
    assert done.stdout == "yes\n"
    assert "Is this read?" in run("log", "--json", cwd=project).stdout


@pytest.mark.parametrize(
    ("mode", "approve", "written"),
    [
        ("ask", "never", False),
        ("ask", "always", True),
        ("workspace", "never", True),
    ],
)
def test_modes_and_approvals(project: Path, mode: str, approve: str, written: bool) -> None:
    write = call("write", path="new.txt", content="hi\n")
    done = ask(project, write, {"answer": "ok"}, extra=("--mode", mode, "--approve", approve, "--json"))
    assert done.returncode == 0, done.stderr
    assert (project / "new.txt").exists() is written
    result = next(event for event in events(done.stdout) if event["type"] == "tool_result")
    assert result["ok"] is written


def test_a_session_leaves_its_entry_in_the_log_and_the_next_reads_it(project: Path) -> None:
    write = call("write", path="new.txt", content="hi\n")
    ask(project, write, {"answer": "Written."}, extra=("--mode", "workspace"))
    log = (project / "SESSION_LOG.md").read_text(encoding="utf-8")
    for heading in (
        "### Starting Context",
        "### Work Accomplished",
        "### Code Changes",
        "### Blockers",
        "### For Next Instance",
        "### Test Status",
    ):
        assert heading in log
    assert "new.txt" in log
    second = ask(project, {"answer": "ok"}, extra=("--json",))
    tiers = next(event for event in events(second.stdout) if event["type"] == "context")["tiers"]
    assert {tier["tier"] for tier in tiers} == {3, 4}


def test_a_note_made_outside_is_in_the_next_prompt(project: Path) -> None:
    noted = run("note", "decision", "use PostgreSQL", "--because", "SQLite locks", cwd=project)
    assert noted.returncode == 0, noted.stderr
    assert "use PostgreSQL" in (project / "SESSION_BRIEFING.md").read_text(encoding="utf-8")
    done = ask(project, {"answer": "ok"}, extra=("--json",))
    tiers = next(event for event in events(done.stdout) if event["type"] == "context")["tiers"]
    assert [tier["tier"] for tier in tiers] == [3]


def test_the_models_own_note_is_recorded_as_claimed(project: Path) -> None:
    ask(project, call("note", kind="lesson", text="tests need TZ=UTC"), {"answer": "noted"})
    lesson = next(r for r in events(run("log", "--json", cwd=project).stdout) if r["kind"] == "lesson")
    assert (lesson["body"]["by"], lesson["body"]["status"]) == ("model", "claimed")


def test_the_model_may_recall_what_an_earlier_session_said(project: Path) -> None:
    model = script(project.parent / "first.json", {"answer": "Noted."})
    run("ask", "The importer takes NATS, not Kafka", "--model", model, cwd=project)
    done = ask(
        project, call("recall", query="which queue: NATS or Kafka"), {"answer": "NATS."}, extra=("--json",)
    )
    result = next(event for event in events(done.stdout) if event["type"] == "tool_result")
    assert result["ok"], result
    assert "The importer takes NATS, not Kafka" in result["text"]
    assert result["text"].startswith("<recalled>")


def test_no_model_is_one_sentence_that_says_what_to_run(project: Path) -> None:
    done = run("ask", "hi", cwd=project)
    assert done.returncode == 1
    assert done.stderr.startswith("orch: ")
    assert "orch model pull" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_prompt_larger_than_the_window_fails_in_one_sentence(project: Path) -> None:
    model = script(project.parent / "s.json", {"answer": "never"})
    done = run("ask", "--model", model, cwd=project, stdin="word " * 30_000)
    assert done.returncode == 1
    assert "Put the text into a file" in done.stderr
    assert "Traceback" not in done.stderr
    assert "### Work Accomplished" in (project / "SESSION_LOG.md").read_text(encoding="utf-8")


def test_interrupt_keeps_what_was_said_and_exits_130(project: Path) -> None:
    model = script(project.parent / "s.json", {"pause": "the first half "})
    with subprocess.Popen(
        [*ORCH, "ask", "go", "--model", model, "--json"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if '"half "' in line:
                process.send_signal(signal.SIGINT)
        process.wait(300)
    answer = next(event for event in events("".join(seen)) if event["type"] == "answer")
    assert process.returncode == 130
    assert (answer["text"], answer["interrupted"]) == ("the first half ", True)
    assert "interrupted" in (project / "SESSION_LOG.md").read_text(encoding="utf-8").lower()


def test_a_session_killed_is_closed_at_the_next_start(project: Path) -> None:
    model = script(project.parent / "s.json", {"pause": "the first half "})
    with subprocess.Popen(
        [*ORCH, "ask", "go", "--model", model, "--json"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"half "' in line:
                process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (project / "SESSION_LOG.md").exists()
    ask(project, {"answer": "ok"})
    log = (project / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "killed" in log
    assert log.count("## Session ") == 2
    assert list(home().run.glob("*.json")) == []


def test_a_secret_never_reaches_journal_mirror_or_documents(project: Path) -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    (project / "token.txt").write_text(f"token={secret}\n", encoding="utf-8")
    ask(project, call("read", path="token.txt"), {"answer": f"It is {secret}."})
    for path in (*home().root.rglob("*"), *project.glob("*.md")):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_a_project_that_is_a_file_or_missing_is_one_sentence(project: Path) -> None:
    model = script(project.parent / "s.json", {"answer": "ok"})
    for path in (project / "quota.py", project / "missing"):
        done = run("ask", "hi", "--model", model, "--project", str(path), cwd=project)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
