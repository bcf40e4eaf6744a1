"""A person waits for the model: held while one generates or types, so that warming steps aside.

One lock file a node, shared by any number of holders; the system releases it when a holder dies,
however it dies. Where it cannot be made, nobody ever seems to wait, and nothing fails.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_AGAIN_S = 0.002  # two who look at the same moment are in each other's way, but not twice
_LOOK_S = 0.05
_BYTES = 4096  # Windows has no shared locks: each holder locks a byte of its own

if sys.platform == "win32":
    import msvcrt

    def _share(handle: int) -> None:
        os.lseek(handle, os.getpid() % _BYTES, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _alone(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, _BYTES)

else:
    import fcntl

    def _share(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_SH)  # waits for no longer than somebody looks

    def _alone(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Busy:
    """The node's lock; `path` None: nobody to tell, and nobody waits."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._handle = -1
        self._looked = 0.0

    def hold(self) -> None:
        """From now on a person waits; held until `release`, or until this process ends."""
        if self._handle < 0:
            with contextlib.suppress(OSError):
                self._handle = self._open()
                _share(self._handle)

    def release(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.hold()
        try:
            yield
        finally:
            self.release()

    def somebody(self) -> bool:
        """Whether somebody else holds it now."""
        if self._someone():
            time.sleep(_AGAIN_S)
            return self._someone()
        return False

    def somebody_lately(self) -> bool:
        """As `somebody`, but asked as often as one likes: it looks twenty times a second at most."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return False
        self._looked = now
        return self.somebody()

    def _someone(self) -> bool:
        try:
            handle = self._open()
        except OSError:
            return False
        try:
            _alone(handle)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def _open(self) -> int:
        if self._path is None:
            raise FileNotFoundError
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
