"""Headless sessions on the real 0.5B: from prompt to log, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.paths import Home
from tests.commands.orch import events, run

pytestmark = pytest.mark.model
MODEL = "qwen2.5-coder-0.5b"


def ask(prompt: str, project: Path, *extra: str) -> list[dict[str, object]]:
    done = run("ask", prompt, "--model", MODEL, "--json", *extra, cwd=project, timeout=600)
    assert done.returncode == 0, done.stderr
    return events(done.stdout)


def one(found: list[dict[str, object]], kind: str) -> dict[str, object]:
    return next(event for event in found if event["type"] == kind)


def test_it_reads_a_file_answers_from_it_and_leaves_a_log(with_model: Home, heron: Path) -> None:
    found = ask("Read settings.toml and tell me the port.", heron)
    assert one(found, "tool_call")["name"] == "read"
    assert "8080" in str(one(found, "answer")["text"])
    usage = one(found, "session_end")["usage"]
    assert isinstance(usage, dict)
    assert usage["prompt_tokens"] > usage["cached_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert usage["tokens_per_second"] > 0
    log = (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "Read settings.toml and tell me the port." in log
    assert MODEL in log


def test_the_answer_streams_in_pieces_of_its_text(with_model: Home, heron: Path) -> None:
    found = ask("What is a semaphore?", heron)
    pieces = [str(event["text"]) for event in found if event["type"] == "token"]
    assert len(pieces) > 5
    assert "".join(pieces) == one(found, "answer")["text"]
    assert '{"tool"' not in "".join(pieces)


def test_it_edits_a_file_when_the_mode_allows_it(with_model: Home, heron: Path) -> None:
    ask(
        "In settings.toml change port = 8080 to port = 9090.",
        heron,
        "--mode",
        "workspace",
        "--max-steps",
        "3",
    )
    assert "port = 9090" in (heron / "settings.toml").read_text(encoding="utf-8")


def test_what_was_decided_outside_is_answered_from_the_documents(with_model: Home, heron: Path) -> None:
    run("note", "decision", "use PostgreSQL", "--because", "SQLite locks under our writers", cwd=heron)
    found = ask("Which database did we choose, and why?", heron)
    assert "PostgreSQL" in str(one(found, "answer")["text"])


def test_the_same_question_twice_gives_the_same_answer(with_model: Home, heron: Path) -> None:
    # Restored from a snapshot or prefilled anew, greedy decoding must not differ.
    first = one(ask("What is a semaphore?", heron, "--context-budget", "0"), "answer")["text"]
    second = one(ask("What is a semaphore?", heron, "--context-budget", "0"), "answer")["text"]
    assert first == second


def test_a_warmed_project_answers_as_a_cold_one_and_reads_only_the_question(
    with_model: Home, heron: Path
) -> None:
    (heron / "PROJECT_CONTEXT.md").write_text(
        "# Heron\n\nIt bills calls. The port is 8080.\n", encoding="utf-8"
    )
    run("init", cwd=heron)
    before = {path: path.read_bytes() for path in heron.rglob("*") if path.is_file()}
    done = run("warm", "--model", MODEL, "--json", cwd=heron, timeout=600)
    assert done.returncode == 0, done.stderr
    ready = events(done.stdout)[0]
    assert {path: path.read_bytes() for path in before} == before  # warming writes nothing there
    shown = run("context", "--json", "--model", MODEL, cwd=heron)
    assert json.loads(shown.stdout)["next_session"] == {
        "tokens": ready["tokens"],
        "cached": ready["tokens"],
        "new": 0,
    }

    remembered = {path: path.read_bytes() for path in with_model.root.iterdir() if path.is_file()}
    warm = ask("What is a semaphore?", heron)
    assert one(warm, "prefill")["cached"] == ready["tokens"]
    # What the session recorded would change the prompt, by the log and by the briefing made from records.
    for path in [path for path in with_model.root.iterdir() if path.is_file()]:
        path.unlink()
    for path, data in (before | remembered).items():
        path.write_bytes(data)
    kept = sorted(with_model.snapshots.rglob("*"))
    cold = ask("What is a semaphore?", heron, "--cold")
    assert one(cold, "prefill")["cached"] == 0
    assert one(cold, "context")["used"] == one(warm, "context")["used"]
    assert sorted(with_model.snapshots.rglob("*")) == kept
    assert one(cold, "answer")["text"] == one(warm, "answer")["text"]


def test_in_a_new_folder_hardly_anything_is_read_before_the_question(
    with_model: Home, tmp_path: Path
) -> None:
    for name in ("first", "second"):  # the first one may have to make the base
        (tmp_path / name).mkdir()
        found = ask("Hello!", tmp_path / name)
    assert 0 < int(str(one(found, "prefill")["total"])) <= 100


def test_in_the_background_it_is_made_ready_without_a_word(with_model: Home, heron: Path) -> None:
    (heron / "PROJECT_CONTEXT.md").write_text("# Heron\n\nIt bills calls. Ask Ines.\n", encoding="utf-8")
    run("init", cwd=heron)
    before = {path: path.read_bytes() for path in heron.rglob("*") if path.is_file()}
    done = run(
        "warm", "--background", "--project", str(heron), "--model", MODEL, cwd=with_model.root, timeout=600
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.read_bytes() for path in heron.rglob("*") if path.is_file()} == before
    ready = events(run("warm", "--model", MODEL, "--json", cwd=heron).stdout)[0]
    assert ready["prefilled"] == 0
    assert ready["tokens"] > 1000
