"""Completion of `@files`: the longest stall of the event loop, while files are gathered and ranked.

    python benchmarks/completion.py [--files 100000] [--rounds 5]

Real files in a temporary folder; the query is typed letter by letter, every 80 ms, and a new letter
cancels the ranking of the last, as in the app. A stall is how much later than asked a sleep of one
millisecond ends. Idle and busy rounds alternate; of each the best round counts, since on a busy machine
the others measure the scheduler. Exit code 1 when ranking stalls the loop longer than idling does, by
more than the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from orchestrator.tui.file_index import FileIndex
from orchestrator.tui.fuzzy import Ranker

BUDGET_MS = 10.0
TYPED = ("prompt", "tuwp", "xq", "config/m", "ViewModel")
KEY_S = 0.08
WORDS = (
    "app",
    "main",
    "test",
    "util",
    "config",
    "model",
    "view",
    "index",
    "query",
    "prompt",
    "widget",
    "hub",
)
ENDINGS = (".py", ".ts", ".md", ".rs")


def make(root: Path, count: int) -> None:
    draw = random.Random(7)
    folders = ["/".join(draw.choices(WORDS, k=draw.randint(1, 5))) for _ in range(count // 50)]
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = "_".join(draw.choices(WORDS, k=2)) + str(number) + draw.choice(ENDINGS)
        (root / draw.choice(folders) / name).touch()


async def longest_stall(work: Awaitable[object]) -> float:
    """Milliseconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    ticking = asyncio.create_task(tick())
    await work
    ticking.cancel()
    return longest * 1000


async def type_all(index: FileIndex, took: list[float]) -> None:
    ranker = Ranker()
    for word in TYPED:
        task: asyncio.Task[None] | None = None
        for end in range(len(word) + 1):
            if task:
                task.cancel()
            task = asyncio.create_task(rank(ranker, word[:end], index, took))
            await asyncio.sleep(KEY_S)
        assert task
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rank(ranker: Ranker, query: str, index: FileIndex, took: list[float]) -> None:
    start = time.perf_counter()
    await ranker.rank(query, index.blocks)
    took.append((time.perf_counter() - start) * 1000)


async def measure(root: Path, rounds: int) -> int:
    idle, gathering, ranking = [], [], []
    took: list[float] = []
    keys = sum(len(word) + 1 for word in TYPED)
    for _ in range(rounds):
        index = FileIndex(root)
        idle.append(await longest_stall(asyncio.sleep(keys * KEY_S)))
        start = time.perf_counter()
        gathering.append(await longest_stall(index.refresh()))
        gathered_s = time.perf_counter() - start
        ranking.append(await longest_stall(type_all(index, took)))
    took.sort()
    print(f"{index.count:,} files, gathered in {gathered_s:.2f} s")
    print(f"{len(took)} of {keys * rounds} rankings were not overtaken: median {took[len(took) // 2]:.0f} ms")
    print(f"longest stall: idle {min(idle):.1f} ms, gathering {min(gathering):.1f} ms", end=", ")
    more, ratio = min(ranking) - min(idle), min(ranking) / min(idle)
    print(
        f"ranking {min(ranking):.1f} ms: {more:.1f} ms more, {ratio:.1f} × (budget {BUDGET_MS:.0f} ms more)"
    )
    return 0 if more <= BUDGET_MS else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.files)
        return asyncio.run(measure(Path(folder), options.rounds))


if __name__ == "__main__":
    sys.exit(main())
