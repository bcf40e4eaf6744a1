"""A program in a pseudo terminal: its screen as pyte reads it, keys for it, its memory and CPU time.

A thread takes the output with its time, since pyte is slow: a full screen takes it longer than a frame.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import queue
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

PATIENCE_S = 120.0
"""A limit for a program that hangs, not a measurement."""
READ_BYTES = 65536
SWITCH_S = 0.0002
"""So long at most does the reading thread wait for pyte."""


class Hung(Exception):
    """What was waited for did not come; the message has the screen."""


class Program:
    """Starts `command` at once, in `columns` × `rows`. Times are of `time.perf_counter`, in seconds."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        columns: int = 120,
        rows: int = 40,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=inherited | terminal | dict(environment or {}),
            start_new_session=True,
        )
        os.close(theirs)
        self.came = self.started
        """When the newest output on the screen came."""
        self._output: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        sys.setswitchinterval(SWITCH_S)
        self._reader = threading.Thread(target=self._take, daemon=True)
        self._reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to end, and read on so that it can; then end it."""
        self._signal(signal.SIGTERM)
        deadline = time.perf_counter() + 10
        while self._process.poll() is None and time.perf_counter() < deadline:
            self.read(0.05)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        os.close(self._terminal)

    # --- screen and keys --------------------------------------------------------------------

    def send(self, keys: str) -> float:
        """Type; returns when."""
        now = time.perf_counter()
        os.write(self._terminal, keys.encode())
        return now

    def read(self, seconds: float) -> bool:
        """Bring the screen up to date with what comes within so long; False when nothing came."""
        try:
            self.came, output = self._output.get(timeout=max(seconds, 0))
        except queue.Empty:
            return False
        self._screen.dirty.clear()
        self._stream.feed(output)
        return True

    def _take(self) -> None:
        """Until nobody has the other end open any more, which Linux tells by an error."""
        with contextlib.suppress(OSError):
            while output := os.read(self._terminal, READ_BYTES):
                self._output.put((time.perf_counter(), output))

    def read_for(self, seconds: float) -> None:
        """Read whatever comes, for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def wait(self, reached: Callable[[str], bool]) -> float:
        """Read until the screen is as wanted; returns when the output came that made it so."""
        deadline = time.perf_counter() + PATIENCE_S
        while not reached(self.text()):
            if not self.read(1.0) and self._process.poll() is not None:
                raise Hung(f"The program has ended ({self._process.returncode}):\n{self.text()}")
            if time.perf_counter() > deadline:
                raise Hung(f"It never came; on the screen:\n{self.text()}")
        return self.came

    def wait_for_echo(self, text: str) -> float:
        """As `wait_for`, looking only at what has changed."""
        deadline = time.perf_counter() + PATIENCE_S
        while True:
            if self.read(1.0) and any(text in self._line(row) for row in self._screen.dirty):
                return self.came
            if time.perf_counter() > deadline:
                raise Hung(f"{text!r} never came; on the screen:\n{self.text()}")

    def _line(self, row: int) -> str:
        line = self._screen.buffer[row]
        return "".join(line[column].data for column in range(self._screen.columns))

    def wait_for(self, *texts: str) -> float:
        """As `wait`, for one of the texts."""
        return self.wait(lambda screen: any(text in screen for text in texts))

    # --- what it costs ----------------------------------------------------------------------

    def rss_bytes(self) -> int:
        """Resident memory of the process itself, without those it started."""
        pages = int(self._proc("statm").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Processor time of the process itself so far, all threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def children(self) -> list[int]:
        """Process ids of what it started and has not ended."""
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
