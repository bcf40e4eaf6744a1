"""Control groups: limits on memory and processes that hold for root too, where this user may make one.

Version 2 below our own group or beside it (systemd gives a user that much), version 1 as containers have
it. A command's helper makes its group and enters it; `sweep` removes those that became empty.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROCESSES = 1024
SHARES, WEIGHT = 512, 50
"""Of the processor, where others have 1,024 and 100: a fork bomb that begins a session in each process has
as many shares as processes otherwise, and whoever is to stop it waits for minutes."""
MAY_LACK = ("memory.swap.max", "memory.oom.group", "cpu.weight")
"""Files that a kernel without swap accounting, or an old one, does not have."""
_PREFIX = "orch-"
_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of the cgroup file system in which groups can be made, and what is set in each."""

    folder: Path
    values: tuple[tuple[str, str], ...]
    version: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group to be made: its folder, and what to write into which of its files."""

    path: str
    values: tuple[tuple[str, str], ...]


@cache
def places() -> tuple[Place, ...]:
    """Where groups that limit memory, processes and processor can be made: none, one (version 2) or three."""
    try:
        mounts = (_PROC / "mountinfo").read_text(encoding="utf-8")
        own = (_PROC / "cgroup").read_text(encoding="utf-8")
    except OSError:
        return ()
    return find(mounts, own, memory_limit())


def memory_limit() -> int:
    """Bytes that a command and all its processes may use: four fifths of what the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 8 // 10


def find(mounts: str, own: str, memory: int) -> tuple[Place, ...]:
    """The places, from the text of `/proc/self/mountinfo` and `/proc/self/cgroup`; each is tried."""
    paths = {
        name: path
        for line in own.splitlines()
        for number, names, path in [line.split(":", 2)]
        for name in (names.split(",") if names else ["v2"])
    }
    found: dict[str, Place] = {}
    for kind, folder, root, options in _mounted(mounts):
        if kind == "cgroup2" and "v2" in paths:
            here = _below(folder, root, paths["v2"])
            values = (
                ("memory.max", str(memory)),
                ("memory.swap.max", "0"),
                ("memory.oom.group", "1"),
                ("pids.max", str(PROCESSES)),
                ("cpu.weight", str(WEIGHT)),
            )
            for candidate in (here, here.parent):
                place = Place(candidate, values, 2)
                if candidate.is_relative_to(folder) and _works(place, {"memory.max", "pids.max"}):
                    return (place,)
        elif kind == "cgroup":
            for controller, file, value in (
                ("memory", "memory.limit_in_bytes", memory),
                ("pids", "pids.max", PROCESSES),
                ("cpu", "cpu.shares", SHARES),
            ):
                if controller in options and controller in paths:
                    place = Place(_below(folder, root, paths[controller]), ((file, str(value)),), 1)
                    if _works(place, {file}):
                        found[controller] = place
    return tuple(found.values()) if {"memory", "pids"} & found.keys() else ()


def groups() -> list[Group]:
    """One command's groups: paths that nobody has used before, and what to write in each."""
    name = f"{_PREFIX}{uuid.uuid4().hex}"
    return [Group(str(place.folder / name), place.values) for place in places()]


def sweep() -> None:
    """Remove the groups whose processes are all gone; a group in use cannot be removed."""
    for place in places():
        for folder in place.folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _mounted(mounts: str) -> Iterator[tuple[str, Path, str, set[str]]]:
    """(kind, mount point, root within the file system, options of the file system)"""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, behind = before.split(), after.split()
        if len(fields) > 4 and len(behind) > 2:
            yield behind[0], Path(fields[4]), fields[3], set(behind[2].split(","))


def _below(folder: Path, root: str, path: str) -> Path:
    inside = path[len(root) :] if root != "/" and path.startswith(root) else path
    return folder / inside.lstrip("/")


def _works(place: Place, needed: set[str]) -> bool:
    """A group made there has the limits. A file of version 2 may be missing (no swap): it is left out."""
    probe = place.folder / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        return all(os.access(probe / name, os.W_OK) for name in {*needed, "cgroup.procs"})
    finally:
        with contextlib.suppress(OSError):
            probe.rmdir()
