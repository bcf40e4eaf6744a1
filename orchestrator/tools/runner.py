"""Runs one command: stdin closed, own process group, limits on time, output and memory.

Whatever the command started is gone when `run` returns, however it ended. With a terminal, its output
goes to a pseudo-terminal (never a controlling one: nothing can ask for a password there).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import pty
from orchestrator.tools.kept import Kept, KeptSettled, Stream

DISK_FLOOR, DISK_TAKEN = 1 << 30, 256 << 20
"""With less than this free, a command that took so much is stopped."""
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
    disk_full: bool = False
    """It was stopped, since it had nearly filled the disk."""


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
    timeout_s: float | None,
    sink: OutputSink,
    env: dict[str, str] | None = None,
    terminal: tuple[int, int] | None = None,
    keeping: Callable[[Kept], None] = lambda kept: None,
) -> Outcome:
    """Run `argv` to its end. Raises `ToolError` if it cannot be started.

    `keeping` is given what holds the output while it comes.

    `terminal` is the size (columns, rows) of a pseudo-terminal to run it in: `sink` then gets what the
    program sent to it, the outcome's output is what is left to read. Cancelling the task kills the
    command and everything it started at once.
    """
    started = time.monotonic()
    mark = uuid.uuid4().hex
    env = (environment() if env is None else env) | {MARK: mark}
    stream = Stream(sink)
    pair = pty.open_pty(*terminal, returns=False) if terminal else None
    if terminal and pair:
        kept: Kept = KeptSettled()
        process = await _start_in(pair, argv, cwd, _for_terminal(env, *terminal))
        output = pty.drain(pair[0], lambda data: _both(kept, stream, data))
    else:
        kept = Kept()
        process = await _start(argv, cwd, env, subprocess.PIPE)
        output = _drain(process, kept, stream)
    keeping(kept)
    try:
        stopped = await _watch(process, output, timeout_s, mark, cwd)
    finally:
        if pair:
            os.close(pair[0])
    code = TIMED_OUT if stopped else (process.returncode if process.returncode is not None else -1)
    text, spent = kept.text(), int((time.monotonic() - started) * 1000)
    return Outcome(code, text, kept.dropped > 0, stopped == "time", spent, stopped == "disk")


Stopped = Literal["", "time", "disk"]


async def _watch(
    process: asyncio.subprocess.Process,
    output: Coroutine[None, None, None],
    timeout_s: float | None,
    mark: str,
    cwd: Path,
) -> Stopped:
    """Read to the end, at most `timeout_s`; leave nothing running. Says why it did not end by itself."""
    reading = asyncio.create_task(output)
    try:
        await asyncio.wait_for(_exited(process, reading, cwd), timeout_s)
    except (TimeoutError, _DiskFull) as error:
        await _terminate(process, reading)
        return "time" if isinstance(error, TimeoutError) else "disk"
    finally:
        _kill(process, mark)
        await _reap(process, reading)
    return ""


class _DiskFull(Exception):
    """Less than `DISK_FLOOR` is free, and this command took the last of it."""


def _free(cwd: Path) -> list[int]:
    """Bytes that are free where a command can write: the project's disk, and that of temporary files."""
    if sys.platform == "win32":
        return []
    found = []
    for folder in (cwd, Path(os.environ.get("TMPDIR") or "/tmp")):
        with contextlib.suppress(OSError):
            state = os.statvfs(folder)
            found.append(state.f_bavail * state.f_frsize)
    return found


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


async def _drain(process: asyncio.subprocess.Process, kept: Kept, stream: Stream) -> None:
    assert process.stdout is not None
    while data := await process.stdout.read(65536):
        _both(kept, stream, data)


def _both(kept: Kept, stream: Stream, data: bytes) -> None:
    kept.add(data)
    stream.add(data)


async def _exited(process: asyncio.subprocess.Process, reading: asyncio.Task[None], cwd: Path) -> None:
    """The command's own end; a child left behind may hold the pipe open for ever.

    `process.wait` would wait for the pipe too, so the return code is what is watched.
    """
    pause, before = 0.02, _free(cwd)
    while process.returncode is None and not reading.done():
        await asyncio.wait({reading}, timeout=pause)
        pause = min(pause * 1.5, 0.2)
        pairs = zip(before, _free(cwd), strict=False)
        if any(free < DISK_FLOOR and was - free > DISK_TAKEN for was, free in pairs):
            raise _DiskFull
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
