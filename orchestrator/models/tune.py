"""`orch model tune`: measures how a model runs quickest here, each way in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import ModelError
from orchestrator.models.threads import candidates
from orchestrator.models.tuning import Measured, Tuning, best, layers_that_fit, variants

_MOST_S = 300.0
_CONTEXT = 1024
_CACHE_BYTES_A_TOKEN = 128 << 10
"""Of a 7B with f16: enough for a guess of what the cache takes beside the weights."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one measuring process said."""

    measured: Measured
    machine: str
    gpu: bool


class Measure(Protocol):
    """Measures one tuning, or how the model runs `untuned` with its threads.

    None where llama.cpp cannot run the model so.
    """

    def __call__(self, tuning: Tuning, *, untuned: bool = False) -> Answer | None: ...


def tune(measure: Measure, before: Tuning, cores: int, layers: Callable[[], int]) -> Iterator[Answer]:
    """Measure `before`, then other numbers of threads, then other ways to run with the best of those.

    Yields each as it is measured, `before` first. `layers` says how many fit on a GPU, if there is
    one. Raises `ModelError` when the model does not run as it is.
    """
    first = measure(before, untuned=True)
    if first is None:
        raise ModelError("The model does not run on this machine.", "`orch doctor` checks the installation.")
    yield first
    before = first.measured.tuning
    found = [first.measured]
    for count in candidates(cores):
        other = replace(before, generation=count, prefill=count)
        if other != before and (answer := measure(other)):
            found.append(answer.measured)
            yield answer
    base = replace(
        before,
        generation=max(found, key=lambda one: one.generation).tuning.generation,
        prefill=max(found, key=lambda one: one.prefill).tuning.prefill,
    )
    tried = variants(base, gpu=first.gpu)
    if base not in [one.tuning for one in found]:
        tried.insert(0, base)
    if first.gpu:
        tried.append(replace(base, gpu_layers=layers()))
    for tuning in tried:
        if answer := measure(tuning):
            yield answer


def chosen(answers: Sequence[Answer]) -> Measured:
    return best([answer.measured for answer in answers])


def measuring(model: Path) -> Measure:
    """Measures in a process of its own."""

    def measure(tuning: Tuning, *, untuned: bool = False) -> Answer | None:
        asked = json.dumps(
            {"model": str(model), "context_size": _CONTEXT, "untuned": untuned, "tuning": asdict(tuning)}
        )
        command = [sys.executable, "-P", "-m", "orchestrator.models.tune_worker"]
        try:
            done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=_MOST_S)
            answer = json.loads(done.stdout) if done.returncode == 0 else {}
        except (subprocess.TimeoutExpired, ValueError):
            return None
        if untuned and answer:  # the engine's own choices, by whether there is a GPU
            tuning = replace(tuning, chunk=answer["chunk"], flash=answer["gpu"])
        return _answer(tuning, answer)

    return measure


def _answer(tuning: Tuning, answer: dict[str, Any]) -> Answer | None:
    prefill, generation = answer.get("prefill", 0.0), answer.get("generation", 0.0)
    if min(prefill, generation) <= 0:
        return None
    return Answer(Measured(tuning, prefill, generation), str(answer["machine"]), bool(answer["gpu"]))


def layers_on_gpu(model: Path, context_size: int) -> int:
    """By the free memory of the first NVIDIA GPU; all where that cannot be told."""
    from orchestrator.models import gguf

    query = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
        free = int(done.stdout.split()[0]) << 20
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return -1
    layers = gguf.read(model).layers
    fit = layers_that_fit(free, model.stat().st_size, layers, context_size * _CACHE_BYTES_A_TOKEN)
    return -1 if not layers or fit >= layers else fit
