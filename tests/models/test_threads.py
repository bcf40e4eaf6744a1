from pathlib import Path

import pytest

from orchestrator.models.threads import Speed, Threads, calibrate, candidates, choose, usable_cores


class Machine:
    """Measures as scripted, and remembers for how many threads it was asked."""

    def __init__(self, **speeds: float) -> None:
        self.speeds = {int(name[1:]): Speed(rate * 10, rate) for name, rate in speeds.items()}
        self.asked: list[int] = []

    def __call__(self, threads: int) -> Speed:
        self.asked.append(threads)
        return self.speeds[threads]


def test_the_fastest_wins_and_a_tie_goes_to_fewer() -> None:
    assert choose({1: Speed(10, 5), 2: Speed(19, 5.1), 4: Speed(19.2, 3)}) == Threads(1, 2)


@pytest.mark.parametrize(
    ("cores", "expected"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))]
)
def test_candidates(cores: int, expected: tuple[int, ...]) -> None:
    assert candidates(cores) == expected


def test_measured_once_and_kept(tmp_path: Path) -> None:
    file, machine = tmp_path / "sub" / "threads.json", Machine(t1=13, t2=3)
    assert calibrate(file, "m", machine, cores=2, busy=False) == Threads(1, 1)
    asked = len(machine.asked)
    assert calibrate(file, "m", machine, cores=2, busy=True) == Threads(1, 1)
    assert len(machine.asked) == asked


def test_measured_again_for_another_model_or_number_of_cores(tmp_path: Path) -> None:
    file, machine = tmp_path / "threads.json", Machine(t1=3, t2=5, t4=9)
    assert calibrate(file, "m", machine, cores=2, busy=False) == Threads(2, 2)
    assert calibrate(file, "n", machine, cores=4, busy=False) == Threads(4, 4)
    assert calibrate(file, "m", machine, cores=4, busy=False) == Threads(4, 4)


def test_a_busy_measurement_counts_until_the_machine_is_quiet(tmp_path: Path) -> None:
    file = tmp_path / "threads.json"
    assert calibrate(file, "m", Machine(t1=13, t2=3), cores=2, busy=True) == Threads(1, 1)
    assert calibrate(file, "m", Machine(t1=13, t2=25), cores=2, busy=True) == Threads(1, 1)
    assert calibrate(file, "m", Machine(t1=13, t2=25), cores=2, busy=False) == Threads(2, 2)


def test_stops_where_more_threads_only_harm(tmp_path: Path) -> None:
    machine = Machine(t1=10, t2=4)
    assert calibrate(tmp_path / "t", "m", machine, cores=64, busy=False) == Threads(1, 1)
    assert max(machine.asked) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"m": 3}', '{"m": {"cores": 2}}', "\ud7ff{"])
def test_a_damaged_file_is_measured_over(tmp_path: Path, content: str) -> None:
    file = tmp_path / "threads.json"
    file.write_text(content, encoding="utf-8")
    assert calibrate(file, "m", Machine(t1=1, t2=9), cores=2, busy=False) == Threads(2, 2)


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert calibrate(tmp_path / "file" / "x", "m", Machine(t1=1, t2=9), cores=2, busy=False).generation == 2


def test_this_machine_has_cores() -> None:
    assert usable_cores() >= 1
