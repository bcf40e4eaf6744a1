"""When a question may take the keyboard: nothing pressed because of something else answers it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tui.attention import GRACE_S, QUIET_S, SETTLE_S, Attention, Meaning


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_waits_for_a_quiet_moment() -> None:
    clock = Clock()
    attention = Attention(clock)
    clock.now = QUIET_S - 0.01
    assert not attention.may_take()
    attention.stirred()
    clock.now = 2 * QUIET_S - 0.02
    assert not attention.may_take()
    clock.now = 2 * QUIET_S
    assert attention.may_take()


def test_a_letter_that_stands_alone_is_an_answer() -> None:
    clock = Clock()
    attention = Attention(clock)
    clock.now = QUIET_S
    attention.took()
    clock.now += GRACE_S
    assert attention.pressed() is Meaning.PERHAPS
    assert not attention.settled()
    clock.now += SETTLE_S
    assert attention.settled()


def test_turned_to_on_purpose_a_letter_is_an_answer_at_once_but_not_before_it_can_be_seen() -> None:
    clock = Clock()
    attention = Attention(clock)
    attention.turned_to()
    assert attention.pressed() is Meaning.TYPING
    clock.now = QUIET_S
    assert attention.pressed() is Meaning.ANSWER


@given(st.lists(st.floats(0, 0.24), min_size=1, max_size=30), st.floats(0, 3))
def test_no_letter_of_a_flow_of_typing_ever_answers(gaps: list[float], shown_after: float) -> None:
    """Keys less than `SETTLE_S` apart, the question appearing anywhere among them and taking its chance."""
    clock = Clock()
    attention = Attention(clock)
    clock.now = shown_after
    focused = False
    for gap in gaps:
        clock.now += gap / 2
        if not focused and attention.may_take():
            attention.took()
            focused = True
        clock.now += gap / 2
        if focused:
            assert not attention.settled()
            meaning = attention.pressed()
            assert meaning is not Meaning.ANSWER
            if meaning is Meaning.TYPING:
                attention.stirred()
                focused = False
        else:
            attention.stirred()
