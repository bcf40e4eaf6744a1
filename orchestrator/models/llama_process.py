"""The worker process seen from the app: start it, exchange frames, notice its end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import WorkerDied
from orchestrator.models import llama_frames
from orchestrator.models.llama_frames import Frame

_LAST_LINES = 20
_CLOSE_S = 6.0
_CREATE_NEW_PROCESS_GROUP = 0x00000200
_CANCEL_S = 4.0
_OUTSIDE = frozenset({1, 2, 9, 15})  # SIGHUP, SIGINT, SIGKILL, SIGTERM: on Windows there are no such ends
_LAST = frozenset({"loaded", "counts", "finish", "warmed", "error"})


class Reply:
    """The frames that answer one request; iteration ends after the last, or when the worker died."""

    def __init__(self, id: int) -> None:
        self.id = id
        self.died = False
        self.ended = asyncio.Event()
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()

    def __aiter__(self) -> Reply:
        return self

    async def __anext__(self) -> Frame:
        if self.ended.is_set() and self._frames.empty():
            raise StopAsyncIteration
        frame = await self._frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame

    def add(self, frame: Frame) -> None:
        self._frames.put_nowait(frame)
        if frame["event"] in _LAST:
            self.ended.set()

    def lose(self) -> None:
        """The worker has ended before this did."""
        self.died = True
        self.ended.set()
        self._frames.put_nowait(None)


class WorkerProcess:
    """One run of `llama_worker`. Belongs to the event loop that started it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path | None) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, Reply] = {}
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._log = log
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._read_log()))
        self.alive = True

    @classmethod
    async def start(cls, log: Path | None) -> WorkerProcess:
        """`-P` keeps the current folder, which may be anyone's, off the import path.

        A process group of its own keeps the terminal's Ctrl+C away from it. A session of its own would do so,
        too, but Linux gives each session the same share of the processor, whatever its priority.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "orchestrator.models.llama_worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0 if os.name == "posix" else None,
            creationflags=_CREATE_NEW_PROCESS_GROUP if os.name == "nt" else 0,
        )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def open(self) -> Reply:
        """A new request's id, and where its answers arrive."""
        reply = Reply(next(self._ids))
        self._waiting[reply.id] = reply
        if not self.alive:
            reply.lose()
        return reply

    async def send(self, frame: Frame) -> None:
        """A process that has ended is noticed by its answer, not here."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(llama_frames.pack(frame))
            await self._process.stdin.drain()

    async def stop(self, reply: Reply) -> None:
        """Return when the request has ended; a worker that goes on regardless is killed."""
        if reply.ended.is_set():
            return
        await self.send({"op": "cancel", "id": reply.id})
        try:
            await asyncio.wait_for(reply.ended.wait(), _CANCEL_S)
        except TimeoutError:
            self.kill()
            await reply.ended.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let it finish what it saves, but not for long."""
        await self.send({"op": "close"})
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _CLOSE_S)
        except TimeoutError:
            self.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks)

    def death(self) -> WorkerDied:
        """The error that tells a person how the process ended."""
        code = self._process.returncode
        if code is not None and code < 0:
            name = _signal_name(-code)
            how = f"was killed by {name}" + (", probably for want of memory" if name == "SIGKILL" else "")
        else:
            how = f"ended with code {code}"
        from_outside = code is not None and -code in _OUTSIDE  # its last words have nothing to do with that
        said = f" It said: {self._lines[-1]}." if self._lines and not from_outside else ""
        return WorkerDied(
            f"The model's process {how}.{said}",
            "Ask again: it restarts by itself. If that happens often, use a smaller model "
            "(`orch model list`) or a smaller model.context_size.",
        )

    def last_line(self) -> str:
        """What llama.cpp complained of last."""
        return self._lines[-1] if self._lines else ""

    async def _read(self) -> None:
        source = self._process.stdout
        assert source is not None
        try:
            while True:
                head = await source.readexactly(llama_frames.HEAD)
                frame = llama_frames.unpack(await source.readexactly(llama_frames.length(head)))
                if reply := self._waiting.get(frame["id"]):
                    reply.add(frame)
                    if reply.ended.is_set():
                        del self._waiting[reply.id]
        except (asyncio.IncompleteReadError, OSError):
            pass  # its end
        except llama_frames.BadFrame:
            self.kill()
        await self._process.wait()
        await self._tasks[1]
        self.alive = False
        for reply in self._waiting.values():
            reply.lose()
        self._waiting.clear()

    async def _read_log(self) -> None:
        """Keep the last lines of its stderr, and all of them in the log file."""
        source = self._process.stderr
        assert source is not None
        while data := await source.read(4096):
            text = data.decode("utf-8", "replace")
            self._lines.extend(line for line in text.splitlines() if line.strip())
            if self._log:
                with contextlib.suppress(OSError):
                    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                    with os.fdopen(durable.handle(self._log, flags), "ab") as file:
                        file.write(data)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
