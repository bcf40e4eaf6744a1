"""Runs a command like `runner`, but hands its output on byte for byte, as it comes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.tools.runner import MARK, TIMED_OUT, _watch, environment

_READ_BYTES = 64 * 1024


async def run(argv: Sequence[str], *, cwd: Path, timeout_s: float, out: int, err: int) -> tuple[int, int]:
    """Exit code (124 after a timeout, negative after a signal) and milliseconds.

    What the command writes goes to the descriptors `out` and `err`. Raises `ToolError` if it cannot be
    started, BrokenPipeError when nobody reads any more; nothing that it started is left then either.
    """
    started = time.monotonic()
    mark = uuid.uuid4().hex
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=environment() | {MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{argv[0]} could not be started: {error}.") from error
    assert process.stdout is not None
    assert process.stderr is not None
    both = _both(process.stdout, out, process.stderr, err)
    stopped = await _watch(process, both, timeout_s, mark, cwd)
    code = TIMED_OUT if stopped else (process.returncode if process.returncode is not None else -1)
    return code, int((time.monotonic() - started) * 1000)


async def _both(stdout: asyncio.StreamReader, out: int, stderr: asyncio.StreamReader, err: int) -> None:
    await asyncio.gather(_copy(stdout, out), _copy(stderr, err))


async def _copy(source: asyncio.StreamReader, target: int) -> None:
    while data := await source.read(_READ_BYTES):
        await asyncio.to_thread(_write, target, data)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
