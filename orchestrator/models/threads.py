"""How many threads llama.cpp gets: measured once per machine and model file, then kept.

More is not always better: on a busy 2-core machine one thread generated 13 tokens/s and two 3.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator import durable

_CLEARLY_BETTER = 1.05  # a tie goes to fewer threads
_SECOND_ROUND_WITHIN_S = 2.0
_GIVE_UP_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second."""

    prefill: float
    generation: float


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads for generating (one token at a time) and for prefill (many at once)."""

    generation: int
    prefill: int


def calibrate(
    file: Path,
    key: str,
    measure: Callable[[int], Speed],
    *,
    cores: int | None = None,
    busy: bool | None = None,
) -> Threads:
    """What was kept in `file` for this `key` and number of cores, else measured now and kept.

    What was measured on a busy machine counts only until the machine is quiet.
    """
    cores = cores or usable_cores()
    busy = is_busy(cores) if busy is None else busy
    kept = _read(file)
    match kept.get(key):
        case {"cores": int(then), "busy": bool(was_busy), "generation": int(g), "prefill": int(p)}:
            if then == cores and (busy or not was_busy) and 0 < g <= cores and 0 < p <= cores:
                return Threads(g, p)
    chosen = choose(_measure_all(measure, candidates(cores)))
    _write(file, {**kept, key: {"cores": cores, "busy": busy, **asdict(chosen)}})
    return chosen


def kept(file: Path, key: str) -> Threads | None:
    """What `calibrate` has kept for this key, whatever the machine was like then."""
    match _read(file).get(key):
        case {"generation": int(generation), "prefill": int(prefill)} if min(generation, prefill) > 0:
            return Threads(generation, prefill)
    return None


def choose(speeds: dict[int, Speed]) -> Threads:
    """The fastest for each of the two; a few per cent do not justify another thread."""

    def best(rate: Callable[[Speed], float]) -> int:
        winner = min(speeds)
        for threads in sorted(speeds):
            if rate(speeds[threads]) > rate(speeds[winner]) * _CLEARLY_BETTER:
                winner = threads
        return winner

    return Threads(best(lambda speed: speed.generation), best(lambda speed: speed.prefill))


def candidates(cores: int) -> tuple[int, ...]:
    """1, 2, 4, … and all cores."""
    powers = [1 << bit for bit in range(cores.bit_length()) if 1 << bit < cores]
    return (*powers, cores)


def usable_cores() -> int:
    """Physical cores this process may use: affinity and container quota considered."""
    return max(1, min(_allowed_cpus(), _physical_cores(), _quota()))


def is_busy(cores: int) -> bool:
    """Whether others use more than a third of the cores."""
    try:
        return os.getloadavg()[0] > cores / 3
    except (AttributeError, OSError):  # Windows
        return False


def _measure_all(measure: Callable[[int], Speed], counts: tuple[int, ...]) -> dict[int, Speed]:
    """The better of two rounds each; one round where a round is slow."""
    measure(counts[0])  # the first run reads the weights from disk
    start = time.monotonic()
    speeds: dict[int, Speed] = {}
    for count in counts:
        speeds[count] = measure(count)
        if speeds[count].generation < _GIVE_UP_BELOW * max(s.generation for s in speeds.values()):
            break  # more threads than free cores: it only gets worse
    if time.monotonic() - start < _SECOND_ROUND_WITHIN_S:
        for count, first in speeds.items():
            again = measure(count)
            speeds[count] = Speed(max(first.prefill, again.prefill), max(first.generation, again.generation))
    return speeds


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(durable.read(file))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(file: Path, kept: dict[str, Any]) -> None:
    """Atomic; where it cannot be kept, it is measured again next time."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(file, json.dumps(kept, indent=1).encode(), mode=0o600)


def _allowed_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """CPUs of the cgroup's quota (v2), rounded; a thread beyond it only waits."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, round(int(limit) / int(period)))
    except (OSError, ValueError):
        return sys.maxsize


def _physical_cores() -> int:
    if sys.platform == "darwin":
        return _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu") or os.cpu_count() or 1
    if sys.platform == "win32":
        return max(1, (os.cpu_count() or 2) // 2)  # hyper-threading is the rule there
    siblings = set()
    for path in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list"):
        with contextlib.suppress(OSError):
            siblings.add(path.read_text(encoding="ascii").strip())
    return len(siblings) or os.cpu_count() or 1


def _sysctl(name: str) -> int:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=True, timeout=5)
        return int(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0
