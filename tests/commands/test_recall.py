"""recall, import, export, show and forget as a person's shell runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands.orch import run

LINES = [
    {
        "id": "D1:1",
        "session": "one",
        "timestamp": "2024-01-03T10:00:00",
        "role": "Mara",
        "content": "Hi there",
    },
    {
        "id": "D1:2",
        "session": "one",
        "timestamp": "2024-01-03T10:01:00",
        "role": "Jonas",
        "content": "How is Otis?",
    },
    {
        "id": "D1:3",
        "session": "one",
        "timestamp": "2024-01-03T10:02:00",
        "role": "Mara",
        "content": "The tortoise eats\nsalad \x1b[31m[bold]red",
    },
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in LINES)
    (folder / "talk.jsonl").write_text(text, encoding="utf-8")
    assert run("init", cwd=folder).returncode == 0
    return folder


def done(*args: str, cwd: Path, stdin: str | None = None) -> str:
    process = run(*args, cwd=cwd, stdin=stdin)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture
def filled(place: Path) -> Path:
    done("import", "talk.jsonl", cwd=place)
    return place


def test_import_says_what_it_took_and_what_not(place: Path) -> None:
    with (place / "talk.jsonl").open("a") as file:
        file.write('{"id": "D1:4"}\nbroken\n')
    assert done("import", "talk.jsonl", cwd=place) == (
        "3 turns of 1 sessions were taken in. Skipped 2: 1 without content, 1 broken line.\n"
    )
    again = json.loads(done("import", "talk.jsonl", "--json", cwd=place))
    assert again == {
        "taken": 0,
        "sessions": 0,
        "known": 3,
        "undated": 0,
        "skipped": {"without content": 1, "broken line": 1},
    }
    piped = done("import", "-", cwd=place, stdin='{"content": "from a pipe"}\n')
    assert piped.startswith("1 turns of 1 sessions were taken in. 1 have no time")
    missing = run("import", "nowhere.jsonl", cwd=place)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)


def test_recall_for_people(filled: Path) -> None:
    shown = done("recall", "what do tortoises eat", cwd=filled).splitlines()
    assert shown[0].startswith("2024-01-03 10:00 Mara [S")
    assert shown[-2:] == ["    The tortoise eats", "    salad [bold]red"]
    assert done("recall", "nonsense", cwd=filled) == "Nothing like it was said.\n"
    assert "more turns fit the question, but not into 4 tokens" in done(
        "recall", "tortoise", "--budget", "4", cwd=filled
    )


def test_recall_as_json(filled: Path) -> None:
    found = json.loads(done("recall", "tortoise", "--json", "--budget", "50", cwd=filled))
    assert [one["source_id"] for one in found["excerpts"]] == ["D1:1", "D1:2", "D1:3"]
    assert {"id", "source_id", "session", "timestamp", "role", "content"} <= set(found["excerpts"][0])
    assert (found["excerpts"][2]["content"], found["excerpts"][2]["session"]) == (LINES[2]["content"], "one")
    assert found["tokens"] == -(-sum(len(one["content"]) for one in found["excerpts"]) // 4)


def test_one_json_result_a_line_of_questions(filled: Path) -> None:
    lines = done("recall", "-", cwd=filled, stdin='tortoise\n\n"* NEAR(\r\nOtis').splitlines()
    assert [bool(json.loads(line)["excerpts"]) for line in lines] == [True, False, False, True]


def test_answers_come_before_the_next_question_is_asked(filled: Path) -> None:
    import sys

    from tests.commands.orch import ORCH

    assert sys.executable
    with subprocess.Popen(
        [*ORCH, "recall", "-"], cwd=filled, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("tortoise\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["excerpts"]
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "args", [[""], ["x", "--kind", "song"], ["x", "--since", "soon"], ["x", "--budget", "0"]]
)
def test_wrong_usage(filled: Path, args: list[str]) -> None:
    process = run("recall", *args, cwd=filled)
    assert process.returncode == 2
    assert "Traceback" not in process.stderr


def test_workspace_and_projects(filled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done("init", "--workspace", str(tmp_path), cwd=other)
    done("init", "--workspace", str(tmp_path), cwd=filled)
    done("note", "decision", "the tortoise moves out", cwd=other)
    assert "moves out" not in done("recall", "tortoise", cwd=filled)
    assert "moves out" in done("recall", "tortoise", "--workspace", cwd=filled)
    assert "moves out" in done("recall", "tortoise", "--project", str(other), cwd=filled)
    assert "decision" in done("recall", "tortoise", "--workspace", "--kind", "decision", cwd=filled)
    assert done("recall", "tortoise", "--since", "2025-01-01", cwd=filled) == "Nothing like it was said.\n"


def test_export_gives_back_what_import_took(filled: Path) -> None:
    done("note", "decision", "feed it", "--because", "it is hungry", cwd=filled)
    lines = [json.loads(line) for line in done("export", cwd=filled).splitlines()]
    assert [{name: line[name] for name in LINES[0]} for line in lines[:3]] == LINES
    assert lines[3]["content"] == "feed it (because it is hungry)"
    (filled / "again.jsonl").write_text(done("export", cwd=filled), encoding="utf-8")
    assert done("import", "again.jsonl", cwd=filled).startswith("0 turns of 0 sessions were taken in. 4 were")
    markdown = done("export", "--format", "markdown", cwd=filled)
    assert "## one, 2024-01-03" in markdown
    assert "> salad [bold]red" in markdown
    assert "\x1b" not in markdown


def test_show_opens_a_record_with_its_neighbours(filled: Path) -> None:
    citation = json.loads(done("recall", "tortoise", "--json", cwd=filled))["excerpts"][2]["citation"]
    shown = done("show", citation, cwd=filled)
    assert "source_id: D1:3" in shown
    assert "How is Otis?" in shown
    assert "Hi there" not in done("show", citation, "--around", "1", cwd=filled)
    assert "Otis" not in done("show", citation, "--around", "0", cwd=filled)
    assert done("show", citation.partition("#")[0], cwd=filled).count("\n") == 3
    record: dict[str, Any] = json.loads(done("show", f"[{citation}]", "--json", cwd=filled))
    assert record["body"]["source_id"] == "D1:3"
    assert run("show", "S0000#1", cwd=filled).returncode == 1


def test_show_opens_a_commit(filled: Path) -> None:
    for args in (
        ["init", "-q"],
        ["add", "talk.jsonl"],
        ["-c", "user.name=M", "-c", "user.email=m@x", "commit", "-qm", "First talk"],
    ):
        subprocess.run(["git", *args], cwd=filled, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=filled, check=True, capture_output=True, text=True
    ).stdout.strip()
    shown = done("show", commit, cwd=filled)
    assert "First talk" in shown
    assert "talk.jsonl" in shown
    assert "+" in shown
    assert run("show", "deadbeef", cwd=filled).returncode == 1


def test_forget_first_says_what_would_go(filled: Path) -> None:
    citation = json.loads(done("recall", "tortoise", "--json", cwd=filled))["excerpts"][2]["citation"]
    said = done("forget", citation, cwd=filled)
    assert "The tortoise eats" in said
    assert "--yes" in said
    assert "tortoise" in done("recall", "tortoise", cwd=filled)
    assert done("forget", citation, "--yes", cwd=filled).endswith("1 records say nothing any more.\n")
    assert done("recall", "tortoise", cwd=filled) == "Nothing like it was said.\n"
    assert "(redacted)" in done("show", citation, cwd=filled)
    assert run("forget", "S0000#1", "--yes", cwd=filled).returncode == 1
