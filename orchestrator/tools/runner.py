"""Runs one command: stdin closed, own process group, limits on time, output and memory.

Whatever the command started is gone when `run` returns, however it ended. With a terminal, its output
goes to a pseudo-terminal (never a controlling one: nothing can ask for a password there).
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
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import pty
from orchestrator.tools.settled import Settled

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 64 * 1024
STREAMED_CHARS = 256 * 1024
SETTLED_BYTES = 4 << 20
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


class _KeptSettled(_Kept):
    """The same of a terminal's output, as it stands in the end; a flood is kept as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._settled = Settled()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._room = SETTLED_BYTES

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            super().add(data)
            return
        self._room -= len(data)
        super().add(self._settled.feed(self._decoder.decode(data)).encode())
        if self._room <= 0:
            super().add(self._settled.rest().encode())

    def text(self) -> str:
        if self._room > 0:
            self._room = 0
            super().add(self._settled.rest().encode())
        return super().text()


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


def _for_terminal(env: dict[str, str], columns: int, rows: int) -> dict[str, str]:
    if not os.environ.get("NO_COLOR"):  # the user's own wish stands
        env = {name: value for name, value in env.items() if name != "NO_COLOR"}
    return env | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)}


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    sink: OutputSink,
    env: dict[str, str] | None = None,
    terminal: tuple[int, int] | None = None,
) -> Outcome:
    """Run `argv` to its end. Raises `ToolError` if it cannot be started.

    `terminal` is the size (columns, rows) of a pseudo-terminal to run it in: `sink` then gets what the
    program sent to it, the outcome's output is what is left to read. Cancelling the task kills the
    command and everything it started at once.
    """
    started = time.monotonic()
    mark = uuid.uuid4().hex
    env = (environment() if env is None else env) | {MARK: mark}
    stream = _Stream(sink)
    pair = pty.open_pty(*terminal, returns=False) if terminal else None
    if terminal and pair:
        kept: _Kept = _KeptSettled()
        process = await _start_in(pair, argv, cwd, _for_terminal(env, *terminal))
        output = pty.drain(pair[0], lambda data: _both(kept, stream, data))
    else:
        kept = _Kept()
        process = await _start(argv, cwd, env, subprocess.PIPE)
        output = _drain(process, kept, stream)
    try:
        timed_out = await _watch(process, output, timeout_s, mark)
    finally:
        if pair:
            os.close(pair[0])
    code = TIMED_OUT if timed_out else (process.returncode if process.returncode is not None else -1)
    text = kept.text()
    return Outcome(code, text, kept.dropped > 0, timed_out, int((time.monotonic() - started) * 1000))


async def _watch(
    process: asyncio.subprocess.Process, output: Coroutine[None, None, None], timeout_s: float, mark: str
) -> bool:
    """Read to the end, at most `timeout_s`; leave nothing running. True when the time was up."""
    reading = asyncio.create_task(output)
    try:
        await asyncio.wait_for(_exited(process, reading), timeout_s)
    except TimeoutError:
        await _terminate(process, reading)
        return True
    finally:
        _kill(process, mark)
        await _reap(process, reading)
    return False


async def _start_in(
    pair: tuple[int, int], argv: Sequence[str], cwd: Path, env: dict[str, str]
) -> asyncio.subprocess.Process:
    master, slave = pair
    try:
        return await _start(argv, cwd, env, slave)
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)


async def _start(
    argv: Sequence[str], cwd: Path, env: dict[str, str], output: int
) -> asyncio.subprocess.Process:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except UnicodeEncodeError as error:
        raise ToolError(
            f"{error.object[error.start : error.end]} cannot be passed to a command in this locale.",
            "Do without it, or tell the user to set LANG=C.UTF-8.",
        ) from error
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
        _both(kept, stream, data)


def _both(kept: _Kept, stream: _Stream, data: bytes) -> None:
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
    if reading.done():
        reading.result()  # a sink that fails is told
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
        await asyncio.wait({reading})
    for _ in range(50):  # closing the transport would take the exit status away from who waits for it
        if process.returncode is not None:
            break
        await asyncio.sleep(0.01)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
    with contextlib.suppress(TimeoutError, ProcessLookupError):
        await asyncio.wait_for(process.wait(), DRAIN_S * 4)
