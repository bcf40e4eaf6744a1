"""Unified diffs as rows: every character kept, numbers right, nothing beyond the edge, quick on anything."""

from __future__ import annotations

import difflib
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.tui.unified import Folded, Row, diff_rows, fold, text_rows

LINES = st.lists(st.text(alphabet="ab +-@\\ é日\t", max_size=6), max_size=12)
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            ["--- a", "+++ b", "@@ -1,2 +1,2 @@", "@@ -1 +1 @@ def f", "@@ -0,0 +1 @@", "\\ No newline"]
        ),
        st.text(max_size=12),
        st.from_regex(r"@@ -\d*,?\d* \+\d*,?\d* @@"),
    )
).map("\n".join)


@given(st.one_of(HOSTILE, st.text()))
def test_rows_keep_all_text_of_anything(diff: str) -> None:
    rows = diff_rows(diff)
    assert "\n".join(row.sign + row.text for row in rows) == diff.removesuffix("\n")
    assert "\n".join(row.text for row in text_rows(diff)) == diff.removesuffix("\n")


@given(LINES, LINES)
def test_rows_of_a_real_diff_are_both_sides_with_their_numbers(old: list[str], new: list[str]) -> None:
    diff = "\n".join(difflib.unified_diff(old, new, "a/x", "b/x", n=99, lineterm=""))
    rows = diff_rows(diff)
    if old == new:
        assert rows == []
        return
    assert [row.kind for row in rows[:3]] == ["meta", "meta", "hunk"]
    assert [(row.old, row.text) for row in rows if row.old] == list(enumerate(old, 1))
    assert [(row.new, row.text) for row in rows if row.new] == list(enumerate(new, 1))


def test_a_removed_line_that_looks_like_a_header_is_a_removed_line() -> None:
    rows = diff_rows("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- y\n+++ z\n same\n+++ beyond the hunk\n")
    kinds = ["meta", "meta", "hunk", "removed", "added", "same", "meta"]
    assert [row.kind for row in rows] == kinds
    assert rows[3] == Row("removed", "-- y", 1, None)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\t"), max_size=50)), st.integers(-3, 40))
def test_folded_lines_fit_and_keep_all_text(texts: list[str], width: int) -> None:
    rows = text_rows("\n".join(texts))
    folded = Folded(rows, width)
    lines = [folded.line(y) for y in range(len(folded))]
    for index, row in enumerate(rows):
        mine = [(above, text) for row_index, above, text in lines if row_index == index]
        assert [above for above, _ in mine] == list(range(len(mine)))
        assert folded.line(folded.top(index))[:2] == (index, 0)
        assert "".join(text for _, text in mine) == row.text
    assert all(cell_len(text) <= folded.width for *_, text in lines)


def test_no_rows_have_no_lines() -> None:
    assert len(Folded([], 80)) == 0


def test_a_wide_line_too_long_to_measure_still_fits() -> None:
    pieces = fold("日本" * 20_000, 31)
    assert "".join(pieces) == "日本" * 20_000
    assert all(cell_len(piece) <= 31 for piece in pieces[:100])


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "é" * 1_000_000,
        "日" * 1_000_000,
        "\t" * 250_000,
        "@@ -1 +1 @@\n" * 100_000,
        "+a\n" * 100_000,
    ],
)
def test_folding_is_linear(text: str) -> None:
    """The whole of a hostile text folds in a few times what splitting an innocent one takes."""
    calm = "def charge(account, amount):\n" * 35_000
    started = process_time()
    Folded(text_rows(calm), 76)
    calm_took = process_time() - started
    started = process_time()
    Folded(diff_rows(text), 76)
    assert process_time() - started < 20 * calm_took + 0.5
