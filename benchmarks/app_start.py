"""`orch` to its first interactive frame, against an empty Textual app. Budget: 2 ×.

    python benchmarks/app_start.py [--rounds 10]

Both run in a pseudo terminal of 120 × 40 and alternate. A frame is interactive when the prompt is on
the screen and a character typed there has been echoed. The median of each counts. The model is scripted:
the first frame never waits for one. Exit code 1 above the budget.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from in_pty.program import Program
from in_pty.scene import EMPTY_PROMPT, PROMPT, Scene

BUDGET = 2.0
TYPED = "§"  # stands nowhere else on the screen


def seconds_to(program: Program, prompt: str) -> tuple[float, float]:
    """From the start of the program to its prompt, and to the echo of what is typed there."""
    with program:
        shown = program.wait_for(prompt)
        program.send(TYPED)
        echoed = program.wait_for(TYPED)
    return shown - program.started, echoed - program.started


def measure(scene: Scene, rounds: int) -> float:
    ours, theirs = [], []
    for number in range(rounds + 1):  # the first one compiles
        pair = seconds_to(scene.orch(), PROMPT), seconds_to(scene.empty_app(), EMPTY_PROMPT)
        print("  ".join(f"prompt {shown:.3f} s, echo {echoed:.3f} s" for shown, echoed in pair), flush=True)
        if number:
            ours.append(pair[0][1])
            theirs.append(pair[1][1])
    mine, empty = statistics.median(ours), statistics.median(theirs)
    print(f"orch {mine:.3f} s, empty app {empty:.3f} s: {mine / empty:.2f} × (budget {BUDGET:.0f} ×)")
    return mine / empty


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        scene.configure(scene.scripted({"answer": "Yes."}))
        return 0 if measure(scene, options.rounds) <= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
