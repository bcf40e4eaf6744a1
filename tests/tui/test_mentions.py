"""`@path`: what is written is found again, whatever the name of the file."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.context.mentions import escaped, mention, mentions, shown, unescaped
from orchestrator.tui.span import Span, span_at

names = st.text(
    st.one_of(st.characters(exclude_characters="\0"), st.sampled_from(" \"\\'\n()[].,@\udc80\udcff\u202e")),
    min_size=1,
)


@pytest.mark.parametrize(
    ("prompt", "paths"),
    [
        ("look at @src/app.py, then @b.py.", ["src/app.py", "b.py"]),
        ("(see @a.py)", ["a.py"]),
        ("@app/(group)/[id]/page.tsx?", ["app/(group)/[id]/page.tsx"]),
        ("@f(1)", ["f(1)"]),
        ('compare @"a b.py" with @"say \\"hi\\".md"', ["a b.py", 'say "hi".md']),
        ("`@a.py` and '@b.py'", ["a.py", "b.py"]),
        ("me@example.com, HEAD@{1}, @ alone, @@", ["@"]),
        ("@a.py @a.py", ["a.py"]),
        ('@"never closed', []),
        ("first\n@second/line.py\nthird", ["second/line.py"]),
        ("@...", []),
    ],
)
def test_mentions_of_a_prompt(prompt: str, paths: list[str]) -> None:
    assert mentions(prompt) == paths


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("src/app.py", "@src/app.py"),
        ("app/[id].tsx", "@app/[id].tsx"),
        ("a b.py", '@"a b.py"'),
        ("end.", '@"end."'),
        ("two\nlines", '@"two\\x0alines"'),
        (os.fsdecode(b"caf\xe9.py"), '@"caf\\xe9.py"'),
        ("café.py", "@café.py"),
        ('"', '@"\\""'),
        ("rtl\u202e.py", '@"rtl\\u202e.py"'),
    ],
)
def test_a_path_is_quoted_where_it_must_be(path: str, written: str) -> None:
    assert mention(path) == written


@given(names)
@example("\U000e0001")
def test_what_is_written_is_found_again(path: str) -> None:
    assert mentions(mention(path)) == [path]
    assert mentions(f"read {mention(path)} and tell") == [path]
    assert mention(path).isprintable()


@given(names)
def test_escaped_text_is_seen_whole_and_read_back(path: str) -> None:
    assert unescaped(escaped(path)) == path
    assert shown(path).isprintable()


@given(st.text(alphabet='@/ ab"\\xu0.\n', max_size=40), st.data())
def test_no_line_is_too_strange(line: str, data: st.DataObject) -> None:
    mentions(line)
    line = line.replace("\n", " ")
    column = data.draw(st.integers(0, len(line)))
    span = span_at(line, column, first=True)
    assert span is None or 0 <= span.start < column <= span.end <= len(line)


@pytest.mark.parametrize(
    ("marked", "span"),
    [
        ("/|", Span("command", 0, 1, "")),
        ("/he|lp me", Span("command", 0, 5, "he")),
        ("/mode as|k", None),
        ("see /usr/b|in", None),
        ("see @|", Span("file", 4, 5, "")),
        ("see @src/ap|p.py too", Span("file", 4, 15, "src/ap")),
        ('see @"a b|', Span("file", 4, 9, "a b")),
        ('see @"a b| c.py" too', Span("file", 4, 15, "a b")),
        ('see @"a b.py"|', None),
        ("me@exam|ple.com", None),
        ("(@a|)", Span("file", 1, 4, "a")),
        ("/note about @x|", Span("file", 12, 14, "x")),
        ("plain| text", None),
    ],
)
def test_what_the_cursor_is_completing(marked: str, span: Span | None) -> None:
    column = marked.index("|")
    assert span_at(marked.replace("|", ""), column, first=True) == span


def test_commands_stand_on_the_first_line_only() -> None:
    assert span_at("/he", 3, first=False) is None
