"""What is chosen from measurements, what is kept of it, and for how long it counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ModelError
from orchestrator.models.tune import Answer, chosen, measuring, tune
from orchestrator.models.tuning import Measured, Tuning, best, keep, kept, layers_that_fit, machine

NOW = Tuning(2, 2)


class Machine:
    """Measures as told: read and written tokens a second of a tuning."""

    def __init__(self, speeds: Any, gpu: bool = False) -> None:
        self.speeds, self.gpu = speeds, gpu
        self.asked: list[Tuning] = []

    def __call__(self, tuning: Tuning, *, untuned: bool = False) -> Answer | None:
        self.asked.append(tuning)
        found = self.speeds(tuning)
        return Answer(Measured(tuning, *found), "here", self.gpu) if found else None


def tuned(machine: Machine, cores: int = 2, layers: int = 0) -> Measured:
    return chosen(list(tune(machine, NOW, cores, lambda: layers)))


def test_threads_are_chosen_apart_and_the_rest_with_the_best_of_them() -> None:
    def speeds(how: Tuning) -> tuple[float, float]:
        read = {1: 50, 2: 90}[how.prefill] * (1.3 if how.chunk == 256 else 1)
        return read, {1: 13, 2: 3}[how.generation]

    assert tuned(Machine(speeds)).tuning == Tuning(generation=1, prefill=2, chunk=256)


def test_what_is_hardly_better_changes_nothing() -> None:
    assert tuned(Machine(lambda how: (100, 20.4 if how.flash else 20))).tuning == NOW


def test_a_coarser_cache_has_to_pay_more() -> None:
    def better(share: float) -> Machine:
        return Machine(lambda how: (100 * share, 20 * share) if how.cache == "q8_0" else (100, 20))

    assert tuned(better(1.1)).tuning.cache == "f16"
    assert tuned(better(1.3)).tuning == replace(NOW, flash=True, cache="q8_0")


def test_a_combination_that_does_not_run_is_passed_over() -> None:
    machine = Machine(lambda how: None if how.flash or how.chunk == 512 else (100, 20))
    assert tuned(machine).tuning == NOW
    with pytest.raises(ModelError, match="does not run"):
        tuned(Machine(lambda how: None))


def test_layers_on_a_gpu_are_tried_only_where_there_is_one() -> None:
    machine = Machine(lambda how: (100, 20), gpu=True)
    tuned(machine, layers=17)
    assert machine.asked[-1].gpu_layers == 17
    without = Machine(lambda how: (100, 20))
    tuned(without, layers=17)
    assert {how.gpu_layers for how in without.asked} == {None}


def test_layers_that_fit() -> None:
    assert layers_that_fit(8 << 30, 4 << 30, 28, 1 << 30) == 28
    assert layers_that_fit(3 << 30, 4 << 30, 28, 1 << 30) == 15
    assert layers_that_fit(0, 4 << 30, 28, 0) == 0
    assert layers_that_fit(8 << 30, 4 << 30, 0, 0) == 0


def test_what_is_kept_counts_for_this_model_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "tuning.json"
    quick = Measured(Tuning(1, 2, 256, True, "q8_0", 12), 120.0, 14.0)
    keep(file, "hash", "here", quick, Measured(NOW, 90.0, 3.0))
    assert kept(file, "hash", "here") == quick.tuning
    assert kept(file, "other", "here") is None
    assert kept(file, "hash", "another machine") is None
    assert json.loads(file.read_text())["hash"]["before"] == [90.0, 3.0]


@pytest.mark.parametrize(
    "tuning",
    [
        None,
        {},
        {"generation": 0, "prefill": 1, "chunk": 64, "flash": False, "cache": "f16", "gpu_layers": None},
        {"generation": 1, "prefill": 1, "chunk": 64, "flash": False, "cache": "q8_0", "gpu_layers": None},
        {"generation": 1, "prefill": 1, "chunk": 64, "flash": True, "cache": "q2", "gpu_layers": None},
        {"generation": 1, "prefill": 1, "chunk": 64, "flash": True, "cache": "f16", "gpu_layers": "all"},
    ],
)
def test_a_damaged_file_changes_nothing(tmp_path: Path, tuning: object) -> None:
    file = tmp_path / "tuning.json"
    file.write_text(json.dumps({"hash": {"machine": "here", "tuning": tuning}}))
    assert kept(file, "hash", "here") is None
    file.write_text("{")
    assert kept(file, "hash", "here") is None


def test_the_quickest_of_one_is_itself() -> None:
    only = Measured(NOW, 1.0, 1.0)
    assert best([only]) is only
    assert machine(2, "b1") != machine(4, "b1") != machine(4, "b2")


@pytest.mark.model
def test_the_real_model_runs_as_measured(small_model: Path) -> None:
    measure = measuring(small_model)
    plain = measure(Tuning(1, 1), untuned=True)
    coarse = measure(Tuning(1, 1, 128, True, "q8_0"))
    assert plain is not None
    assert coarse is not None
    assert min(plain.measured.generation, coarse.measured.prefill) > 0
    assert plain.measured.tuning.chunk == 64
    assert measure(Tuning(1, 1, 64, False, "q8_0")) is None, "llama.cpp cannot"
