"""`orch --version` against `python -c "import typer"`, alternating in one run. Budget: 1.5 ×."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
BUDGET = 1.5


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    ours = [str(Path(sys.executable).with_name("orch")), "--version"]
    theirs = [sys.executable, "-c", "import typer"]
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    best = min(a for a, _ in pairs), min(b for _, b in pairs)
    ratio = best[0] / best[1]
    print(f"orch --version {best[0]:.3f} s, import typer {best[1]:.3f} s: {ratio:.2f} × (budget {BUDGET} ×)")
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
