"""Nothing untrusted reaches a terminal as anything but text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.terminal import one_line, plain, visible


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
        ("\x9d" * 40_000 + "\x1b", ""),
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


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("echo a \x1b] ; rm -rf ~ ; \x07", "echo a ␛] ; rm -rf ~ ; ␇"),
        ("ls\r; rm x", "ls␍; rm x"),
        ("rm \u202efdp.txt", "rm \\u202efdp.txt"),
        ("a\u200bb\ufeff\xad", "a\\u200bb\\ufeff\\u00ad"),
        ("x\U000e0041", "x\\U000e0041"),
        ("\udc80\x9b\x7f", "\\udc80\\u009b␡"),
        ("é 日本 [b]\ttab\nline", "é 日本 [b]\ttab\nline"),
    ],
)
def test_what_is_to_be_approved_hides_nothing(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\x9b\r\u202e\u200b\U000e0020"))))
def test_visible_text_has_no_control_left_and_loses_no_character(text: str) -> None:
    shown = visible(text, lines=False)
    assert "\n" not in shown
    assert plain(shown) == shown
    assert len(shown) >= len(text)
