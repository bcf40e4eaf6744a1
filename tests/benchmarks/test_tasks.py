"""The whole-task benchmark: every task can be failed and can be passed, and the runner says which."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.commands.ask import app

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from isolated.history import Commit, build, git  # noqa: E402
from tasks.attempt import OPTIONS, judge, listen, script  # noqa: E402
from tasks.checks import (  # noqa: E402
    GONE,
    becomes,
    branch,
    clean,
    committed,
    contains,
    says,
    sets,
    tagged,
)
from tasks.collection import Entry, SetError, choose, find, load, prepare  # noqa: E402
from tasks.commands import prints, suite_passes  # noqa: E402
from tasks.facts import holds, number  # noqa: E402
from tasks.state import files, untouched  # noqa: E402
from tasks.task import GROUPS, Check, Left  # noqa: E402

SET = load(find("development"))
IDS = [task.id for _, task in SET]
ANSWERED = ("find", "read", "count", "explain", "run")


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    return {entry.task.id: entry for entry in prepare(SET, tmp_path_factory.mktemp("pristine"))}


@pytest.fixture
def entry(request: pytest.FixtureRequest, entries: dict[str, Entry]) -> Entry:
    found = entries[request.param]
    if lacking := [name for name in found.repository.needs if shutil.which(name) is None]:
        pytest.skip(f"{found.repository.name} needs {', '.join(lacking)}")
    return found


# --- the set ------------------------------------------------------------------------------------


def test_the_set_is_broad(entries: dict[str, Entry]) -> None:
    tasks = [task for _, task in SET]
    groups, languages = Counter(task.group for task in tasks), Counter(task.language for task in tasks)
    assert len(tasks) >= 48
    assert len({repository.name for repository, _ in SET}) >= 6
    assert all(groups[group] >= 5 for group in GROUPS), groups
    assert {"de", "es", "fr", "pt"} <= set(languages)
    assert languages["en"] / len(tasks) >= 0.6
    for pristine in {entry.pristine for entry in entries.values()}:
        assert 5 <= len(files(pristine)) <= 20, pristine.name
    for repository, task in SET:
        assert task.id.startswith(repository.name + "-")
        assert 1 <= len(script(task)) - 1 <= 4, "a small model has six steps"
        assert task.prompt == task.prompt.strip()


def test_repositories_are_the_same_each_time(tmp_path: Path) -> None:
    first, second = prepare(SET, tmp_path / "one"), prepare(SET, tmp_path / "two")
    for one, two in zip(first, second, strict=True):
        assert git(one.pristine, "rev-parse", "HEAD") == git(two.pristine, "rev-parse", "HEAD")


@pytest.mark.parametrize("entry", IDS, indirect=True)
def test_nothing_done_is_not_enough(entry: Entry) -> None:
    assert judge(entry.task, Left(entry.pristine, entry.pristine, ""))
    assert judge(entry.task, Left(entry.pristine, entry.pristine, entry.task.prompt)), "guessable"


@pytest.mark.parametrize("entry", IDS, indirect=True)
def test_the_reference_solution_is_enough(
    entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, steps = tmp_path / entry.repository.name, tmp_path / "script.json"
    shutil.copytree(entry.pristine, project, symlinks=True)
    steps.write_text(json.dumps(script(entry.task)))
    monkeypatch.chdir(project)
    options = ["--project", str(project), "--model", f"scripted:{steps}", *OPTIONS, "--", entry.task.prompt]
    result = CliRunner().invoke(app, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    heard = listen(result.stdout_bytes.splitlines())
    left = Left(project, entry.pristine, heard.answer)
    assert judge(entry.task, left) == ""
    assert len(set(heard.calls)) == len(entry.task.solution) - 1  # what failed is run again after a change
    # Whatever else it does, a run must leave alone what it was not asked to change.
    (project / "stray.md").write_text("stray")
    assert "stray.md (new)" in judge(entry.task, left)


@pytest.mark.parametrize("name", sorted({repository.name for repository, _ in SET}))
def test_an_answer_to_another_question_is_wrong(name: str, entries: dict[str, Entry]) -> None:
    asked = [e for e in entries.values() if e.repository.name == name and e.task.group in ANSWERED]
    for one in asked:
        for other in asked:
            if one is not other:
                answer = str(other.task.solution[-1])
                assert judge(one.task, Left(one.pristine, one.pristine, answer)), (one.task.id, answer)


@pytest.mark.parametrize(
    ("name", "answer"),  # each was given by a small model, and once taken for right
    [
        ("skiff-find-money", "In bin/quote.js, the function formatMoney is defined. In src/money.js, too."),
        ("tides-explain-spring", "is_spring_tide renvoie true si moon_age est entre 15 et 30."),
    ],
)
def test_a_near_miss_is_a_miss(name: str, answer: str, entries: dict[str, Entry]) -> None:
    one = entries[name]
    assert judge(one.task, Left(one.pristine, one.pristine, answer))


# --- facts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (number(3), "There are 3."),
        (number(3), "es sind **drei** Dateien"),
        (number(3), "v3"),
        (number(35), "a timeout of 35s"),
        (number(1234), "1,234 lines"),
        (number(2.75), "2,75 €"),
        (number(4.9), "4.90 €"),
        ("stock.py", "`larder/stock.py`, line 3"),
        ("withdraw", "Stock.withdraw()"),
        ("don't know", "I don’t  know"),
        (("a", "b"), "it is b"),
        (re.compile(r"(?m)^# X"), "a\n# X"),
    ],
)
def test_a_fact_is_found(fact: Any, text: str) -> None:
    assert holds(text, fact)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (number(3), "13 and 30, 3.5 and 1,300; utf3"),
        (number(300), "1,300"),
        (number(2.75), "12.75 or 2.751"),
        (number(16.3), "16.3.1"),
        (number(16.3), "16"),
        ("stock.py", "overstock.py"),
        ("low", "lower, below, s_low"),
    ],
)
def test_a_fact_is_not_read_into_other_words(fact: Any, text: str) -> None:
    assert not holds(text, fact)


# --- checks -------------------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path: Path) -> Left:
    written = {
        "a.json": '{"port": 1, "deep": {"x": [1]}}\n',
        "a.toml": "[t]\nx = 1\n",
        "a.ini": "[s]\nx = 1\n",
        "a.conf": "X=1\nY=2\n",
        "a.csv": "k,v\na,1\n",
        "a.yaml": "x: 1\n",
        "notes.md": "one\ntwo\nthree\n",
    }
    commits = (Commit("Ana Lopes", 3, "All", written),)
    build(tmp_path / "before", commits)
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    return Left(tmp_path / "after", tmp_path / "before", "It is 3.")


def replace(left: Left, name: str, old: str, new: str) -> None:
    path = left.project / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_an_answer_is_checked_both_ways(left: Left) -> None:
    assert says(number(3))(left) == ""
    assert says(number(4))(left).startswith("the answer lacks '4'")
    assert says(number(3), never=("it",))(left) == "the answer has 'it'"
    assert says()(Left(left.project, left.pristine, " ")) == "there is no answer"


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "value"),
    [
        ("a.json", '"port": 1', '"port": 2', "port", 2),
        ("a.toml", "x = 1", "x = 2", "t.x", 2),
        ("a.ini", "x = 1", "x = 2", "s.x", "2"),
        ("a.conf", "X=1", "X = '2'", "X", "2"),
        ("a.yaml", "x: 1", "x: 2", "x", 2),
        ("a.conf", "X=1\n", "", "X", GONE),
    ],
)
def test_a_value_is_set_and_nothing_else(
    left: Left, name: str, old: str, new: str, key: str, value: Any
) -> None:
    check = sets(name, {key: value})
    assert check(left), "not yet"
    replace(left, name, old, new)
    assert check(left) == ""
    (left.project / name).write_text("")
    assert check(left), "the rest is gone"
    (left.project / name).unlink()
    assert "cannot be read" in check(left)


def test_rows_and_lines(left: Left) -> None:
    row = becomes("a.csv", lambda rows: [*rows, {"k": "b", "v": "2"}])
    assert row(left)
    replace(left, "a.csv", "a,1\n", "a,1\nb,2\n")
    assert row(left) == ""
    assert contains("notes.md", "two", loses=0)(left) == ""
    replace(left, "notes.md", "one\n", "")
    assert contains("notes.md", "two", loses=0)(left) == "notes.md lost 1 of its lines"
    assert contains("notes.md", "two", never=("three",))(left) == "notes.md has 'three'"
    assert contains("notes.md", "one")(left) == "notes.md lacks 'one'"
    assert contains("none.md")(left) == "there is no none.md"


def test_what_was_not_to_be_touched(left: Left) -> None:
    assert untouched(left, (), False) == ""
    for own in ("SESSION_LOG.md", ".orchestrator/project.toml", "__pycache__/a.pyc"):
        (left.project / own).parent.mkdir(exist_ok=True)
        (left.project / own).write_text("x")
    assert untouched(left, (), False) == ""
    replace(left, "notes.md", "one", "1")
    (left.project / "a.csv").unlink()
    assert untouched(left, (), False) == "touched a.csv (gone), notes.md (changed)"
    assert untouched(left, ("a.*", "notes.md"), False) == ""
    git(left.project, "branch", "other")
    assert "branches" in untouched(left, ("*",), False)
    assert untouched(left, ("*",), True) == ""


def test_git_is_checked_by_its_state(left: Left) -> None:
    checks: dict[str, Check] = {
        "committed": committed("notes.md", message="Two"),
        "branch": branch("side"),
        "tag": tagged("v1"),
        "clean": clean(),
    }
    replace(left, "notes.md", "two", "2")
    failed = {name for name, check in checks.items() if check(left)}
    assert failed == set(checks)
    git(left.project, "switch", "-c", "side")
    git(left.project, "commit", "-am", "Two, and more")
    git(left.project, "tag", "v1")
    assert {name: check(left) for name, check in checks.items()} == dict.fromkeys(checks, "")
    assert committed("a.csv")(left) == "committed notes.md, not a.csv"
    assert committed("notes.md", message="Three")(left) == "the commit's message is 'Two, and more'"
    assert committed("notes.md", commits=2)(left) == "1 new commits on HEAD, not 2"


def test_commands_run_in_a_copy(left: Left) -> None:
    assert prints(["sh", "-c", "echo 3 files; rm notes.md"], number(3))(left) == ""
    assert (left.project / "notes.md").exists()
    assert "ended with 4" in prints(["sh", "-c", "exit 4"])(left)
    assert prints(["sh", "-c", "exit 4"], code=4)(left) == ""
    assert prints(["cat", "new"], exactly="x y", given={"new": "x\ny\n"})(left) == ""
    assert "printed" in prints(["cat", "notes.md"], exactly="one")(left)
    assert "has no '9'" in prints(["cat", "notes.md"], number(9))(left)
    assert suite_passes()(left), "no test ran"


def test_an_answer_alone_is_no_change_and_a_wrong_exit_says_why() -> None:
    events: list[dict[str, Any]] = [
        {"type": "session_start"},
        {"type": "tool_call", "name": "read", "arguments": {"path": "é"}},
        {"type": "answer", "text": "x"},
        {"type": "error", "message": "broken"},
    ]
    heard = listen([b"no json", *(json.dumps(event).encode() for event in events)])
    assert (heard.began, heard.answer, heard.error) == (True, "x", "broken")
    assert heard.calls == ('read {"path": "é"}',)


# --- sets ---------------------------------------------------------------------------------------

MODULE = """
from tasks.kit import Commit, Task, call, says
COMMITS = (Commit("Ana Lopes", 3, "All", {"a.txt": "seven\\n"}),)
TASKS = (
    Task("other-read", "read", "What is in a.txt?", (says("seven"),), (call("read", path="a.txt"), "seven")),
    Task("other-wrong", "count", "How many lines?", (says("12"),), (call("read", path="a.txt"), "1 line")),
)
"""


def test_choosing() -> None:
    assert {task.group for _, task in choose(SET, limit=40)} == set(GROUPS)
    assert {task.group for _, task in choose(SET, groups=["git"])} == {"git"}
    assert [task.id for _, task in choose(SET, ids=[IDS[3]])] == [IDS[3]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TASKS = (", "is no repository"),
        ("TASKS = ()", "is no repository"),
        (MODULE.replace('"read", "What', '"sing", "What'), "no group is called 'sing'"),
        (
            MODULE.replace('(call("read", path="a.txt"), "seven")', '("seven", "eight")'),
            "a solution is calls",
        ),
        (MODULE.replace("other-wrong", "other-read"), "used twice"),
    ],
)
def test_a_set_with_a_fault_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "other.py").write_text(text)
    with pytest.raises(SetError, match=said):
        load(tmp_path)


def test_the_set_of_the_readme_is_one(tmp_path: Path) -> None:
    page = (ROOT / "benchmarks" / "tasks" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "garden.py").write_text(page.split("```python\n")[1].split("```")[0])
    done = score("--model", "reference", "--set", str(tmp_path))
    assert "done 100.0 % (2/2)" in done.stdout, done.stderr


def test_there_is_no_such_set(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="There is no set"):
        find(str(tmp_path))


def score(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "tasks" / "score.py"), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_foreign_set_through_the_real_program(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "other.py").write_text(MODULE)
    options = ["--model", "reference", "--set", str(tmp_path / "set"), "--jobs", "2"]
    done = score(*options, "--keep", str(tmp_path / "kept"), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["done"], result["tasks"]) == (1, 2)
    assert result["groups"] == {"read": {"tasks": 1, "done": 1}, "count": {"tasks": 1, "done": 0}}
    assert [attempt["why"] for attempt in result["attempts"]] == ["", "the answer lacks '12'"]
    assert re.search(r"MISS +[0-9.]+ s 1 calls  other-wrong: the answer lacks '12'", done.stderr)
    kept = tmp_path / "kept" / "other-wrong"
    assert (kept / "project" / "a.txt").read_text() == "seven\n"
    assert "the answer lacks '12'" in (kept / "summary.txt").read_text()
    assert json.loads((kept / "events.jsonl").read_text().splitlines()[0])["type"] == "session_start"


def test_a_task_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    slow = MODULE.replace(
        'call("read", path="a.txt"), "1 line"', 'call("shell", command="sleep 60"), "1 line"'
    )
    (tmp_path / "other.py").write_text(slow)
    options = ["--model", "reference", "--set", str(tmp_path), "--task", "other-wrong", "--timeout", "3"]
    page = score(*options).stdout
    assert "other-wrong (1 calls): not done within 3 s" in page
    assert "done 0.0 % (0/1)" in page


def test_what_keeps_every_task_from_being_asked_is_said_once(tmp_path: Path) -> None:
    done = score("--model", "no-such-model", "--limit", "2")
    assert done.returncode == 1
    assert done.stderr.count("`orch ask` does not start") == 1
    assert "No task is left" in score("--model", "x", "--task", "none").stderr


def test_checks_that_hold_from_the_start_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(MODULE.replace('(says("seven"),)', "(lambda left: '',)"))
    done = score("--model", "reference", "--set", str(tmp_path))
    assert "other-read: its checks hold when nothing was done" in done.stderr
