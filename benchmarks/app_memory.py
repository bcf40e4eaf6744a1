"""Memory of the app's process after an answer, the model in its worker. Budget: 90 MB (10⁶ bytes).

    python benchmarks/app_memory.py [--model qwen2.5-coder-0.5b] [--models FOLDER]

Resident memory of `orch` in a pseudo terminal of 120 × 40, once on a scripted model and once on a real
one from the folder of models (as a rule that of this node's home), beside an empty Textual app. What the
worker takes is the model's and does not count. Exit code 1 above the budget. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from in_pty.scene import EMPTY_PROMPT, PROMPT, Scene

from orchestrator.paths import home

BUDGET = 90e6
SETTLE_S = 2.0
TOLD = "`charge` in `quota.py`:\n\n```python\ndef charge(account, amount):\n    account.left -= amount\n```\n"
RATES = "tok/s"
"""Stands above an answer that is whole."""


def empty(scene: Scene) -> int:
    with scene.empty_app() as program:
        program.wait_for(EMPTY_PROMPT)
        program.send("Hello")
        program.read_for(SETTLE_S)
        return program.rss_bytes()


def after_an_answer(scene: Scene, model: str) -> int:
    scene.configure(model)
    with scene.orch() as program:
        program.wait_for(PROMPT)
        program.send("Say hello.\r")
        program.wait_for(RATES)
        program.read_for(SETTLE_S)
        return program.rss_bytes()


def shown(name: str, bytes_: int, beside: int) -> None:
    ratio = bytes_ / beside
    print(f"{name}: {bytes_ / 1e6:.1f} MB, {ratio:.2f} × an empty app (budget {BUDGET / 1e6:.0f} MB)")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--models", type=Path, default=home().models)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), options.models)
        beside = empty(scene)
        print(f"empty app: {beside / 1e6:.1f} MB")
        worst = 0
        for model in (scene.scripted({"answer": TOLD}), options.model):
            taken = after_an_answer(scene, model)
            shown(model.partition(":")[0], taken, beside)
            worst = max(worst, taken)
    return 0 if worst <= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
