"""A person waits for the model: held while one generates or types, so that warming steps aside.

Each holder has a locked file of its own in one folder; the system releases the lock when the holder
dies, however it dies. So holding never waits for anybody, least of all for a process that looks and
then gets no processor. Where no file can be made, nobody ever seems to wait, and nothing fails.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.journal.lock import FileLock

_LOOK_S = 0.05
_SUFFIX = ".busy"


class Busy:
    """One holder, or one who looks; `folder` None: nobody to tell, and nobody waits."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: tuple[FileLock, Path] | None = None
        self._looked = 0.0

    def hold(self) -> None:
        """From now on a person waits; held until `release`, or until this process ends."""
        if self._folder is None or self._held:
            return
        marker = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        hidden = marker if os.name == "nt" else marker.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(hidden)
            if lock.try_acquire():
                self._held = lock, marker
                os.replace(hidden, marker)  # the lock comes first: a marker that can be seen is held

    def release(self) -> None:
        if self._held:
            lock, marker = self._held
            self._held = None
            if os.name == "nt":  # which removes no open file
                lock.release()
            with contextlib.suppress(OSError):
                marker.unlink()
            if os.name != "nt":
                lock.release()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.hold()
        try:
            yield
        finally:
            self.release()

    def somebody(self) -> bool:
        """Whether somebody else holds it now. Removes what dead holders left."""
        if self._folder is None:
            return False
        mine = self._held and self._held[1]
        return any(_alive(marker) for marker in self._folder.glob(f"*{_SUFFIX}") if marker != mine)

    def somebody_lately(self) -> bool:
        """As `somebody`, but asked as often as one likes: it looks twenty times a second at most."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return False
        self._looked = now
        return self.somebody()


def _alive(marker: Path) -> bool:
    lock = FileLock(marker)
    try:
        if not marker.exists() or not lock.try_acquire():
            return marker.exists()
    except OSError:
        return False
    lock.release()
    with contextlib.suppress(OSError):
        marker.unlink()
    return False
