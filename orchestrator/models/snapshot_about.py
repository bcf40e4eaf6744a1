"""What people want to know of snapshots: whose they are, how large, how old, how often they served.

Kept beside them in `OWNER.json`, without locks or sync: a count that is lost now and then hurts
nobody, and nothing but `orch model snapshots` reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator import durable

_COUNT_AT = 20  # of the ids, behind magic, size and CRC
_BASE = "base"


@dataclass(frozen=True, slots=True)
class Kept:
    """One snapshot on disk. `made` and `used` are seconds since 1970; `name` is what `rm` takes."""

    name: str
    model: str
    project: str
    """The project's folder; empty for a base."""
    tokens: int
    bytes: int
    made: float
    used: float
    hits: int
    path: Path


def made(space: Path, owner: str, model: str, project: str) -> None:
    """Note whose snapshot was saved now; its hits go on from those of the one before."""
    _write(space / f"{owner}.json", _read(space / f"{owner}.json") | {"model": model, "project": project})


def hit(space: Path, owner: str) -> None:
    path = space / f"{owner}.json"
    about = _read(path)
    _write(path, about | {"hits": _hits(about) + 1})


def listing(folder: Path) -> list[Kept]:
    """All snapshots under `folder`, newest use first."""
    found = sorted(_found(folder), key=lambda kept: kept.used, reverse=True)
    taken: dict[str, int] = {}
    named = []
    for kept in found:
        count = taken[kept.name] = taken.get(kept.name, 0) + 1
        unique = kept.name if count == 1 else f"{kept.name}#{count}"
        named.append(Kept(unique, *(getattr(kept, field) for field in Kept.__slots__[1:])))
    return named


def remove(kept: Kept) -> None:
    """Delete one snapshot; a file that is gone already is none. Raises `OSError`."""
    for path in (kept.path, kept.path.with_suffix(".ids")):
        path.unlink(missing_ok=True)
    owner = kept.path.name.partition(".")[0]
    if not any(kept.path.parent.glob(f"{owner}.*.kv")):
        (kept.path.parent / f"{owner}.json").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the last one of its model and build
        kept.path.parent.rmdir()


def _found(folder: Path) -> Iterator[Kept]:
    for path in folder.glob("*/*.kv"):
        owner = path.name.partition(".")[0]
        try:
            status = path.stat()
            ids = path.with_suffix(".ids").stat()
            (tokens,) = struct.unpack_from("<I", durable.read(path.with_suffix(".ids"), 24), _COUNT_AT)
        except (OSError, struct.error):
            continue
        about = _read(path.with_name(f"{owner}.json"))
        model, project = str(about.get("model") or "unknown"), str(about.get("project") or "")
        short = _BASE if owner == _BASE else Path(project).name or owner
        yield Kept(
            name=f"{model}/{short}",
            model=model,
            project=project,
            tokens=tokens,
            bytes=status.st_size + ids.st_size,
            made=ids.st_mtime,
            used=status.st_mtime,
            hits=_hits(about),
            path=path,
        )


def _hits(about: dict[str, Any]) -> int:
    hits = about.get("hits")
    return hits if isinstance(hits, int) else 0


def _read(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(durable.read(path, 1 << 16))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _write(path: Path, about: dict[str, Any]) -> None:
    temporary = path.with_name(f"tmp-{os.getpid()}-{time.monotonic_ns()}")
    with contextlib.suppress(OSError):
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(about, file)
        os.replace(temporary, path)
