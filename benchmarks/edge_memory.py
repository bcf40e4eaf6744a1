"""Memory of `orch edge` after an answer, the model in its worker. Budget: 60 MB (10⁶ bytes).

    python benchmarks/edge_memory.py [--model qwen2.5-coder-0.5b] [--models FOLDER]

Resident memory of `orch edge` in a pseudo terminal, once on a scripted model and once on a real one from the
folder of models, beside a bare Python. Once more with a peer that cannot be reached, so that the client
is loaded. What the worker takes is the model's and does not count. Exit code 1 above the budget. Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from in_pty.scene import Scene

from orchestrator.paths import Home, home
from orchestrator.workspaces.peers import Peer, Peers

BUDGET = 60e6
SETTLE_S = 1.0
PROMPT = "›"


def bare() -> int:
    """Of a Python that does nothing."""
    script = "print(open('/proc/self/status').read())"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return int(told.split("VmRSS:")[1].split()[0]) * 1024


def after_an_answer(scene: Scene, model: str) -> int:
    scene.configure(model)
    with scene.orch("edge") as program:
        program.wait_for(PROMPT)
        program.send("Say hello.\r")
        program.wait(lambda text: "answers here" in text and text.count(PROMPT) > 1)
        program.read_for(SETTLE_S)
        return program.rss_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--models", type=Path, default=home().models)
    options = parser.parse_args()
    beside, worst = bare(), 0
    print(f"bare Python: {beside / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), options.models)
        scripted = scene.scripted({"answer": "Hello."})
        for name, model in (
            ("scripted", scripted),
            ("with a peer", scripted),
            (options.model, options.model),
        ):
            if name == "with a peer":
                Peers(Home(scene.home)).add(Peer("desk", "http://127.0.0.1:9", "0" * 32, "token"))
            taken = after_an_answer(scene, model)
            print(
                f"{name}: {taken / 1e6:.1f} MB, {taken / beside:.2f} × a bare Python"
                f" (budget {BUDGET / 1e6:.0f} MB)"
            )
            worst = max(worst, taken)
    return 0 if worst <= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
