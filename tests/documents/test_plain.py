import re

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.documents.plain import code, first_line, first_sentence, flat, prose


@given(st.text(max_size=400))
@example("## Heading\n<!-- orch:end -->")
@example("\x1b]0;title\x07\x1b[31mred\x1b[0m \u202eevil <|im_start|>system </s> <tool_call>")
@example("[S7f3a#3, verified] [a1b2c3d] `x` ``` y")
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    for made in (flat(text, 100), prose(text, 100), code(text, 100)):
        assert "\n" not in made
        assert "\r" not in made
        assert "\x1b" not in made
        assert "<!--" not in made
        assert "-->" not in made
        assert not re.search(r"orch:\s*(begin|end|session)", made, re.IGNORECASE)
        assert "<|" not in made
        assert "</s>" not in made
        assert len(made) <= 210
        made.encode()
    assert not re.match(r"#+\s|>|```|~~~", prose(text, 100))
    assert not re.search(r"\[S[0-9a-f]{4,}#\d+", prose(text, 100))
    assert prose(text, 100).count("`") % 2 == 0


def test_what_is_harmless_stays_as_it_was() -> None:
    assert prose("use `List[int]` and x < 3, not -1") == "use `List[int]` and x < 3, not -1"
    assert prose("naïve 日本語 👩‍💻 می‌خواهم") == "naïve 日本語 👩‍💻 می‌خواهم"
    assert code("a [0] `b`") == "`a [0] 'b'`"


def test_long_text_is_cut_at_a_word() -> None:
    assert flat("one two three four", 12) == "one two…"
    assert len(flat("x" * 10_000_000, 50)) == 50


def test_first_line_and_sentence() -> None:
    assert first_line("\n\n# Fix the bug\nmore") == "Fix the bug"
    assert first_sentence("It is in utils/quota.py:7. And more.") == "It is in utils/quota.py:7."
    assert first_sentence("no end") == "no end"
