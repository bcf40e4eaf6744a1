from __future__ import annotations

import os
import shutil

import pytest

from orchestrator.tools.definitions import enclosing
from orchestrator.tools.search import unwrapped, words
from tests.tools.conftest import Bench

QUOTA = """class Quota:
    def charge(self, n):
        if n > 3:
            raise QuotaExceeded(n)
"""


@pytest.fixture(params=["rg", "python"])
def search(request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The same expectations with ripgrep and without."""
    if request.param == "python":
        monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    bench.file("utils/quota.py", QUOTA)
    bench.file("README.md", "Quotas are charged (hourly).\n")
    return bench


def test_what_is_too_large_to_be_searched_is_named(search: Bench) -> None:
    search.file("data/all.log", "lapwing\n" + "x" * 4_000_000)
    assert "not searched, too large: data/all.log;" in search("search", pattern="lapwing").text
    assert "not searched, too large: data/all.log;" in search("search", pattern="charge hourly").text
    assert "not searched" not in search("search", pattern="QuotaExceeded").text


def test_a_search_without_end_is_told(search: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.tools.grep.TIME_S", -1.0)
    result = search("search", pattern="nowhere")
    assert not result.ok
    assert "Nothing was found within" in result.text


def test_a_hit_names_its_definition(search: Bench) -> None:
    result = search("search", pattern="QuotaExceeded")
    lines = result.text.splitlines()
    assert lines[0] == "utils/quota.py:4 in Quota.charge(): raise QuotaExceeded(n)"
    assert lines[1:-1] == [f"{number}: {line}" for number, line in enumerate(QUOTA.splitlines(), 1)]
    assert lines[-1] == "(1 match in 1 file)"


@pytest.mark.parametrize(
    ("pattern", "says", "finds"),
    [
        ("raise Q\\w+", "1 match", "quota.py:4"),
        ("/QuotaExceeded/", "1 match", "quota.py:4"),
        ('"QuotaExceeded"', "1 match", "quota.py:4"),
        ("(hourly", "as plain text", "README.md:1"),
        ("quotaexceeded", "case-blind", "quota.py:4"),
        ("def charge(", "as plain text", "quota.py:2"),
        ("def charge(amount: int)", "for charge", "quota.py:2"),
        ("raise the QuotaExceeded", "for its words in order", "quota.py:4"),
        ("charge when QuotaExceeded", "for any of", "quota.py:4"),
        ("*.py", "1 file name", "utils/quota.py"),
        ("utils/*.py", "1 file name", "utils/quota.py"),
        ("quota.py", "1 file name", "utils/quota.py"),
    ],
)
def test_a_pattern_may_be_a_little_off(search: Bench, pattern: str, says: str, finds: str) -> None:
    result = search("search", pattern=pattern)
    assert result.ok, result.text
    assert says in result.text.splitlines()[-1]
    assert finds in result.text


def test_nothing_found_offers_other_things_to_try(search: Bench) -> None:
    result = search("search", pattern="quotta.py")
    assert not result.ok
    assert "utils/quota.py" in result.text


def test_a_missing_path_falls_back_to_the_project(search: Bench) -> None:
    result = search("search", pattern="QuotaExceeded", path="src")
    assert result.ok
    assert result.text.startswith("src does not exist; searched the whole project.")


def test_one_file_can_be_searched(search: Bench) -> None:
    assert "utils/quota.py:4" in search("search", pattern="Quota", path="utils/quota.py").text


def test_hidden_ignored_and_binary_files_are_left_out(search: Bench) -> None:
    search.file(".gitignore", "build/\n*.log\n!keep.log\n")
    for path in (".hidden/a", "build/a", "x.log", ".git/config", "keep.log"):
        search.file(path, "needle\n")
    search.file("binary.bin", b"needle\0")
    lines = search("search", pattern="needle").text.splitlines()
    assert lines == ["keep.log:1: needle", "(1 match in 1 file)"]


def test_dangerous_files_do_not_hang(search: Bench) -> None:
    os.mkfifo(search.root / "pipe")
    with (search.root / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    (search.root / "link").symlink_to("/proc")
    assert search("search", pattern="QuotaExceeded").ok
    for path in ("pipe", "sparse"):
        assert not search("search", pattern="x", path=path).ok
    refused = search("search", pattern="root", path="link")
    assert not refused.ok
    assert "outside the project" in refused.text


def test_a_pattern_like_an_option_is_a_pattern(search: Bench) -> None:
    search.file("notes.txt", "use --pre=evil here\n")
    assert "notes.txt:1" in search("search", pattern="--pre=evil").text


def test_hostile_text_is_neutral(search: Bench) -> None:
    search.file("odd\nname.txt", b"needle \x1b[31m[bold] \xff\n")
    text = search("search", pattern="needle").text
    assert text.splitlines()[0] == "odd\\nname.txt:1: needle [bold] " + (
        "\ufffd" if "\ufffd" in text else "ÿ"
    )


def test_an_evil_regex_ends(search: Bench) -> None:
    search.file("a.txt", "a" * 200 + "!\n")
    search("search", pattern="(a+)+$")


def test_long_lines_and_many_hits_are_cut(search: Bench) -> None:
    search.file("long.txt", ("needle " + "x" * 5000 + "\n") * 200)
    result = search("search", pattern="needle")
    assert "100 matches in 1 file" in result.text
    assert "more: search in one path" in result.text
    assert len(result.text) <= 6000
    assert max(map(len, result.text.splitlines())) < 250


@pytest.mark.parametrize(
    ("suffix", "source", "number", "name"),
    [
        ("py", "def f(\n    a,\n):\n    return a", 4, "f()"),
        ("py", "class A:\n    x = 1", 2, "class A"),
        ("py", "x = 1", 1, ""),
        ("ts", "export class Cart {\n  total(a: number): number {\n    return a;\n  }\n}", 3, "Cart.total()"),
        ("js", "const add = async (a) => {\n  return a\n}", 2, "add()"),
        ("js", "function go() {\n  if (x) {\n    y()\n  }\n}", 3, "go()"),
        ("go", "func (s *Server) Serve() error {\n\treturn nil\n}", 2, "Serve()"),
        ("rs", "impl Cart {\n    pub fn total(&self) -> u32 {\n        1\n    }\n}", 3, "Cart.total()"),
        ("c", "static int charge(int n)\n{\n    return n;\n}", 3, "charge()"),
        (
            "java",
            "public class Cart {\n    public int total(int a) {\n        return a;\n    }\n}",
            3,
            "Cart.total()",
        ),
        ("txt", "def f():\n    x", 2, ""),
    ],
)
def test_enclosing_definition(suffix: str, source: str, number: int, name: str) -> None:
    assert enclosing(source.split("\n"), number, suffix) == name


def test_patterns_are_unwrapped() -> None:
    assert [unwrapped(p) for p in ("/a/", "`a`", "'a'", "a/b", "/a/b/", " ")] == [
        "a",
        "a",
        "a",
        "a/b",
        "/a/b/",
        "",
    ]
    assert words("def the_total(self, amount)") == ["the_total", "amount"]


def test_a_ripgrep_in_the_project_is_not_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command may have put it there, where the project's virtual environment stands in PATH."""
    evil = bench.root.parent / "ran"
    bench.file(".venv/bin/rg", f"#!/bin/sh\ntouch {evil}\n").chmod(0o755)
    bench.file("a.py", "needle = 1\n")
    monkeypatch.setenv("PATH", f"{bench.root}/.venv/bin:{os.environ['PATH']}")
    assert "needle" in bench("search", pattern="needle").text
    assert not evil.exists()
