"""The prompt sets of the tool-choice benchmark, and its scorer with a scripted `orch`."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "tool_choice"
sys.path.insert(0, str(FOLDER))

from fixture import build  # noqa: E402
from isolation import deciding, flaw  # noqa: E402
from report import share  # noqa: E402
from score import GROUPS, choose, load, main  # noqa: E402

SETS = ("development", "validation")

# Says, to each prompt, the events scripted for it; fails when an earlier prompt left anything here.
FAKE = """
    import json, os, sys, time
    from pathlib import Path

    options, _, prompt = sys.argv[1:-2], *sys.argv[-2:]
    assert options[0] == "ask" and "--json" in options, options
    for name, value in {"--mode": "ask", "--approve": "never", "--max-steps": "1"}.items():
        assert options[options.index(name) + 1] == value, options
    project = Path(options[options.index("--project") + 1])
    home = Path(os.environ["ORCH_HOME"])
    script = json.loads(Path(os.environ["FAKE_SCRIPT"]).read_text())
    left = [project / "SESSION_LOG.md", project / "NEW.md", project / ".orchestrator" / "state",
            home / "journal.sqlite3", project.parent / "PORTFOLIO_CONTEXT.md"]
    for path in left:
        assert not path.exists(), path
        path.parent.mkdir(exist_ok=True)
        path.write_text("left over")
    assert (home / "models" / "weights").read_text() == "real"
    (project / ".orchestrator" / "project.toml").open("a").write("x")
    events = script.get(prompt)
    if events is None:
        sys.exit("error: no such model. Run `orch model pull`.")
    print(json.dumps({"type": "session_start"}), flush=True)
    try:  # an interrupt may come as soon as an event is out
        for event in events:
            if event == "sleep":
                time.sleep(60)
            else:
                print(event if isinstance(event, str) else json.dumps(event), flush=True)
    except KeyboardInterrupt:
        prompt = "interrupted in " + prompt
    with (Path(os.environ["FAKE_SCRIPT"]).parent / "finished").open("a") as file:
        file.write(prompt + " " + (project / ".orchestrator" / "project.toml").read_text() + "\\n")
"""


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": tool, "arguments": arguments, "citation": "S7f3a#1"}


def answer(text: str) -> dict[str, Any]:
    return {"type": "answer", "text": text, "citation": "S7f3a#1"}


# --- the sets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_rows_have_the_agreed_shape(name: str) -> None:
    rows = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        assert set(row) == {"id", "prompt", "expected", "language", "group"}
        assert row["prompt"] == row["prompt"].strip() != ""
        assert row["expected"][0] == row["group"], row
        assert set(row["expected"]) <= set(GROUPS)
        assert len(set(row["expected"])) == len(row["expected"]) <= 2, "two accepted calls are plenty"
    assert len({row["id"] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("name", "prompts", "each", "answers"), [("development", 90, 9, 18), ("validation", 60, 6, 12)]
)
def test_sets_are_balanced(name: str, prompts: int, each: int, answers: int) -> None:
    rows = load(name)
    groups, languages = Counter(row.group for row in rows), Counter(row.language for row in rows)
    assert len(rows) >= prompts
    assert all(groups[group] >= each for group in GROUPS), groups
    assert groups["answer"] >= answers
    assert 0.6 <= languages["en"] / len(rows) <= 0.7
    assert {"de", "pt", "fr", "es", "it", "zh", "ja", "pl"} <= set(languages)
    assert sum(len(row.expected) > 1 for row in rows) <= len(rows) / 5, "too lenient to mean anything"


def test_no_prompt_of_validation_rewords_one_of_development() -> None:
    def words(text: str) -> set[str]:
        return set(text.lower().replace("?", " ").replace(".", " ").split())

    for one in load("validation"):
        for other in load("development"):
            common = words(one.prompt) & words(other.prompt)
            either = words(one.prompt) | words(other.prompt)
            assert len(common) / len(either) < 0.6, (one, other)


# --- choosing and judging -----------------------------------------------------------------------


def test_a_limit_spreads_over_the_set() -> None:
    prompts = load("development")
    assert {prompt.group for prompt in choose(prompts, [], 30)} == set(GROUPS)
    assert {prompt.group for prompt in choose(prompts, ["git", "note"], None)} == {"git", "note"}
    assert choose(prompts, [], 10_000) == prompts


def test_the_first_call_or_answer_decides() -> None:
    lines = [
        json.dumps(event).encode() for event in ({"type": "session_start"}, {"type": "token", "text": "H"})
    ]
    calls = [json.dumps(call("read", path="a")).encode(), json.dumps(answer("x")).encode()]
    assert deciding([*lines, b"not json", b"[1]", *calls], fast=False) == (True, call("read", path="a"))
    assert deciding([*lines, *calls], fast=True) == (True, {"type": "token", "text": "H"})
    assert deciding(lines, fast=False) == (True, None)
    assert deciding([b"Traceback"], fast=False) == (False, None)


def test_a_call_needs_its_required_arguments() -> None:
    assert flaw(call("edit", path="a", old="b", new="")) == ""
    assert flaw(call("edit", path="a")) == "without old, new"
    assert flaw(call("browse", url="x")) == "no tool is called 'browse'"
    assert flaw({**call("read"), "arguments": "a"}) == "arguments are no object"
    assert flaw(answer("  ")) == "an empty answer"


def test_a_share_is_never_rounded_up() -> None:
    assert share(1999, 2000) == "99.9 % (1999/2000)"
    assert share(2000, 2000) == "100.0 % (2000/2000)"
    assert share(0, 0) == "0.0 % (0/0)"


# --- the fixture --------------------------------------------------------------------------------


def test_fixture_is_the_same_each_time(tmp_path: Path) -> None:
    heads = [
        subprocess.run(
            ["git", "-C", build(tmp_path / name), "rev-parse", "HEAD"], capture_output=True, check=True
        )
        for name in ("one", "two")
    ]
    assert heads[0].stdout == heads[1].stdout
    assert (tmp_path / "one" / "src" / "parcel" / "quota.py").exists()


# --- through the command line -------------------------------------------------------------------


class Bench:
    """The scorer, run on scripted answers of a fake `orch` that stands first on PATH."""

    def __init__(self, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (home / "models").mkdir()
        (home / "models" / "weights").write_text("real")
        (home / "journal.sqlite3").write_text("the user's own")
        program = folder / "bin" / "orch"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable} -S\n{textwrap.dedent(FAKE)}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=":")
        monkeypatch.setenv("FAKE_SCRIPT", str(folder / "script.json"))

    def run(self, rows: dict[str, tuple[list[str], Any]], *options: str) -> int:
        (self.folder / "script.json").write_text(json.dumps({prompt: row[1] for prompt, row in rows.items()}))
        lines = [json.dumps({"prompt": prompt, "expected": row[0]}) for prompt, row in rows.items()]
        (self.folder / "set.jsonl").write_text("\n".join(lines))
        return main(["--model", "scripted", "--set", str(self.folder / "set.jsonl"), *options])

    @property
    def finished(self) -> list[str]:
        return (self.folder / "finished").read_text().splitlines()


@pytest.fixture
def bench(tmp_path: Path, orch_home: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, orch_home.root, monkeypatch)


def test_outcomes_are_counted(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {
        "read a": (["read"], [call("read", path="a"), answer("denied")]),
        "list": (["search", "shell"], [call("shell", command="ls")]),
        "hello": (["answer"], [{"type": "token", "text": "Hi"}, answer("Hi")]),
        "tests?": (["shell"], [call("search", pattern="tests")]),
        "half": (["edit"], [call("edit", path="a")]),
        "mute": (["note"], [{"type": "session_end"}]),
    }
    assert bench.run(rows, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    counts = (result["prompts"], result["right"], result["best"], result["parsable"])
    assert counts == (6, 3, 2, 4)
    assert [(miss["id"], miss["got"]) for miss in result["misses"]] == [
        ("4", "search"),
        ("5", "edit"),
        ("6", ""),
    ]
    assert result["groups"]["search"]["right"] == 1
    assert len(result["outcomes"]) == 6


def test_the_page_names_every_miss(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run({"tests?": (["shell", "run"], [call("edit", path="a")])}) == 0
    page = capsys.readouterr().out
    assert "1: 'tests?' wants shell or run, got edit (without old, new)" in page
    assert "accuracy 0.0 % (0/1)" in page


def test_a_decided_run_is_interrupted_but_the_first_is_left_to_finish(bench: Bench) -> None:
    decided = [call("read", path="a"), "sleep"]
    assert bench.run({"one": (["read"], [call("read", path="a")]), "two": (["read"], decided)}) == 0
    assert bench.finished == ["one x", "interrupted in two xx"]


def test_the_identity_of_the_project_outlives_a_prompt(bench: Bench) -> None:
    end = {"type": "session_end"}
    assert bench.run({"one": (["read"], [end]), "two": (["read"], [end])}) == 0
    assert bench.finished == ["one x", "two xx"]


def test_a_run_without_an_end_is_stopped(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run({"one": (["read"], ["sleep"])}, "--timeout", "1") == 0
    assert "got nothing (nothing within 1 s)" in capsys.readouterr().out


def test_two_at_once_keep_the_order(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {f"read {name}": (["read"], [call("read", path=name)]) for name in "abcd"}
    assert bench.run(rows, "--jobs", "2", "--json") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)["outcomes"]] == ["1", "2", "3", "4"]


def test_what_keeps_every_prompt_from_being_asked_is_said_once(bench: Bench) -> None:
    with pytest.raises(SystemExit) as stopped:
        bench.run({"one": (["read"], None), "two": (["read"], None)})
    assert "Run `orch model pull`." in str(stopped.value)


def test_the_real_home_keeps_its_journal(bench: Bench, orch_home: Any) -> None:
    bench.run({"one": (["read"], [call("read", path="a")])})
    assert orch_home.journal.read_text() == "the user's own"
    assert (orch_home.models / "weights").exists()
