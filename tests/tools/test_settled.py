from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.settled import LINE_CHARS, WINDOW, Settled

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["\r", "\n", "\r\n", "\b", "\x1b[A", "\x1b[2K", "\x1b[K", "\x1b[3B", "\x1b[31m", "\x1b]0;t\x07"]
        ),
        st.text(max_size=20),
    )
)


def settled(*pieces: str) -> str:
    screen = Settled()
    return "".join(map(screen.feed, pieces)) + screen.rest()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("Downloading 100%\rdone\n", "done\n"),
        ("50%\r", "50%"),
        ("50%\r\x1b[Kdone", "done"),
        ("50%\r\x1b[2K", ""),
        ("|\b/\b-\b ok", " ok"),
        ("N\bNA\bAME\n", "NAME\n"),
        ("abc\b\b\b\b\bX", "Xbc"),
        ("\x1b[31mred\x1b[0m [not a tag]\n", "red [not a tag]\n"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1b]52;c;aGk=\x07b", "alinkb"),
        ("\x1bP+q544e\x1b\\a\x1b_Gf=1;AAAA\x1b\\b", "ab"),
        ("a: 1\nb: 1\n\x1b[2A\x1b[2Ka: 2\n\x1b[2Kb: 2\nend\n", "a: 2\nb: 2\nend\n"),
        ("a\nb\n\x1b[2A\x1b[Jc\n", "c\n"),
        ("ab\x1b[1;1Hc\x1b[5;5fd", "ab\nc\nd"),
        ("one\n\x1b[2J\x1b[Htwo\n", "one\ntwo\n"),
        ("abc\x1b[2GX\x1b[2CY", "aXc Y"),
        ("\x1b[999999999Cx", " " * 999 + "x"),
        ("tab\tbed\x00\x07\x85", "tab\tbed"),
        ("cut\x1b[3", "cut"),
    ],
)
def test_what_stands_in_the_end(raw: str, text: str) -> None:
    assert settled(raw) == text
    assert settled(*raw) == text


def test_lines_are_final_once_out_of_reach() -> None:
    screen = Settled()
    early = screen.feed("".join(f"{n}\n" for n in range(WINDOW * 3)))
    assert early.startswith("0\n1\n2\n")
    assert early + screen.rest() == "".join(f"{n}\n" for n in range(WINDOW * 3))
    assert settled(*[f"{n}\n" for n in range(WINDOW * 3)]) == early + screen.rest()


def test_cursor_up_ends_at_what_is_final() -> None:
    screen = Settled()
    text = screen.feed("x\n" * 1000 + "\x1b[5000Aup\n")
    assert (text + screen.rest()).count("x\n") == 999


def test_a_megabyte_on_one_line_is_kept() -> None:
    assert settled(*["ab" * 2000] * 250) == "ab" * 500_000
    assert len(settled("\x1b[m" + "a" * (3 * LINE_CHARS) + "\b\b")) == 3 * LINE_CHARS


def test_hostile_repetition_is_quick() -> None:
    for piece in ("\b", "\r", "\x1b[A", "\x1b[9B", "\x1b[999C", "\x1b]", "\x1b[1;", "x\b", "\x1b[J"):
        assert len(settled(*["line\n" * 3, piece * 20_000, "end"])) < 2_000_000


@given(PIECES)
def test_no_text_is_too_strange(pieces: list[str]) -> None:
    text = settled(*pieces)
    assert "\x1b" not in text
    assert "\r" not in text


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30)))
def test_plain_text_stays(lines: list[str]) -> None:
    stripped = [line.rstrip() for line in lines]
    assert settled(*[f"{line}\n" for line in lines]) == "".join(f"{line}\n" for line in stripped)
