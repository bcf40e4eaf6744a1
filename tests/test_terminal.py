"""Nothing untrusted reaches a terminal as anything but text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.terminal import one_line, plain


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;aGk=\x1b\\text", "text"),
        ("\x9b31mred", "red"),
        ("a\rb", "a\nb"),
        ("a\x08\x07b", "ab"),
        ("rm \u202efdp.txt", "rm fdp.txt"),
        ("[/red] [bold]", "[/red] [bold]"),
        ("\udc80", "?"),
    ],
)
def test_escapes_go_and_text_stays(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\x9b]\x07[;m\\\x90"))))
def test_no_control_character_survives(text: str) -> None:
    shown = plain(text)
    shown.encode("utf-8")
    assert not any(ord(char) < 32 and char not in "\t\n" for char in shown)
    assert not any(0x7F <= ord(char) <= 0x9F for char in shown)


@given(st.text(), st.integers(2, 40))
def test_one_line_is_one_line(text: str, width: int) -> None:
    assert "\n" not in one_line(text, width)
    assert len(one_line(text, width)) <= width
