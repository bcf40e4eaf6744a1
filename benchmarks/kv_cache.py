"""Flash attention and a quantised KV cache against what the worker uses: f16, without flash attention.

    python benchmarks/kv_cache.py [MODEL.gguf] [--fill 512,2048] [--rounds 2] [--threads N]

For each setting: prefill and generation in tokens a second, bytes of a snapshot, and whether the
greedy tokens are those of the first one. The settings alternate, and the quickest round counts.
A quantised V needs flash attention, a quantised K does not.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as c

from orchestrator.models.llama_engine import Engine
from orchestrator.models.llama_worker import quiet_log
from orchestrator.models.threads import usable_cores
from orchestrator.paths import home

_F16, _Q8_0 = 1, 8  # GGML_TYPE_F16, GGML_TYPE_Q8_0
SETTINGS: dict[str, tuple[int, int, bool]] = {
    "f16": (_F16, _F16, False),
    "f16, flash": (_F16, _F16, True),
    "K q8_0": (_Q8_0, _F16, False),
    "K and V q8_0, flash": (_Q8_0, _Q8_0, True),
}
"""Types of K and V, and flash attention."""


def engine(path: Path, setting: tuple[int, int, bool]) -> Engine:
    class Set(Engine):
        def _params(self) -> Any:
            params = super()._params()
            params.type_k, params.type_v, flash = setting
            params.flash_attn_type = (
                c.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else c.LLAMA_FLASH_ATTN_TYPE_DISABLED
            )
            return params

    return Set(path, 4096, 0)


def run(made: Engine, fill: int, tokens: int) -> tuple[float, float, int, list[int]]:
    """Rates of prefill and generation, bytes of the state after prefill, and the greedy ids."""
    text = Path(__file__).with_name("tool_choice").joinpath("fixture.py").read_text(encoding="utf-8") * 8
    prompt = made.tokenize(text)[:fill]
    made.keep(0)
    start = time.perf_counter()
    while (at := len(made.ids)) < len(prompt):
        made.prefill(prompt[at : at + made.chunk], True)
    middle, size = time.perf_counter(), made.state_size()
    ids: list[int] = []
    begin = time.perf_counter()
    for _ in range(tokens):
        ids.append(int(made.logits().argmax()))
        made.append(ids[-1])
    return len(prompt) / (middle - start), tokens / (time.perf_counter() - begin), size, ids


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    small = home().models / "qwen2.5-coder-0.5b.gguf"
    parser.add_argument("model", type=Path, nargs="?", default=small)
    parser.add_argument("--fill", default="512,2048", help="tokens in the cache")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=usable_cores())
    given = parser.parse_args()
    quiet_log()
    engines = {name: engine(given.model, setting) for name, setting in SETTINGS.items()}
    for made in engines.values():
        made.set_threads(given.threads, given.threads)
    print(f"{'':<22}{'tokens':>7}{'prefill':>11}{'generation':>12}{'snapshot':>11}  greedy ids")
    for fill in map(int, given.fill.split(",")):
        rounds = [
            {name: run(made, fill, given.tokens) for name, made in engines.items()}
            for _ in range(given.rounds)
        ]
        expected = rounds[0]["f16"][3]
        for name in engines:
            prefill, generation = (max(one[name][i] for one in rounds) for i in (0, 1))
            _, _, size, ids = rounds[0][name]
            at = next((i for i, (a, b) in enumerate(zip(expected, ids, strict=True)) if a != b), None)
            said = "the same" if at is None else f"other from {at}"
            rates = f"{prefill:>7.1f} t/s{generation:>8.1f} t/s"
            print(f"{name:<22}{fill:>7,}{rates}{size / 1e6:>8.1f} MB  {said}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
