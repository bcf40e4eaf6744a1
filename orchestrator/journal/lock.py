"""A lock between processes on a file, released by the operating system when its holder dies.

The library `filelock` does the same and more, and takes 50 ms to import; this takes none.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from types import TracebackType

from orchestrator.errors import JournalError

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Exclusive, not re-entrant. Every use opens the file anew, so threads and forks exclude each
    other as well. Raises `JournalError` after `timeout` seconds."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self._path = path
        self._timeout = timeout
        self._handle = -1

    def __enter__(self) -> FileLock:
        deadline = time.monotonic() + self._timeout
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise JournalError(
                    f"{self._path} was held by another process for {self._timeout:.0f} seconds.",
                    "End the other orch, then try again.",
                )
            time.sleep(random.uniform(0.0005, 0.005))
        return self

    def try_acquire(self) -> bool:
        """Whether the lock is now ours. Raises `OSError` where the file cannot be made."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        os.close(self._handle)
        self._handle = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
