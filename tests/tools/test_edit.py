from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.tools.edit import splice
from orchestrator.tools.matching import Match, NoPlace, find
from tests.tools.conftest import Bench

SOURCE = """import time

class Client:
    def connect(self):
        self.open(retries = 3, wait=1)
        if self.broken:
            return None

    def close(self):
        return None
"""


def edited(source: str, old: str, new: str) -> str:
    match = find(source, old, new)
    return source[: match.start] + match.new + source[match.end :]


@pytest.mark.parametrize(
    ("old", "new", "was", "now"),
    [
        ("wait=1", "wait=2", "wait=1", "wait=2"),
        ("retries=3", "retries=5", "retries = 3", "retries = 5"),
        (
            "import time  \n\nclass Client:  ",
            "class Client:",
            "import time\n\nclass Client:",
            "class Client:",
        ),
        ("9: def close(self):", "9: def stop(self):", "def close(self):", "def stop(self):"),
        ("```python\nimport time\n```", "```python\nimport os\n```", "import time", "import os"),
        (
            "class Client:\\n    def connect(self):",
            "class C:\\n    def connect(self):",
            "class Client:",
            "class C:",
        ),
        (
            "if self.broken:\n    return None",
            "if self.broken:\n    if self.late:\n        raise Late\n    return 1",
            "        if self.broken:\n            return None",
            "        if self.broken:\n            if self.late:\n"
            "                raise Late\n            return 1",
        ),
        (
            "def close( self ):\n  return None",
            "def close(self):\n  return True",
            "    def close(self):\n        return None",
            "    def close(self):\n      return True",
        ),
    ],
)
def test_old_may_be_copied_inexactly(old: str, new: str, was: str, now: str) -> None:
    assert edited(SOURCE, old, new) == SOURCE.replace(was, now, 1)


def test_tabs_stay_tabs() -> None:
    source = "func f() {\n\tif x {\n\t\treturn\n\t}\n}\n"
    old, new = "    if  x {\n        return\n    }", "    if x {\n        log()\n        return\n    }"
    assert edited(source, old, new) == source.replace("\t\treturn", "\t\tlog()\n\t\treturn")


def test_a_word_is_not_found_inside_another() -> None:
    with pytest.raises(NoPlace):
        find("max_retries = 30\n", "retries=3", "retries=5")


def test_several_places_are_named(bench: Bench) -> None:
    bench.file("a.py", SOURCE)
    result = bench("edit", path="a.py", old="return None", new="return 1")
    assert not result.ok
    assert "occurs 2 times in a.py, at lines 7, 10" in result.text
    assert (bench.root / "a.py").read_text() == SOURCE


def test_a_failed_edit_shows_the_nearest_lines(bench: Bench) -> None:
    bench.file("a.py", SOURCE)
    result = bench("edit", path="a.py", old="def connects(this):", new="x")
    assert not result.ok
    assert "4:     def connect(self):" in result.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"path": "none.py", "old": "a", "new": "b"}, "does not exist"),
        ({"path": "a.py", "old": "import time", "new": "import time"}, "the same"),
        ({"path": "a.py", "old": "", "new": "b"}, "old is empty"),
        ({"path": "a.bin", "old": "a", "new": "b"}, "binary"),
        ({"path": "../a.py", "old": "a", "new": "b"}, "outside the project"),
    ],
)
def test_refusals_say_why(bench: Bench, arguments: dict[str, str], says: str) -> None:
    bench.file("a.py", SOURCE)
    bench.file("a.bin", b"a\0b")
    result = bench("edit", **arguments)
    assert not result.ok
    assert says in result.text


def test_empty_old_fills_a_new_or_empty_file(bench: Bench) -> None:
    bench.file("empty.txt")
    assert bench("edit", path="empty.txt", old="", new="a").text == "empty.txt changed +1 −0\n1: a"
    assert bench("edit", path="new.txt", old="", new="a").text == "new.txt created, 1 line"


@pytest.mark.parametrize(
    ("data", "old", "new", "after"),
    [
        (b"\xef\xbb\xbfa = 1\r\nb = 2", "a = 1\nb", "a = 3\nb", b"\xef\xbb\xbfa = 3\r\nb = 2"),
        ("naïve = 1\n".encode("latin-1"), "= 1", "= 2", "naïve = 2\n".encode("latin-1")),
        (b"mixed\r\nends\nhere\r\n", "ends", "end", b"mixed\r\nend\nhere\r\n"),
        ("wide = 1\n".encode("utf-16"), "= 1", "= 2", "wide = 2\n".encode("utf-16")),
    ],
)
def test_the_encoding_stays(bench: Bench, data: bytes, old: str, new: str, after: bytes) -> None:
    path = bench.file("a.txt", data)
    assert bench("edit", path="a.txt", old=old, new=new).ok
    assert path.read_bytes() == after


@pytest.mark.parametrize(
    ("name", "source", "old", "new"),
    [
        ("a.py", SOURCE, "class Client:", "class Client"),
        ("a.json", '{"a": [1, 2]}\n', "[1, 2]", "[1, 2"),
        ("a.toml", 'name = "demo"\n', '"demo"', '"demo'),
    ],
)
def test_a_change_that_breaks_a_file_is_refused(
    bench: Bench, name: str, source: str, old: str, new: str
) -> None:
    path = bench.file(name, source)
    result = bench("edit", path=name, old=old, new=new)
    assert not result.ok
    assert f"{name} would no longer parse" in result.text
    assert f"1: {source.splitlines()[0]}" in result.text
    assert path.read_text() == source


def test_a_file_that_was_broken_before_may_be_edited(bench: Bench) -> None:
    path = bench.file("a.py", "def f(:\n    return 1\n")
    result = bench("edit", path="a.py", old="return 1", new="return 2")
    assert result.ok
    assert "warning: the file does not parse: line 1" in result.text
    assert path.read_text() == "def f(:\n    return 2\n"


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8), max_size=8)


@given(LINES, LINES, st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1), st.text())
def test_an_exact_unique_text_is_replaced_and_nothing_else(
    before: list[str], after: list[str], old: str, new: str
) -> None:
    head, tail = "\n".join(before), "\n".join(after)
    source = head + old + tail
    assume(old.strip() and source.find(old) == source.rfind(old))
    assert edited(source, old, new) == head + new + tail


@given(st.lists(st.sampled_from(["a", "bb", "\n", "\r\n", "é"])), st.data())
def test_crlf_around_a_replaced_part_is_kept(parts: list[str], data: st.DataObject) -> None:
    content = "".join(parts)
    plain = content.replace("\r\n", "\n")
    start = data.draw(st.integers(0, len(plain)))
    end = data.draw(st.integers(start, len(plain)))
    done = splice(content, Match(start, end, "X\nY"))
    assert done.replace("\r\n", "\n") == plain[:start] + "X\nY" + plain[end:]
    if content.count("\r\n") == content.count("\n") > 0:
        assert done.count("\r\n") == done.count("\n")
