"""Measures one tuning of one model: `python -m orchestrator.models.tune_worker`, one process a tuning.

A combination that llama.cpp cannot do ends this process and not the app. A JSON object comes on
stdin, {model, context_size, untuned, tuning}, of which `untuned` leaves all but the threads to the engine;
one goes to stdout, {prefill, generation, chunk, machine, gpu}.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from orchestrator.models.tuning import Tuning

_PREFILL = 256
_GENERATE = 24
_ROUNDS = 2


def main() -> int:
    asked = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever native code prints must not get into the answer
    from llama_cpp import llama_cpp as c

    from orchestrator.models.llama_engine import BadModel, Engine, NoRoom, here

    tuning = Tuning(**asked["tuning"])
    try:
        given = None if asked["untuned"] else tuning
        engine = Engine(Path(asked["model"]), asked["context_size"], -1, tuning=given)
    except (BadModel, NoRoom):
        return 1
    engine.set_threads(tuning.generation, tuning.prefill)
    rounds = [_speeds(engine) for _ in range(_ROUNDS)]
    found = {
        "prefill": max(prefill for prefill, _ in rounds),
        "generation": max(generation for _, generation in rounds),
        "chunk": engine.chunk,
        "machine": here(),
        "gpu": bool(c.llama_supports_gpu_offload()),
    }
    print(json.dumps(found), file=answers, flush=True)
    return 0


def _speeds(engine: object) -> tuple[float, float]:
    """Tokens a second of a prefill, and of the generation after it."""
    from orchestrator.models.llama_engine import Engine

    assert isinstance(engine, Engine)
    engine.keep(0)
    token = engine.tokenize("x")[0]
    start = time.perf_counter()
    for at in range(0, _PREFILL, engine.chunk):
        engine.prefill([token] * min(engine.chunk, _PREFILL - at), at + engine.chunk >= _PREFILL)
    engine.logits()
    middle = time.perf_counter()
    for _ in range(_GENERATE):
        engine.append(token)
        engine.logits()
    end = time.perf_counter()
    return _PREFILL / (middle - start), _GENERATE / (end - middle)


if __name__ == "__main__":
    sys.exit(main())
