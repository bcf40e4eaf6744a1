from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journal.clock import FAR_AHEAD_MS, ClockState, SystemClock, Ts, tick

# few values, so that they meet; a third of them is far ahead of the others
times = st.sampled_from([0, 1, 2, FAR_AHEAD_MS, FAR_AHEAD_MS + 1, FAR_AHEAD_MS + 2, 9 * FAR_AHEAD_MS])
stamps = st.tuples(times, st.integers(0, 5))
steps = st.lists(st.tuples(times, st.lists(stamps, max_size=3)), max_size=30)


@given(steps)
def test_no_timestamp_twice_and_each_after_its_parents(story: list[tuple[int, list[Ts]]]) -> None:
    state, given_out, local = ClockState(), set(), (0, 0)
    for now, parents in story:
        before = state
        ts, state = tick(state, now, parents)
        assert ts > max(parents, default=(-1, 0))
        assert ts not in given_out
        given_out.add(ts)
        if state.last == before.last:  # a parent was far ahead: our own clock stays
            assert max(parents)[0] > now + FAR_AHEAD_MS
        else:
            assert ts == state.last > local
            local = ts


def test_it_follows_the_wall_clock_and_counts_on_when_that_steps_back() -> None:
    first, state = tick(ClockState(), 1000)
    second, state = tick(state, 1000)
    third, state = tick(state, 400)
    fourth, _ = tick(state, 2000)
    assert [first, second, third, fourth] == [(1000, 0), (1000, 2), (1000, 4), (2000, 0)]


def test_a_parent_far_ahead_is_beaten_but_does_not_advance_the_clock() -> None:
    far = (2000 + FAR_AHEAD_MS, 4)
    first, state = tick(ClockState(), 1000, [far])
    second, state = tick(state, 1001, [far])
    third, state = tick(state, 1002)
    assert (first, second, third) == ((far[0], 5), (far[0], 7), (1002, 0))
    fourth, _ = tick(state, 2000, [far])  # no longer far: our clock moves, and gives nothing out again
    assert fourth == (far[0], 6)


def test_a_parent_a_little_ahead_advances_the_clock() -> None:
    near = (1000 + FAR_AHEAD_MS, 4)
    ts, state = tick(ClockState(), 1000, [near])
    assert ts == state.last == (near[0], 6)


def test_the_system_clock_counts_milliseconds() -> None:
    assert SystemClock().now_ms() > 1_700_000_000_000
