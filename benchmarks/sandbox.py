"""What a sandbox costs a command: each tier against the same command without one, side by side.

    python benchmarks/sandbox.py [--rounds 30]

The command is `bash -c true`, started as the shell tool starts it. Rounds alternate between the ways, and
the quickest of each counts, since what else the machine does only ever slows it down; the medians stand
beside. The budget is 60 ms more than bare.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from orchestrator.tools.command import Commands
from orchestrator.tools.sandbox import TIERS, NoSandbox, Sandbox, tried
from orchestrator.tools.shell_line import shell_argv

BUDGET_MS = 60


async def once(commands: Commands) -> float:
    """Milliseconds of one command, from the call to its result."""
    start = time.perf_counter()
    result = await commands.run(shell_argv("true"), lambda piece: None)
    assert result.ok, result.text
    return (time.perf_counter() - start) * 1000


async def measure(ways: dict[str, Sandbox], project: Path, rounds: int) -> dict[str, list[float]]:
    commands = {name: Commands(project, sandbox, 60) for name, sandbox in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, one in commands.items():
            times[name].append(await once(one))
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    ways: dict[str, Sandbox] = {"bare": NoSandbox("")}
    for tier in TIERS:
        sandbox = tried(tier)
        if sandbox.tier == tier:
            ways[tier] = sandbox
        else:
            print(f"{tier:<9} not here: {sandbox.reason}")
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(measure(ways, Path(folder), given.rounds))
    bare = min(times["bare"])
    failed = False
    for name, taken in times.items():
        more = min(taken) - bare
        failed |= more > BUDGET_MS
        print(
            f"{name:<9} {statistics.median(taken):6.1f} ms, best {min(taken):6.1f}"
            + (f", +{more:.1f} ms, {min(taken) / bare:.1f} × bare" if name != "bare" else "")
        )
    print(f"budget: +{BUDGET_MS} ms: {'EXCEEDED' if failed else 'kept'}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
