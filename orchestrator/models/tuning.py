"""How llama.cpp runs a model on this machine: what was measured once, and what is chosen from it. Pure,
but for the file that keeps it.

Kept for one machine, model file and build; when any of these changes, it no longer counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from orchestrator import durable

CacheType = Literal["f16", "q8_0"]
PROMPT_TOKENS, ANSWER_TOKENS = 300, 80
"""A step of a session with a warm prefix: what is read anew, and what is written."""
_CLEARLY_BETTER = 1.05
_COARSER_PAYS = 1.15
_GPU_SPARE = 0.9
"""Share of the free memory of a GPU that may be used: the rest is for buffers of the computation."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """`chunk` is llama.cpp's batch in tokens. `flash` is flash attention. `cache` is the KV cache's type;
    a coarser one needs flash attention. `gpu_layers` None: as the settings and the engine say."""

    generation: int
    prefill: int
    chunk: int = 64
    flash: bool = False
    cache: CacheType = "f16"
    gpu_layers: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A tuning with its speeds, in tokens a second."""

    tuning: Tuning
    prefill: float
    generation: float

    @property
    def seconds(self) -> float:
        """What a step of a session takes."""
        return PROMPT_TOKENS / self.prefill + ANSWER_TOKENS / self.generation


def best(measured: Sequence[Measured]) -> Measured:
    """The quickest; the first, which is how it runs untuned, unless another is clearly quicker.

    A coarser cache loses a little of the model's quality, so it has to pay more.
    """
    chosen = measured[0]
    for one in measured[1:]:
        needed = _COARSER_PAYS if one.tuning.cache != chosen.tuning.cache == "f16" else _CLEARLY_BETTER
        if chosen.seconds > one.seconds * needed:
            chosen = one
    return chosen


def variants(base: Tuning, *, gpu: bool) -> list[Tuning]:
    """What is tried besides `base`: one thing changed at a time, then the coarser cache."""
    chunks = (256, 512) if not gpu else (256, 1024)
    tried = [replace(base, chunk=chunk) for chunk in chunks]
    tried.append(replace(base, flash=not base.flash))
    tried.append(replace(base, flash=True, cache="q8_0"))
    return tried


def layers_that_fit(free: int, model_bytes: int, layers: int, cache_bytes: int) -> int:
    """How many of the model's layers go on a GPU with `free` bytes, each with its share of the cache."""
    if layers <= 0 or model_bytes <= 0:
        return 0
    each = (model_bytes + cache_bytes) / layers
    return max(0, min(layers, int(free * _GPU_SPARE / each)))


def machine(cores: int, build: str, gpus: str = "") -> str:
    """Names what the speeds depend on: processor, cores, llama.cpp's build, GPUs."""
    return " | ".join((_processor(), platform.machine(), f"{cores} cores", build, gpus)).strip(" |")


def kept(file: Path, model_hash: str, here: str | None = None) -> Tuning | None:
    """What was kept for this model, unless it was measured on another machine than `here`."""
    entry = _read(file).get(model_hash)
    if not isinstance(entry, dict) or (here is not None and entry.get("machine") != here):
        return None
    match entry.get("tuning"):
        case {
            "generation": int(generation),
            "prefill": int(prefill),
            "chunk": int(chunk),
            "flash": bool(flash),
            "cache": str(cache),
            "gpu_layers": int() | None as layers,
        } if (
            cache in get_args(CacheType) and min(generation, prefill, chunk) > 0 and (flash or cache == "f16")
        ):
            return Tuning(generation, prefill, min(chunk, 4096), flash, cache, layers)  # type: ignore[arg-type]
    return None


def keep(file: Path, model_hash: str, here: str, chosen: Measured, before: Measured) -> None:
    """Remember it. Where that is not possible, sessions run untuned."""
    entry = {
        "machine": here,
        "tuning": asdict(chosen.tuning),
        "after": [round(chosen.prefill, 1), round(chosen.generation, 1)],
        "before": [round(before.prefill, 1), round(before.generation, 1)],
    }
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(file, json.dumps({**_read(file), model_hash: entry}, indent=1).encode(), mode=0o600)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(durable.read(file))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _processor() -> str:
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^(?:model name|Hardware|Model)\s*:\s*(.+)$", text, re.MULTILINE):
            return found[1].strip()
    return platform.processor() or os.environ.get("PROCESSOR_IDENTIFIER", "")
