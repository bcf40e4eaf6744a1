"""One prompt, one `orch ask`, with nothing left of the prompts before it.

An `Area` is a folder with a node's home and a project. The home's models and snapshots (and
whatever else is no memory) are links into the real home; its journal, registry and history are its
own, and are removed with the project before each prompt.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import config
from orchestrator.paths import PROJECT_FOLDER, Home, home

REQUIRED = {
    "search": ("pattern",),
    "read": ("path",),
    "write": ("path", "content"),
    "edit": ("path", "old", "new"),
    "run": ("code",),
    "shell": ("command",),
    "git": ("command",),
    "note": ("kind", "text"),
}
MEMORY = ("journal*", "memory_log*", "registry*", "history*", "run")
IDENTITY = Path(PROJECT_FOLDER) / "project.toml"
GRACE_S = 15
"""Seconds that an interrupted `orch` has to end by itself."""


class SetUpError(Exception):
    """The program ended with an error before a session began: no prompt can be asked."""


@dataclass(frozen=True, slots=True)
class FirstCall:
    """`seconds` run from the start of the process to the deciding event, the model's load included."""

    got: str
    parsable: bool
    seconds: float
    problem: str


@dataclass(slots=True)
class Area:
    """Where one prompt at a time is asked. `root` is created; `pristine` is copied, never used."""

    program: str
    root: Path
    pristine: Path
    timeout_s: float
    fast: bool
    warm: bool = field(default=False, init=False)
    """Has one run been left to finish? Only then is the prompt's common prefix surely kept."""

    running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        real = home().root
        self.home.root.mkdir(parents=True)
        for item in real.iterdir() if real.is_dir() else ():
            if item.name == self.home.config.name:
                shutil.copy(item, self.home.config)
            elif not any(item.match(pattern) for pattern in MEMORY):
                (self.home.root / item.name).symlink_to(item)
        config.store(
            self.home.config, "snapshots.prewarm", "off"
        )  # nothing may run on beside what is measured

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    @property
    def project(self) -> Path:
        return self.root / "workspace" / "parcel"

    def stop(self) -> None:
        """End what runs here now: it has its own session, where a Ctrl-C does not reach it."""
        if self.running is not None and self.running.poll() is None:
            _kill(self.running)

    def reset(self) -> None:
        """A new project and an empty memory. The project's identity stays: it is no memory, and a
        new one would leave a KV cache snapshot of its own behind for every prompt."""
        identity = self.project / IDENTITY
        kept = identity.read_bytes() if identity.exists() else None
        shutil.rmtree(self.project.parent, ignore_errors=True)
        for pattern in MEMORY:
            for item in self.home.root.glob(pattern):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        shutil.copytree(self.pristine, self.project)
        if kept is not None:
            identity.parent.mkdir()
            identity.write_bytes(kept)


def first_call(area: Area, prompt: str, model: str) -> FirstCall:
    """Ask, wait for the event that decides, end the program. Raises `SetUpError`."""
    area.reset()
    options = f"--model {model} --mode ask --approve never --max-steps 1 --json".split()
    command = [area.program, "ask", "--project", str(area.project), *options, "--", prompt]
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"ORCH_HOME": str(area.home.root)},
            cwd=area.project,
            start_new_session=True,
        )
        area.running = process
        timer = threading.Timer(area.timeout_s, _kill, [process])
        timer.start()
        began, event = False, None
        try:
            assert process.stdout is not None
            began, event = deciding(process.stdout, area.fast)
            seconds = time.monotonic() - started
            if event is not None and not area.warm:
                process.stdout.read()
                area.warm = True
        finally:
            expired = not timer.is_alive()
            timer.cancel()
            _end(process)
        if event is not None:
            got = "answer" if event["type"] in ("answer", "token") else str(event["name"])
            problem = flaw(event)
            return FirstCall(got, not problem, seconds, problem)
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()[-300:]
    if not began and not expired:
        raise SetUpError(said or f"it ended with exit code {process.returncode} and no event.")
    problem = (
        f"nothing within {area.timeout_s:.0f} s" if expired else f"no call and no answer. {said}".strip()
    )
    return FirstCall("", False, seconds, problem)


def deciding(lines: Iterable[bytes], fast: bool) -> tuple[bool, dict[str, Any] | None]:
    """Did a session begin, and its first `tool_call` or `answer` event (`token` too when `fast`)."""
    began = False
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        kind = event.get("type") if isinstance(event, dict) else None
        began = began or kind == "session_start"
        if kind in ("tool_call", "answer") or (fast and kind == "token"):
            return True, event
    return began, None


def flaw(event: dict[str, Any]) -> str:
    """What makes a deciding event no usable call or answer; empty when nothing does."""
    if event["type"] != "tool_call":
        return "" if str(event.get("text", "")).strip() else "an empty answer"
    name, given = event.get("name"), event.get("arguments")
    if name not in REQUIRED:
        return f"no tool is called {name!r}"
    if not isinstance(given, dict):
        return "arguments are no object"
    missing = [key for key in REQUIRED[name] if key not in given]
    return f"without {', '.join(missing)}" if missing else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt, as a person would, so that nothing half written stays; then insist."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    drain = threading.Thread(target=process.stdout.read if process.stdout else None, daemon=True)
    drain.start()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _kill(process)
    process.wait()
    drain.join()
    if process.stdout:
        process.stdout.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole process group: a worker must not outlive its parent."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
