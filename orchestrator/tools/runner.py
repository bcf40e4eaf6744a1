"""Runs one command: stdin closed, own process group, limits on time, output and memory.

Whatever the command started is gone when `run` returns, however it ended.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 64 * 1024
STREAMED_CHARS = 256 * 1024
TERM_GRACE_S = 1.0
DRAIN_S = 0.5
TIMED_OUT = 124
MARK = "ORCH_COMMAND"
_ALLOWED = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "VIRTUAL_ENV",
    ),
    *("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONHASHSEED", "PYTHONWARNINGS"),
    *(
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "COMSPEC",
        "PATHEXT",
        "TEMP",
        "TMP",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
    ),
)
_SET = {
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",  # a command's caches are no change of the project
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `output` holds stdout and stderr in order, the middle left out if long.

    `exit_code` is 124 after a timeout and negative where a signal ended it.
    """

    exit_code: int
    output: str
    truncated: bool
    timed_out: bool
    duration_ms: int


class _Kept:
    """The first and last bytes of a stream; its middle is counted and forgotten."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = max(0, HEAD_BYTES - len(self.head))
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * TAIL_BYTES:
            self._trim()

    def _trim(self) -> None:
        over = max(0, len(self.tail) - TAIL_BYTES)
        self.dropped += over
        del self.tail[:over]

    def text(self) -> str:
        self._trim()
        if not self.dropped:
            return (self.head + self.tail).decode("utf-8", "replace")
        head, tail = (part.decode("utf-8", "replace") for part in (self.head, self.tail))
        return f"{head}\n[… {self.dropped:,} bytes left out …]\n{tail}"


class _Stream:
    """Passes decoded output on to the sink, up to a limit that keeps a front end alive."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._room = STREAMED_CHARS

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            return
        text = self._decoder.decode(data)[: self._room]
        self._room -= len(text)
        if text:
            self._sink(text)
        if self._room <= 0:
            self._sink("\n[… further output is not shown …]\n")


def environment() -> dict[str, str]:
    """What a command sees of our environment: an allow-list, so that no secret slips through."""
    kept = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    kept.setdefault("LANG", "C.UTF-8")
    return kept | _SET


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    sink: OutputSink,
    env: dict[str, str] | None = None,
) -> Outcome:
    """Run `argv` to its end. Raises `ToolError` if it cannot be started.

    Cancelling the task kills the command and everything it started at once.
    """
    started = time.monotonic()
    mark = uuid.uuid4().hex
    process = await _start(argv, cwd, (environment() if env is None else env) | {MARK: mark})
    kept, stream = _Kept(), _Stream(sink)
    reading = asyncio.create_task(_drain(process, kept, stream))
    timed_out = False
    try:
        try:
            await asyncio.wait_for(_exited(process, reading), timeout_s)
        except TimeoutError:
            timed_out = True
            await _terminate(process, reading)
    finally:
        _kill(process, mark)
        await _reap(process, reading)
    code = TIMED_OUT if timed_out else (process.returncode if process.returncode is not None else -1)
    return Outcome(code, kept.text(), kept.dropped > 0, timed_out, int((time.monotonic() - started) * 1000))


async def _start(argv: Sequence[str], cwd: Path, env: dict[str, str]) -> asyncio.subprocess.Process:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{argv[0]} could not be started: {error}.") from error
    _limit(process.pid)
    return process


def _limit(pid: int) -> None:
    """Generous limits against a runaway; the sandbox, not these, is the boundary."""
    if sys.platform != "linux":
        return
    import resource

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 4 << 30,
        resource.RLIMIT_NPROC: 8192,
        resource.RLIMIT_DATA: max(2 << 30, memory * 8 // 10),  # RLIMIT_AS would break node and Java
    }
    for what, wanted in limits.items():
        with contextlib.suppress(OSError, ValueError):  # already gone, or a lower limit stands
            hard = resource.prlimit(pid, what)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.prlimit(pid, what, (value, value))


async def _drain(process: asyncio.subprocess.Process, kept: _Kept, stream: _Stream) -> None:
    assert process.stdout is not None
    while data := await process.stdout.read(65536):
        kept.add(data)
        stream.add(data)


async def _exited(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    """The command's own end; a child left behind may hold the pipe open for ever.

    `process.wait` would wait for the pipe too, so the return code is what is watched.
    """
    pause = 0.02
    while process.returncode is None and not reading.done():
        await asyncio.wait({reading}, timeout=pause)
        pause = min(pause * 1.5, 0.2)
    if process.returncode is None:
        await process.wait()


async def _terminate(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    """Ask politely first; when the pipe closes, all who wrote to it are gone."""
    _signal_group(process.pid, signal.SIGTERM)
    await asyncio.wait({reading}, timeout=TERM_GRACE_S)


def _kill(process: asyncio.subprocess.Process, mark: str) -> None:
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False, timeout=10
        )
        return
    _signal_group(process.pid, signal.SIGKILL)
    _kill_marked(mark)


def _signal_group(pid: int, number: signal.Signals) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _kill_marked(mark: str) -> None:
    """Kill what left the process group (setsid), found by the mark in its environment."""
    needle = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError, ValueError):
            if needle in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)


async def _reap(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    """Collect the last output and the exit status; the killed leave nothing to wait for long."""
    await asyncio.wait({reading}, timeout=DRAIN_S)
    if not reading.done():
        reading.cancel()
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
    with contextlib.suppress(TimeoutError, ProcessLookupError):
        await asyncio.wait_for(process.wait(), DRAIN_S * 4)
