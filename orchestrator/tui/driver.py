"""Textual's driver for a terminal that may go away."""

from __future__ import annotations

import contextlib
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class HangupDriver(LinuxDriver):
    """Outlives its terminal.

    Textual writes from a thread with a bounded queue. A write to a terminal that hung up raises, that
    thread ends, the queue fills, and the app would wait for room in it for ever, its session unwritten.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._file: Any = LossyFile(self._file)


class LossyFile:
    """A text file whose writes are lost where nobody can read them any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
