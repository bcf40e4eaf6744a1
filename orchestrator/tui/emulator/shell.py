"""The user's own command, run by their shell in a pseudo-terminal of its own, unconfined.

Where the system has no pseudo-terminals (Windows) it runs with pipes: line by line, without colours.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.tools import pty

GRACE_S = 1.0
_WAITING_BYTES = 1 << 20
"""Of what was typed or pasted and the program has not read; more is dropped."""
# The new session's leader takes the terminal as its own, so that ctrl+c and job control work. Done by
# a small program, since code between fork and exec is not safe in a process with threads.
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
for name in ("SIGHUP", "SIGINT", "SIGPIPE", "SIGQUIT", "SIGTERM", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
try:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
except OSError:
    pass
os.execv(sys.argv[1], sys.argv[1:])
"""


class ShellCommand:
    """One command from start to end. `output` takes text as it comes, `ended` the exit code, once.

    The exit code is negative where a signal ended the shell.
    """

    def __init__(self, output: Callable[[str], None], ended: Callable[[int], None]) -> None:
        self._output = output
        self._ended = ended
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._process: asyncio.subprocess.Process | None = None
        self._master = -1
        self._typed = bytearray()
        self._paused = False
        self._waiting: asyncio.Task[None] | None = None

    async def start(
        self, command: str, cwd: Path, environment: Mapping[str, str], columns: int, rows: int
    ) -> None:
        """Raises `ToolError` when the shell cannot be started."""
        env = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
        pair = pty.open_pty(columns, rows)
        try:
            if pair:
                self._process = await _in_terminal(pair[1], command, cwd, env)
            else:
                self._process = await _with_pipes(command, cwd, env)
        except (OSError, ValueError) as error:
            if pair:
                os.close(pair[0])
            raise ToolError(f"The command could not be started: {error}.") from error
        finally:
            if pair:
                os.close(pair[1])
        if pair:
            self._master = pair[0]
            asyncio.get_running_loop().add_reader(self._master, self._read)
        self._waiting = asyncio.create_task(self._wait(self._process))

    # --- output -----------------------------------------------------------------------------

    def pause(self, paused: bool) -> None:
        """Let the program wait while there is more than can be shown."""
        if self._master < 0 or paused == self._paused:
            return
        self._paused = paused
        loop = asyncio.get_running_loop()
        if paused:
            loop.remove_reader(self._master)
        else:
            loop.add_reader(self._master, self._read)

    def _read(self) -> bool:
        data = pty.available(self._master)
        if data == b"":
            asyncio.get_running_loop().remove_reader(self._master)
        if data:
            self._output(self._decoder.decode(data))
        return bool(data)

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None:
            while data := await process.stdout.read(pty.READ_BYTES):
                self._output(self._decoder.decode(data).replace("\r\n", "\n").replace("\n", "\r\n"))
        code = await process.wait()
        if self._master >= 0:
            for _ in range(64):  # what was printed last; those left behind may print for ever
                if not self._read():
                    break
            self._close()
        self._ended(code)

    # --- input ------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """Send what was typed or pasted."""
        process = self._process
        if process is not None and process.stdin is not None:
            self._type_into_pipe(process, process.stdin, text)
        elif self._master >= 0:
            self._typed += text.encode("utf-8", "replace")[: max(0, _WAITING_BYTES - len(self._typed))]
            self._write()

    def _type_into_pipe(
        self, process: asyncio.subprocess.Process, stdin: asyncio.StreamWriter, text: str
    ) -> None:
        if text == "\x03":
            self._signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
            return
        text = text.replace("\r", "\n")
        self._output(text.replace("\n", "\r\n"))  # nobody else echoes
        with contextlib.suppress(OSError, RuntimeError):
            stdin.write(text.replace("\n", os.linesep).encode())

    def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            del self._typed[: os.write(self._master, self._typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._typed.clear()
        if self._typed:
            loop.add_writer(self._master, self._write)
        else:
            loop.remove_writer(self._master)

    def resize(self, columns: int, rows: int) -> None:
        if self._master >= 0:
            pty.set_size(self._master, columns, rows)

    # --- the end ----------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask everything in the terminal to end, and end what does not after a second. Returns at once."""
        if self._process is None or self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        if sys.platform != "win32":
            self._signal(signal.SIGHUP)
            self._signal(signal.SIGCONT)
            asyncio.get_running_loop().call_later(GRACE_S, self._kill)

    def _kill(self) -> None:
        if sys.platform != "win32":
            self._signal(signal.SIGKILL)

    async def close(self) -> None:
        """Hang up, and wait until the command is gone."""
        if self._waiting is None:
            return
        self.stop()
        await asyncio.wait({self._waiting}, timeout=GRACE_S / 2)
        self._kill()
        await asyncio.wait({self._waiting}, timeout=5 * GRACE_S)

    def _signal(self, number: int) -> None:
        """To the shell's process group and to the one in the foreground."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if sys.platform == "win32":
            with contextlib.suppress(OSError, ValueError):
                process.send_signal(number)
            return
        groups = {process.pid}
        with contextlib.suppress(OSError):
            groups.add(os.tcgetpgrp(self._master))
        for group in groups:
            if group > 1 and group != os.getpgrp():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, number)

    def _close(self) -> None:
        """The other side sees a hang-up: what is left of the terminal's session ends."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._master)
        self._master = -1


async def _in_terminal(
    slave: int, command: str, cwd: Path, env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    shell = env.get("SHELL", "")
    if not os.access(shell, os.X_OK):
        shell = "/bin/sh"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, shell, "-c", command),
        cwd=cwd,
        env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )


async def _with_pipes(command: str, cwd: Path, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_shell(
        command,
        cwd=cwd,
        env={**env, "TERM": "dumb"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
