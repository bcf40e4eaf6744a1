"""What this machine has free: memory and disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

from orchestrator.errors import DownloadError


def free_memory() -> int | None:
    """Bytes that a new process could use without swapping; None where that cannot be told."""
    with contextlib.suppress(OSError, ValueError, AttributeError, KeyError):
        if sys.platform.startswith("linux"):
            return min(_available(Path("/proc/meminfo")), _cgroup_left(Path("/sys/fs/cgroup")))
        if sys.platform == "win32":
            return _windows_available()
        # macOS gives no count of what it would give up, so half of what is built in stands for it.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return None


def room(folder: Path, need: int, what: str) -> None:
    """Raise `DownloadError`, with the amount that is missing, unless `need` bytes are free."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise DownloadError(
            f"{what} needs {size_text(need)} in {folder}, and {size_text(free)} are free.",
            f"Free {size_text(need - free)} more, or set ORCH_HOME to another disk.",
        )


def size_text(count: int) -> str:
    """`4.7 GB`, `491 MB`, `12 bytes` (decimal units)."""
    if count >= 10**9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 10**6 else f"{count:,} bytes"


def _available(meminfo: Path) -> int:
    lines = (line.split(":") for line in meminfo.read_text(encoding="ascii").splitlines())
    table = {name: value for name, value in lines}
    return int(table["MemAvailable"].split()[0]) * 1024


def _cgroup_left(group: Path) -> int:
    """What a container's limit leaves (cgroup v2); without a limit, more than any machine has."""
    with contextlib.suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        return max(0, limit - int((group / "memory.current").read_text(encoding="ascii")))
    return sys.maxsize


def _windows_available() -> int:
    import ctypes

    class MemoryStatus(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in ("total", "available", "page", "page_free", "virtual", "virtual_free", "extended")
            ),
        )

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
        raise OSError("GlobalMemoryStatusEx failed")
    return int(status.available)
