"""Answers that go round in circles."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.circling import circling

IDS = st.integers(0, 50)


@given(st.lists(IDS, max_size=80), st.lists(IDS, min_size=1, max_size=150))
def test_a_sentence_said_for_the_third_time_is_found(before: list[int], sentence: list[int]) -> None:
    rounds = max(3, -(-150 // len(sentence)) + 1)
    assert circling([*before, *sentence * rounds])


@given(st.lists(IDS, min_size=1, max_size=150), st.integers(1, 2))
def test_what_is_said_once_or_twice_goes_on(sentence: list[int], rounds: int) -> None:
    said = [100 + place for place in range(len(sentence))]  # no shorter circle in it
    assert not circling(said * rounds)


def test_a_short_row_of_the_same_is_no_circle() -> None:
    assert not circling([7] * 100)
    assert not circling([])
