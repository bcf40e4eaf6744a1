"""Work that nobody waits for: a process of its own that goes last and outlives who started it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_NICEST = 19
_started: list[subprocess.Popen[bytes]] = []
"""Those that may still run: one that is forgotten stays a zombie until its parent ends."""
_AUTOGROUP = Path("/proc/self/autogroup")
_WINDOWS = 0x00000040 | 0x00000008 | 0x00000200  # idle priority, detached, a process group of its own


def start(arguments: Sequence[str], folder: Path) -> None:
    """Start `orch ARGUMENTS` in `folder`, without a terminal; returns at once, and never fails.

    `-P` keeps the current folder, which may be anyone's, off the import path.
    """
    command = [sys.executable, "-P", "-m", "orchestrator.cli", *arguments]
    with contextlib.suppress(OSError, ValueError):
        _started[:] = [process for process in _started if process.poll() is None]
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
            creationflags=_WINDOWS if os.name == "nt" else 0,
        )
        _started.append(process)


def step_aside() -> None:
    """From now on this process, and those it starts, run only where nobody else wants to."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICEST)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # Linux
    with contextlib.suppress(OSError):  # there each session is a group, and all groups get the same share
        _AUTOGROUP.write_text(str(_NICEST))
