"""Noticing that somebody changed a project's documents, while the app is open."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

SETTLED_S = 3.0
"""An editor saves in several steps, and a person more than once."""
_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


@contextlib.contextmanager
def watched(
    paths: Sequence[Path], changed: Callable[[], None], settled: float | None = None
) -> Iterator[None]:
    """Call `changed`, in another thread, once `paths` were written to and `settled` seconds passed.

    Where the system cannot watch (no inotify left), nothing is noticed and nothing fails.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    names = {str(path) for path in paths}

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in _CHANGES and names & {str(event.src_path), str(event.dest_path)}:
                waiting.start()

    waiting = _Settling(changed, SETTLED_S if settled is None else settled)
    observer = Observer()
    try:
        for folder in {path.parent for path in paths}:
            observer.schedule(Handler(), str(folder), recursive=False)
        observer.start()
    except OSError:
        observer.unschedule_all()
    try:
        yield
    finally:
        waiting.stop()
        with contextlib.suppress(RuntimeError):  # it never started
            observer.stop()
            observer.join()


class _Settling:
    """A timer that begins anew with each start."""

    def __init__(self, then: Callable[[], None], seconds: float) -> None:
        self._then = then
        self._seconds = seconds
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        with self._lock:
            self._cancel()
            self._timer = threading.Timer(self._seconds, self._then)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        with self._lock:
            self._cancel()

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
