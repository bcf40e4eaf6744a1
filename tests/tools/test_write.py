from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.tools import files
from orchestrator.tools.write import tidy
from orchestrator.types import ToolCall
from tests.tools.conftest import Bench


def test_a_new_file_with_its_folders(bench: Bench) -> None:
    result = bench("write", path="src/new/app.py", content="x = 1\ny = 2")
    assert result.text == "src/new/app.py created, 2 lines"
    assert result.changed == ("src/new/app.py",)
    assert "+x = 1" in result.diff
    assert (bench.root / "src/new/app.py").read_text() == "x = 1\ny = 2\n"


def test_a_replaced_file_keeps_mode_and_line_ends(bench: Bench) -> None:
    path = bench.file("run.sh", b"a\r\nb\r\n")
    path.chmod(0o751)
    bench("read", path="run.sh")
    assert bench("write", path="run.sh", content="a\nc\n").text == "run.sh changed +1 −1\n2: c"
    assert path.read_bytes() == b"a\r\nc\r\n"
    assert path.stat().st_mode & 0o777 == 0o751


def test_the_preview_shows_the_diff_and_changes_nothing(bench: Bench) -> None:
    bench.file("a.txt", "a\n")
    bench("read", path="a.txt")
    preview = bench.toolbox.preview(ToolCall("write", {"path": "a.txt", "content": "b\n"}))
    assert preview.title == "write a.txt"
    assert "-a\n+b\n" in preview.body
    assert (bench.root / "a.txt").read_text() == "a\n"


@pytest.mark.parametrize(
    ("name", "content", "written"),
    [
        ("a.py", "```python\nx = 1\n```", "x = 1\n"),
        ("a.js", "```\nx\n```\n", "x\n"),
        ("a.md", "```python\nx = 1\n```", "```python\nx = 1\n```\n"),
        ("a.md", "```markdown\n# T\n```", "# T\n"),
        ("a.py", "x = 1\\n", "x = 1\n"),
        ("a.py", "def f():\\n    return 1\\n", "def f():\n    return 1\n"),
        ("a.py", 'print("a\\n")', 'print("a\\n")\n'),
        ("a.txt", "", ""),
    ],
)
def test_content_is_what_was_meant(name: str, content: str, written: str) -> None:
    assert tidy(content, Path(name)) == written


@pytest.mark.parametrize(
    "given",
    [
        "../x",
        "/etc/x",
        "~/x",
        ".git/config",
        "sub/.git/hooks/pre-commit",
        ".orchestrator/x",
        ".GIT/config",
        "out/x",
        ".",
    ],
)
def test_places_that_are_refused(bench: Bench, given: str, tmp_path: Path) -> None:
    (bench.root / "out").symlink_to(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert not bench("write", path=given, content="x").ok
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_to_a_file_inside_is_written_through(bench: Bench) -> None:
    bench.file("real.txt", "a\n")
    (bench.root / "link.txt").symlink_to("real.txt")
    bench("read", path="link.txt")
    assert bench("write", path="link.txt", content="b\n").ok
    assert (bench.root / "link.txt").is_symlink()
    assert (bench.root / "real.txt").read_text() == "b\n"


def test_a_dangling_link_out_is_refused(bench: Bench, tmp_path: Path) -> None:
    (bench.root / "link").symlink_to(tmp_path / "new")
    assert not bench("write", path="link", content="x").ok
    assert not (tmp_path / "new").exists()


def test_a_pipe_is_not_written(bench: Bench) -> None:
    os.mkfifo(bench.root / "pipe")
    assert "is a pipe" in bench("write", path="pipe", content="x").text


def test_a_full_disk_leaves_the_old_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.file("a.txt", "old\n")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    bench("read", path="a.txt")
    monkeypatch.setattr(os, "fsync", full)
    result = bench("write", path="a.txt", content="new\n")
    assert not result.ok
    assert "No space left" in result.text
    assert path.read_text() == "old\n"
    assert [entry.name for entry in bench.root.iterdir() if entry.name.startswith(".orch-")] == []


def test_python_that_does_not_parse_is_said(bench: Bench) -> None:
    assert "a.py would not parse (line 1" in bench("write", path="a.py", content="def f(:\n").text
    assert "warning: the file does not parse: line 1" in bench("write", path="a.py", content="def f(:\n").text
    bench.file("b.py", "x = 1\n")
    bench("read", path="b.py")
    assert "b.py would no longer parse (line 1" in bench("write", path="b.py", content="x = = 1\n").text


def test_nothing_to_change_is_said(bench: Bench) -> None:
    bench.file("a.txt", "a\n")
    result = bench("write", path="a.txt", content="a")
    assert result.ok
    assert "nothing was changed" in result.text


def test_each_change_keeps_what_was_before(bench: Bench) -> None:
    bench.file("a.txt", "one\n")
    bench("read", path="a.txt")
    bench("write", path="a.txt", content="two\n")
    bench("edit", path="a.txt", old="two", new="three")
    bench("write", path="b.txt", content="new\n")
    folder = bench.root / ".orchestrator/checkpoints"
    kept = bench.toolbox.checkpoints.entries()
    assert [(entry.call, entry.path) for entry in kept] == [
        ("write", "a.txt"),
        ("edit", "a.txt"),
        ("write", "b.txt"),
    ]
    assert [(folder / entry.before.sha).read_text() for entry in kept[:2]] == ["one\n", "two\n"]
    assert kept[2].before.kind == "missing"
    assert [entry.after == kept[1].before for entry in kept] == [True, False, False]


def test_checkpoints_do_not_leave_the_project(bench: Bench, tmp_path: Path) -> None:
    (bench.root / ".orchestrator").symlink_to(tmp_path)
    assert not bench("write", path="a.txt", content="x").ok
    assert not (tmp_path / "checkpoints").exists()
    assert not (bench.root / "a.txt").exists()


@pytest.mark.parametrize("call", ["read", "write", "edit"])
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("secret\n")
    bench.file("d/a.txt", "plain\n")
    located = files.locate

    def swapped(root: Path, given: str) -> Path:
        path = located(root, given)
        (bench.root / "d").rename(bench.root / "e")
        (bench.root / "d").symlink_to(outside)
        return path

    monkeypatch.setattr(files, "locate", swapped)
    given = {"write": {"content": "evil\n"}, "edit": {"old": "secret", "new": "evil"}}.get(call, {})
    result = bench(call, path="d/a.txt", **given)
    assert not result.ok
    assert "secret" not in result.text
    assert (outside / "a.txt").read_text() == "secret\n"
    assert sorted(path.name for path in outside.iterdir()) == ["a.txt"]


@pytest.mark.parametrize(
    "name", [".git", ".GIT", ".git.", ".git ", "git~1", ".g\u200cit", ".git::$INDEX_ALLOCATION"]
)
def test_gits_folder_is_not_written_whatever_a_file_system_takes_for_it(bench: Bench, name: str) -> None:
    assert not bench("write", path=f"{name}/config", content="[core]\n").ok
    assert not (bench.root / name / "config").exists()


def test_a_name_as_long_as_file_systems_take(bench: Bench) -> None:
    name = "\N{GRINNING FACE}" * 63
    assert bench("write", path=name, content="x\n").ok
    assert (bench.root / name).read_text() == "x\n"
