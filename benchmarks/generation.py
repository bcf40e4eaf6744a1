"""Generation speed: the backend, with and without a grammar, against raw llama-cpp-python.

    python benchmarks/generation.py [MODEL.gguf] [--tokens 96] [--rounds 5] [--threads N]

Same model, prompt, threads and number of tokens; greedy; the runs alternate, so that a busy machine
slows all three. Tokens per second run from the first token to the last: in the worker, which sends
each one to the app before it computes the next, and as `Llama.generate` yields them. The ratio is
the median over the rounds; exit code 1 when one is below the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from orchestrator.models.chat_template import CHATML, segments
from orchestrator.models.dialects import ANSWER_SPEC
from orchestrator.models.llama import LlamaBackend
from orchestrator.models.threads import usable_cores
from orchestrator.paths import home
from orchestrator.types import Finish, GenerateRequest, Message, ToolSpec

BUDGET = 0.95
CONTEXT = 2048
ASKED = (
    Message("system", "You are a helpful assistant."),
    Message("user", "Write the numbers from one to two hundred in words, separated by commas."),
)


async def ours(backend: LlamaBackend, choices: tuple[ToolSpec, ...], tokens: int) -> float:
    """Tokens per second as the backend reports them."""
    async for item in backend.generate(GenerateRequest(ASKED, choices, max_tokens=tokens)):
        if isinstance(item, Finish):
            return item.usage.tokens_per_second
    raise RuntimeError("the backend gave no finish")


def raw(model: Any, prompt: list[int], tokens: int) -> float:
    """Tokens per second of llama-cpp-python's own greedy generation."""
    model.reset()
    first, count = 0.0, 0
    for _ in model.generate(prompt, temp=0.0, repeat_penalty=1.0):
        now = time.perf_counter()
        first, count = first or now, count + 1
        if count == tokens:
            break
    return (count - 1) / (now - first)


async def measure(path: Path, tokens: int, rounds: int, threads: int) -> list[dict[str, float]]:
    from llama_cpp import Llama

    model = Llama(str(path), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False)
    text = "".join(segment.text for part in segments(CHATML, ASKED) for segment in part)
    prompt = model.tokenize(text.encode(), add_bos=False, special=True)
    backend = LlamaBackend(
        "bench",
        path,
        context_size=CONTEXT,
        threads=threads,
        gpu_layers=0,
        snapshots=None,
        model_hash="bench",
    )
    runs = []
    try:
        await ours(backend, (), 8)
        raw(model, prompt, 8)
        for _ in range(rounds):
            runs.append(
                {
                    "raw": raw(model, prompt, tokens),
                    "ours": await ours(backend, (), tokens),
                    "grammar": await ours(backend, (ANSWER_SPEC,), tokens),
                }
            )
            print("  ".join(f"{name} {rate:6.2f} tokens/s" for name, rate in runs[-1].items()), flush=True)
    finally:
        await backend.close()
        model.close()
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    small = home().models / "qwen2.5-coder-0.5b.gguf"
    parser.add_argument("model", type=Path, nargs="?", default=small)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=usable_cores())
    given = parser.parse_args()
    runs = asyncio.run(measure(given.model, given.tokens, given.rounds, given.threads))
    worst = float("inf")
    for name in ("ours", "grammar"):
        ratio = statistics.median(run[name] / run["raw"] for run in runs)
        worst = min(worst, ratio)
        print(f"{name} / raw: {ratio:.3f} (budget {BUDGET})")
    return 0 if worst >= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
