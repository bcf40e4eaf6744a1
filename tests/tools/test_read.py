from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools.conftest import Bench


def test_lines_are_numbered(bench: Bench) -> None:
    bench.file("a.py", "one\ntwo\n")
    assert bench("read", path="a.py").text == "a.py, 2 lines:\n1: one\n2: two"


@pytest.mark.parametrize(
    ("arguments", "head", "first", "last"),
    [
        ({}, "lines 1–200 of 12,345", "1: line 1", "200: line 200"),
        ({"start": 300}, "lines 300–499", "300: line 300", "499: line 499"),
        ({"start": "10", "end": 12}, "lines 10–12", "10: line 10", "12: line 12"),
        ({"start": 12, "end": 10}, "lines 10–12", "10: line 10", "12: line 12"),
        ({"start": 12345, "end": 99999}, "lines 12,345–12,345", "12345: line 12345", "12345: line 12345"),
        ({"start": 50000, "end": 50002}, "lines 12,343–12,345", "12343: line 12343", "12345: line 12345"),
        ({"start": -5, "end": 2}, "lines 1–2", "1: line 1", "2: line 2"),
        ({"end": 500}, "lines 301–500", "301: line 301", "500: line 500"),
    ],
)
def test_a_window_of_a_long_file(
    bench: Bench, arguments: dict[str, object], head: str, first: str, last: str
) -> None:
    bench.file("long.txt", "".join(f"line {n}\n" for n in range(1, 12346)))
    lines = bench("read", path="long.txt", **arguments).text.splitlines()
    assert head in lines[0]
    assert lines[1] == first
    assert last in lines[-2:]


def test_a_window_fits_what_the_model_may_read(bench: Bench) -> None:
    bench.file("wide.txt", ("x" * 400 + "\n") * 100)
    result = bench("read", path="wide.txt")
    assert not result.truncated
    assert "read on with start=" in result.text


@pytest.mark.parametrize(
    "given", ["src/app.py", "./src/app.py", "/src/app.py", "`src/app.py`", "project/src/app.py"]
)
def test_a_path_may_be_written_in_many_ways(bench: Bench, given: str) -> None:
    bench.file("src/app.py", "x = 1\n")
    assert bench("read", path=given).text == "src/app.py, 1 line:\n1: x = 1"


def test_an_absolute_path_inside_is_accepted(bench: Bench) -> None:
    path = bench.file("src/app.py", "x = 1\n")
    assert bench("read", path=str(path)).ok


def test_a_line_number_after_the_path_opens_there(bench: Bench) -> None:
    bench.file("a.txt", "".join(f"{n}\n" for n in range(1, 101)))
    assert "lines 30–100 of 100" in bench("read", path="a.txt:50").text


def test_the_only_file_of_that_name_is_read(bench: Bench) -> None:
    bench.file("src/deep/app.py", "x = 1\n")
    assert bench("read", path="app.py").text.startswith("app.py does not exist; this is src/deep/app.py.\n")


def test_a_missing_file_names_the_nearest(bench: Bench) -> None:
    bench.file("src/app.py")
    bench.file("lib/app.py")
    result = bench("read", path="app.py")
    assert not result.ok
    assert "src/app.py" in result.text
    assert "lib/app.py" in result.text
    assert "src/app.py" in bench("read", path="src/appp.py").text


def test_a_folder_is_listed_two_levels_deep(bench: Bench) -> None:
    for path in ("README.md", "src/app.py", "src/deep/a.py", "src/deep/b/c.py", ".git/HEAD"):
        bench.file(path)
    assert bench("read", path=".").text == "./ 4 files:\nREADME.md\nsrc/app.py\nsrc/deep/ (2 files)"
    assert bench("read", path="src").text == "src/ 3 files:\napp.py\ndeep/a.py\ndeep/b/ (1 file)"


@pytest.mark.parametrize(
    "given", ["../secret", "/etc/passwd", "~/.ssh/id_rsa", "~root", "a/../../secret", "out", "out/x"]
)
def test_nothing_outside_is_read(bench: Bench, given: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    (bench.root / "out").symlink_to(tmp_path)
    result = bench("read", path=given)
    assert not result.ok
    assert "outside the project" in result.text
    assert "canary" not in result.text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "odd is empty."),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG image of 10 bytes"),
        (bytes(range(256)), "binary file of 256 bytes"),
        ("\ufeffbom\n".encode(), "1: bom"),
        ("naïve\n".encode("latin-1"), "1: naïve"),
        ("wide\n".encode("utf-16"), "1: wide"),
        (b"dos\r\nline\r\n", "1: dos\n2: line"),
        (b"\x1b]0;evil\x07[b]red\n", "1: [b]red"),
    ],
)
def test_odd_content(bench: Bench, data: bytes, says: str) -> None:
    bench.file("odd", data)
    result = bench("read", path="odd")
    assert result.ok
    assert says in result.text


def test_special_files_do_not_hang(bench: Bench) -> None:
    os.mkfifo(bench.root / "pipe")
    (bench.root / "loop").symlink_to("loop")
    with (bench.root / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert "is a pipe" in bench("read", path="pipe").text
    assert not bench("read", path="loop").ok
    assert "1,073,741,824 bytes" in bench("read", path="sparse").text
    assert not bench("read", path="x" * 5000).ok
    assert not bench("read", path="nul\0").ok


def test_a_loop_of_links_does_not_hide_its_folder(bench: Bench) -> None:
    bench.file("a.py", "x = 1\n")
    (bench.root / "loop").symlink_to("loop")
    result = bench("read", path=".")
    assert result.ok
    assert "a.py" in result.text
