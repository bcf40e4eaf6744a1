"""How rows of the list are cut to the width, and where their letters stand then."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.tui.widgets.completion import shortened


@pytest.mark.parametrize(
    ("text", "width", "cut", "short"),
    [
        ("src/app.py", 10, "middle", "src/app.py"),
        ("packages/frontend/src/app.py", 20, "middle", "package…d/src/app.py"),
        ("some/very/deep/folder/name_of_the_file.py", 22, "middle", "s…/name_of_the_file.py"),
        ("name_without_any_folder.py", 12, "middle", "name…lder.py"),
        ("explain this", 8, "end", "explain…"),
        ("日本語/プロンプト.py", 12, "middle", "…ロンプト.py"),
    ],
)
def test_a_path_is_cut_in_its_middle(
    text: str, width: int, cut: Literal["middle", "end"], short: str
) -> None:
    assert shortened(text, width, cut)[0] == short


@given(
    st.text(alphabet="ab/日é[]", min_size=1, max_size=40),
    st.integers(1, 30),
    st.sampled_from(["middle", "end"]),
)
def test_it_fits_and_each_letter_is_where_it_is_said_to_be(
    text: str, width: int, cut: Literal["middle", "end"]
) -> None:
    short, places = shortened(text, width, cut)
    assert cell_len(short) <= width
    for at, letter in enumerate(text):
        if (there := places(at)) is not None:
            assert short[there] == letter
    assert sum(places(at) is not None for at in range(len(text))) == len(short) - (short != text)
