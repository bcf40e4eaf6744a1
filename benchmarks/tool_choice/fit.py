"""Fits `orchestrator/context/first_call.bin` to the prompts in `training/`, and says how well it does.

    python benchmarks/tool_choice/fit.py

Logistic regression over hashed features, by AdaGrad with a fixed seed: seconds on one core, and the
same bytes each time on one machine. Nothing is learned from `development.jsonl` and
`validation.jsonl`, which the result is tried on.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from orchestrator.context import first_call
from orchestrator.context.first_call import BUCKETS, NAMES, SCALE, WEIGHTS, features

HERE = Path(__file__).resolve().parent
EPOCHS, RATE = 25, 0.3

Prompts = Sequence[tuple[str, str]]
"""The name of the call, and the prompt."""


def training() -> Prompts:
    rows = []
    for path in sorted((HERE / "training").glob("*.jsonl")):
        rows += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(row["tool"], row["prompt"]) for row in rows]


def fit(prompts: Prompts) -> npt.NDArray[np.float64]:
    """Weights, one row a name, one column a bucket."""
    weights = np.zeros((BUCKETS, len(NAMES)))
    seen = np.full_like(weights, 1e-6)  # squares of the gradients so far
    rows = [np.array(sorted(features(prompt))) for _, prompt in prompts]
    wanted = [NAMES.index(name) for name, _ in prompts]
    order = np.random.default_rng(0)
    for _ in range(EPOCHS):
        for number in order.permutation(len(rows)):
            row = rows[number]
            share = 1 / np.sqrt(len(row))
            chances = np.exp(share * weights[row].sum(axis=0))
            chances /= chances.sum()
            chances[wanted[number]] -= 1
            gradient = share * chances
            seen[row] += gradient * gradient
            weights[row] -= RATE * gradient / np.sqrt(seen[row])
    return weights.T


def packed(weights: npt.NDArray[np.float64]) -> bytes:
    """As `first_call` reads them."""
    whole = np.clip(np.round(weights / SCALE), -127, 127).astype(np.int8)
    return zlib.compress(whole.tobytes(), 9)


def right(rows: Sequence[dict[str, object]]) -> float:
    """Share of prompts for which the classifier alone would call one of those expected."""
    hits = 0
    for row in rows:
        chances = first_call.prior(str(row["prompt"]))
        hits += max(chances, key=chances.__getitem__) in row["expected"]  # type: ignore[operator]
    return hits / len(rows)


def main() -> None:
    prompts = training()
    WEIGHTS.write_bytes(packed(fit(prompts)))
    print(f"{len(prompts)} prompts, {WEIGHTS.stat().st_size:,} bytes: {WEIGHTS}")
    for name in ("development", "validation"):
        lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        print(f"{name}: {right([json.loads(line) for line in lines]):.1%} by its words alone")


if __name__ == "__main__":
    main()
