"""What this test process holds: a test leaves no more than it found, whatever others left before it."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """Open files as (number, what it is), and process ids of children, dead ones that nobody collected too.

    Known on Linux; elsewhere nothing is.
    """

    files: frozenset[tuple[int, str]]
    children: frozenset[int]

    @classmethod
    def before(cls) -> Held:
        """Before a test: what earlier ones dropped without closing it is no longer there."""
        gc.collect()
        return cls.now()

    @classmethod
    def now(cls) -> Held:
        return cls(frozenset(_files()), frozenset(_children()))

    def more_than(self, before: Held) -> list[str]:
        """What has been added, to read in a failed assertion."""
        files = [f"{number}: {what}" for number, what in sorted(self.files - before.files)]
        return files + [f"child {pid}" for pid in sorted(self.children - before.children)]


def _files() -> list[tuple[int, str]]:
    if sys.platform != "linux":
        return []
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            found.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
    return found


def _children() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            if parent == os.getpid():
                found.append(int(path.parent.name))
    return found
