"""One run of `orch` at a time, with nothing left of the runs before it.

An `Area` is a folder with a node's home and a workspace. The home's models and snapshots (and
whatever else is no memory) are links into the real home; its journal, registry and history are its
own, and are removed with the project before each run.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from orchestrator import config
from orchestrator.paths import PROJECT_FOLDER, Home, home

MEMORY = ("journal*", "memory_log*", "registry*", "history*", "run", "runs")
IDENTITY = Path(PROJECT_FOLDER) / "project.toml"
GRACE_S = 15
"""Seconds that an interrupted `orch` has to end by itself."""


class SetUpError(Exception):
    """The program ended with an error before a session began: nothing can be asked."""


@dataclass(slots=True)
class Area:
    """Where one run at a time happens. `root` is created."""

    program: str
    root: Path
    running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        real = home().root
        home().snapshots.mkdir(parents=True, exist_ok=True)  # else each run prefills the fixed prompt anew
        self.home.root.mkdir(parents=True)
        for item in real.iterdir() if real.is_dir() else ():
            if item.name == self.home.config.name:
                shutil.copy(item, self.home.config)
            elif not any(item.match(pattern) for pattern in MEMORY):
                (self.home.root / item.name).symlink_to(item)
        # Nothing may run on beside what is measured.
        config.store(self.home.config, "snapshots.prewarm", "off")

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    def reset(self, pristine: Path, name: str) -> Path:
        """A new copy of `pristine` as the project `name`, and an empty memory; returns the project.

        Its identity stays: it is no memory, and a new one would leave a KV cache snapshot of its
        own behind for every run.
        """
        workspace, kept = self.root / "workspace", self.root / "identities" / name
        for identity in workspace.glob(f"*/{IDENTITY}"):
            there = self.root / "identities" / identity.parents[1].name
            there.parent.mkdir(exist_ok=True)
            there.write_bytes(identity.read_bytes())
        shutil.rmtree(workspace, ignore_errors=True)
        for pattern in MEMORY:
            for item in self.home.root.glob(pattern):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        project = workspace / name
        shutil.copytree(pristine, project, symlinks=True)
        if kept.exists():
            (project / IDENTITY).parent.mkdir()
            (project / IDENTITY).write_bytes(kept.read_bytes())
        return project

    def start(
        self, project: Path, arguments: Sequence[str], errors: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        """`orch` with `arguments` in `project`; its stdout is a pipe, and it has a session of its own."""
        self.running = subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"ORCH_HOME": str(self.home.root)},
            cwd=project,
            start_new_session=True,
        )
        return self.running

    def stop(self) -> None:
        """End what runs here now: it has its own session, where a Ctrl-C does not reach it."""
        if self.running is not None and self.running.poll() is None:
            kill(self.running)


AnyArea = TypeVar("AnyArea", bound=Area)
Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    items: Sequence[Item], areas: Sequence[AnyArea], act: Callable[[AnyArea, Item], Result]
) -> list[Result]:
    """`act` on every item, as many at once as there are areas; results in the order of the items."""
    free: queue.SimpleQueue[AnyArea] = queue.SimpleQueue()
    for area in areas:
        free.put(area)

    def one(item: Item) -> Result:
        area = free.get()
        try:
            return act(area, item)
        finally:
            free.put(area)

    with ThreadPoolExecutor(len(areas)) as pool:
        futures = [pool.submit(one, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for area in areas:
                area.stop()
            raise


def spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most `limit` items, picked evenly."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]


def find_program() -> str:
    """Where `orch` is. Exits with the remedy where it is not."""
    program = shutil.which("orch") or shutil.which("orch", path=str(Path(sys.executable).parent))
    if program is None:
        sys.exit("`orch` is not on PATH. Install the project first: pip install -e .")
    # A job started with & inherits an ignored SIGINT, and `orch` would from us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return program


def end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt, as a person would, so that nothing half written stays; then insist."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    drain = threading.Thread(target=process.stdout.read if process.stdout else None, daemon=True)
    drain.start()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    kill(process)
    process.wait()
    drain.join()
    if process.stdout:
        process.stdout.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """The whole process group: a worker must not outlive its parent."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
