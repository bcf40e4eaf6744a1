"""What a download says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tui.transfer import Transfer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


MB = 10**6


def _at(clock: Clock, transfer: Transfer, seconds: float, done: int, total: int = 1000 * MB) -> str:
    clock.now = 100.0 + seconds
    transfer.update(done, total)
    return transfer.text()


def test_nothing_about_time_before_it_was_measured() -> None:
    clock = Clock()
    transfer = Transfer(clock)
    assert transfer.text() == "0 bytes of 0 bytes"
    assert _at(clock, transfer, 0, 0) == "0 bytes of 1.0 GB"
    assert _at(clock, transfer, 1, 10 * MB) == "10 MB of 1.0 GB"
    assert _at(clock, transfer, 4, 40 * MB) == "40 MB of 1.0 GB · 10 MB/s · about 2 min left"


def test_what_was_there_before_is_not_counted_as_speed() -> None:
    clock = Clock()
    transfer = Transfer(clock)
    _at(clock, transfer, 0, 500 * MB)
    assert _at(clock, transfer, 10, 510 * MB) == "510 MB of 1.0 GB · 1 MB/s · about 8 min left"


def test_the_rate_follows_the_last_seconds() -> None:
    clock = Clock()
    transfer = Transfer(clock)
    for second in range(20):
        _at(clock, transfer, second, second * 20 * MB)
    for second in range(20, 60):
        said = _at(clock, transfer, second, 400 * MB + (second - 20) * MB)
    assert said == "439 MB of 1.0 GB · 1 MB/s · about 9 min left"


def test_a_stall_is_told_and_not_hidden_behind_an_estimate() -> None:
    clock = Clock()
    transfer = Transfer(clock)
    for second in range(10):
        _at(clock, transfer, second, second * 10 * MB)
    assert _at(clock, transfer, 21, 90 * MB) == "90 MB of 1.0 GB · nothing came for 12 s"


def test_a_new_beginning_forgets_the_old_rate() -> None:
    clock = Clock()
    transfer = Transfer(clock)
    _at(clock, transfer, 0, 0)
    _at(clock, transfer, 5, 900 * MB)  # the check of what was loaded
    assert _at(clock, transfer, 6, 100 * MB) == "100 MB of 1.0 GB"


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 10**13), st.integers(0, 10**13))))
def test_any_sequence_gives_a_sentence(steps: list[tuple[float, int, int]]) -> None:
    clock = Clock()
    transfer = Transfer(clock)
    for seconds, done, total in steps:
        clock.now += seconds
        transfer.update(done, total)
        assert 0 <= transfer.percent <= 100
        assert transfer.percent < 100 or done >= total
        assert "-" not in transfer.text()
