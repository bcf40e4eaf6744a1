"""A text in parts says the same as the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from orchestrator.tui.answer_parts import PART_CHARS, Parts

BLOCKS = st.sampled_from(
    [
        "A paragraph of words. " * 30,
        "Short.",
        "# Heading",
        "- one\n- two\n\n  more of two",
        "1. first\n\n2. second",
        "```python\nx = 1\n\nWords in code.\n\ny = 2\n```",
        "~~~\n```\n\nStill code\n\n~~~",
        "````\n```\n\nStill code\n\n```\n````",
        "> said\n> so",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "    indented code\n\n    more of it",
    ]
)


def fed(pieces: list[str]) -> list[str]:
    """The parts that the pieces lead to."""
    cutter, parts = Parts(), [""]
    for piece in pieces:
        here, *new = cutter.feed(piece)
        parts[-1] += here
        parts += new
    return parts


def html(text: str) -> str:
    return str(MarkdownIt("gfm-like").render(text))


@given(st.lists(BLOCKS, min_size=1, max_size=30), st.integers(1, 60))
def test_parts_read_like_the_whole(blocks: list[str], size: int) -> None:
    text = "\n\n".join(blocks)
    parts = fed([text[at : at + size] for at in range(0, len(text), size)])
    assert "".join(parts) == text
    assert "".join(map(html, parts)) == html(text)
    assert parts == fed([text])


def test_a_long_text_has_parts() -> None:
    text = "\n\n".join(["A paragraph of words. " * 30] * 20)
    parts = fed([text])
    assert len(parts) > 5
    assert all(len(part) >= PART_CHARS for part in parts[:-1])


@given(st.lists(st.text(max_size=40)))
def test_nothing_is_lost(pieces: list[str]) -> None:
    assert "".join(fed(pieces)) == "".join(pieces)
