from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.text import cap, clean, count, unfence, unified_diff


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m [bold]", "red [bold]"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("a\x1b(Bb\x1bc", "ab"),
        ("\x9b31mred", "red"),
        ("bell\x07 null\x00", "bell null"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("dos\r\nline\r\r\n", "dos\nline\n"),
        ("tab\there", "tab\there"),
    ],
)
def test_clean_leaves_what_can_be_read(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_clean_leaves_no_control_character(text: str) -> None:
    assert not [c for c in clean(text) if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert clean(clean(text)) == clean(text)


@given(st.text(max_size=3000), st.integers(200, 1000))
def test_cap_keeps_head_and_tail_within_the_limit(text: str, limit: int) -> None:
    capped, cut = cap(text, limit)
    assert len(capped) <= limit
    assert cut == (len(text) > limit)
    if not cut:
        assert capped == text
    else:
        head, _, tail = capped.partition("[… ")
        assert text.startswith(head.removesuffix("\n"))
        assert text.endswith(tail.partition(" left out …]\n")[2])


def test_cap_says_how_much_was_left_out() -> None:
    text = "\n".join(f"line {number}" for number in range(2000))
    capped, _ = cap(text, 600)
    assert capped.startswith("line 0\n")
    assert capped.endswith("line 1999")
    left = len(text) - len(capped.partition("[")[0]) - len(capped.partition("…]\n")[2])
    assert f"{left:,} characters" in capped


def test_count_agrees_with_its_noun() -> None:
    assert [count(1, "match"), count(2, "match"), count(12345, "line")] == [
        "1 match",
        "2 matches",
        "12,345 lines",
    ]


def test_unfence_takes_only_one_whole_block() -> None:
    assert unfence("```python\nx = 1\n```") == ("python", "x = 1\n")
    assert unfence("```\na\n```\ntext\n```\nb\n```") is None
    assert unfence("x = 1") is None


def test_diff_marks_a_missing_newline() -> None:
    assert unified_diff("a", "b\n", "f").endswith("-a\n\\ No newline at end of file\n+b\n")
