from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.ports import Tools
from orchestrator.tools.toolbox import arguments
from orchestrator.types import ToolCall
from tests.tools.conftest import Bench, bench_in


def test_names_and_order_of_the_tools_are_fixed(bench: Bench) -> None:
    tools: Tools = bench.toolbox
    shapes = [
        f"{s.name}({', '.join(p.name + '?' * (not p.required) for p in s.parameters)})" for s in tools.specs
    ]
    assert shapes == [
        "search(pattern, path?)",
        "read(path, start?, end?)",
        "write(path, content)",
        "edit(path, old, new)",
        "run(code)",
        "shell(command)",
        "git(command)",
        "recall(query)",
        "note(kind, text, because?)",
    ]
    assert all(len(spec.description.split()) <= 12 for spec in tools.specs)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("fly", {}, "There is no tool 'fly'. Use one of: search, read"),
        ("read", {}, "read needs path. Call read(path, start?, end?)."),
        ("edit", {"path": "a"}, "edit needs old and new."),
        ("read", {"path": "a", "start": "soon"}, "start must be a number, not 'soon'."),
        ("write", {"path": None, "content": "x"}, "write needs path."),
        ("note", {"kind": "song", "text": "x"}, "Choose from: decision, lesson, blocker, next, note."),
        ("note", {"kind": "lesson", "text": " "}, "The note is empty."),
        ("search", {"pattern": ""}, "The pattern is empty."),
    ],
)
def test_mistakes_are_results_that_say_what_to_do(
    bench: Bench, name: str, given: dict[str, object], says: str
) -> None:
    result = bench(name, **given)
    assert not result.ok
    assert says in result.text


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("read", {"file": "a"}, {"path": "a"}),
        ("read", {"File_Path": "a", "start_line": "3"}, {"path": "a", "start": 3}),
        ("shell", {"cmd": "ls"}, {"command": "ls"}),
        ("shell", {"whatever": "ls"}, {"command": "ls"}),
        ("shell", {"command": ["ls", "-l"]}, {"command": "ls -l"}),
        ("search", {"query": "x", "directory": "src"}, {"pattern": "x", "path": "src"}),
        ("write", {"filename": "a", "text": "x"}, {"path": "a", "content": "x"}),
        ("write", {"path": "a.json", "content": {"a": 1}}, {"path": "a.json", "content": '{\n  "a": 1\n}'}),
        ("edit", {"path": "a", "old_string": "x", "new_string": "y"}, {"path": "a", "old": "x", "new": "y"}),
        ("run", {"code": "1", "reason": "to see"}, {"code": "1"}),
    ],
)
def test_arguments_are_understood(
    bench: Bench, name: str, given: dict[str, object], meant: dict[str, object]
) -> None:
    spec = next(spec for spec in bench.toolbox.specs if spec.name == name)
    assert arguments(spec, given) == meant


def test_a_tool_may_go_by_another_name(bench: Bench) -> None:
    bench.file("a.txt", "needle\n")
    assert "a.txt:1" in bench("grep", pattern="needle").text
    assert "1: needle" in bench("cat", file="a.txt").text


def test_notes_are_recorded(bench: Bench) -> None:
    result = bench("note", kind="Decisions", text=" use PostgreSQL ", reason="locks")
    assert result.text == "noted as S1#1: decision: use PostgreSQL"
    assert dict(bench.notes[0].arguments) == {
        "kind": "decision",
        "text": "use PostgreSQL",
        "because": "locks",
    }


def test_long_results_are_capped_and_timed(bench: Bench) -> None:
    small = bench_in(bench.root, bench.toolbox._sandbox, output_chars=500)
    result = small("shell", command="seq 1 5000")
    assert result.truncated
    assert len(result.text) <= 500
    assert result.text.startswith("1\n2\n")
    assert result.text.endswith("5000")
    assert result.duration_ms >= 0


def test_effects_depend_on_the_call(bench: Bench) -> None:
    def effect(name: str, **given: object) -> str:
        return bench.toolbox.effect(ToolCall(name, given))

    assert effect("git", command="status") == "read"
    assert effect("git", command="commit -m x") == "command"
    assert effect("bash", command="ls") == effect("shell") == effect("run", code="1") == "command"
    assert effect("write") == effect("edit") == "write"
    assert effect("read") == effect("search") == effect("fly") == "read"
    assert effect("note") == "note"


def test_previews_never_fail(bench: Bench) -> None:
    def preview(name: str, **given: object) -> tuple[str, str]:
        shown = bench.toolbox.preview(ToolCall(name, given))
        return shown.title, shown.body

    assert preview("shell", command="rm -rf [x]") == ("shell", "rm -rf [x]")
    assert preview("git", command="commit -m x") == ("git", "git commit -m x")
    assert preview("run", code="1 + 1") == ("run Python", "1 + 1")
    assert preview("edit", path="none", old="a", new="b")[1].startswith("none does not exist.")
    assert preview("fly")[1].startswith("There is no tool")
    assert not bench.toolbox.preview(ToolCall("shell", {"command": "ls"})).sandboxed


def test_the_tools_load_nothing_heavy() -> None:
    heavy = "('git', 'httpx', 'textual')"
    code = f"import sys, orchestrator.tools.toolbox; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
