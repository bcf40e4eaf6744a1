"""Background jobs: commands that go on while the session does, confined as all are; they end with it.

They run in an event loop of their own, in a thread: a plain terminal that waits for a line has none.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from orchestrator.errors import ToolError
from orchestrator.tools import runner
from orchestrator.tools.command import TerminalSize, result_of
from orchestrator.tools.kept import Kept
from orchestrator.tools.sandbox import Sandbox
from orchestrator.tools.shell_line import shell_argv

MOST_RUNNING = 4
MOST_KEPT = 20
"""Jobs that ended and can still be looked at; the oldest are forgotten."""
_END_S = 10.0
"""How long a job may take to vanish after it was stopped; a group that is killed takes milliseconds."""

By = Literal["model", "user"]
State = Literal["running", "ended", "stopped", "failed"]


@dataclass
class Job:
    """One command in the background. `number` is how people and models name it, as `%1`.

    `exit_code` is None while it runs and where it was stopped or could not start (`error` says why).
    """

    number: int
    command: str
    by: By
    began: float = field(default_factory=time.time)
    """Seconds since 1970."""
    state: State = "running"
    exit_code: int | None = None
    seconds: float = 0.0
    """From start to end; 0 while it runs."""
    error: str = ""
    text: str = ""
    """What it printed, once it has ended."""
    kept: Kept | None = field(default=None, repr=False)
    running: Future[None] | None = field(default=None, repr=False)

    @property
    def output(self) -> str:
        """What it has printed by now, the middle left out if long."""
        if self.state == "running" and self.kept is not None:
            return self.kept.peek()
        return self.text or self.error

    def told(self) -> str:
        """Its state in a few words."""
        if self.state == "running":
            return f"running for {span(time.time() - self.began)}"
        if self.state == "failed":
            return f"could not be started: {self.error}"
        how = "stopped" if self.state == "stopped" else f"ended, exit code {self.exit_code}"
        return f"{how}, after {span(self.seconds)}"


Told = Callable[[Job], None]
"""Hears of each start and each end, from the thread of the jobs."""


class Jobs:
    """The background jobs of one session."""

    def __init__(self, root: Path, sandbox: Sandbox, terminal: TerminalSize | None = None) -> None:
        self._root = root
        self._sandbox = sandbox
        self._listening: list[Told] = []
        self._terminal = terminal
        self._jobs: dict[int, Job] = {}
        self._news: list[Job] = []
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def listen(self, told: Told) -> None:
        self._listening.append(told)

    @property
    def confined(self) -> bool:
        return self._sandbox.tier != "none"

    def all(self) -> list[Job]:
        """In the order of their start."""
        return list(self._jobs.values())

    def running(self) -> list[Job]:
        return [job for job in self.all() if job.state == "running"]

    def find(self, name: str) -> Job:
        """By its number, with or without a percent sign. Raises `ToolError`."""
        number = name.strip().removeprefix("%")
        job = self._jobs.get(int(number)) if number.isdecimal() else None
        if job is None:
            known = ", ".join(str(number) for number in self._jobs)
            raise ToolError(
                f"There is no job {name[:40]!r}.", f"There are: {known}." if known else "No job was started."
            )
        return job

    def start(self, command: str, by: By, *, network: bool = False) -> Job:
        """Send a command line to the background. Raises `ToolError` where there are too many."""
        if self._closed or len(self.running()) >= MOST_RUNNING:
            said = "The session is closed." if self._closed else f"{MOST_RUNNING} jobs run already."
            raise ToolError(said, "Stop one with `kill %NUMBER` (or /jobs stop NUMBER) first.")
        argv = self._sandbox.wrap(shell_argv(command), project=self._root, writable=True, network=network)
        self._count += 1
        job = Job(self._count, command, by)
        self._jobs[job.number] = job
        for old in [one for one in self.all() if one.state != "running"][:-MOST_KEPT]:
            del self._jobs[old.number]
        self._tell(job)
        job.running = self._submit(self._run(job, argv))
        return job

    async def settled(self, job: Job, seconds: float) -> bool:
        """Whether it has ended, waiting so long at most."""
        if job.running is not None:
            await asyncio.wait({asyncio.wrap_future(job.running)}, timeout=seconds)
        return job.state != "running"

    def stop(self, job: Job) -> None:
        """End it with all that it started; returns when that is gone. Nothing happens where it has ended."""
        if job.running is not None and not job.running.done():
            job.state = "stopped"
            self._submit(self._cancel(job)).result(_END_S)

    def news(self) -> str:
        """What ended since this was last asked, for the model; empty when nothing did."""
        news, self._news = self._news, []
        return "\n".join(f"[job {job.number} ({job.command}) {job.told()}]" for job in news)

    def close(self) -> list[Job]:
        """End all that runs; returns those. No more can be started."""
        self._closed = True
        running = self.running()
        for job in running:
            self.stop(job)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None
        return running

    # --- in the thread ------------------------------------------------------------------------

    def _submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=(self._loop,), name="orch-jobs", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _run(self, job: Job, argv: list[str]) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name(f"job {job.number}")
        try:
            with self._sandbox.guard(self._root):
                outcome = await runner.run(
                    argv,
                    cwd=self._root,
                    timeout_s=None,
                    sink=lambda piece: None,
                    terminal=self._terminal() if self._terminal else None,
                    keeping=lambda kept: setattr(job, "kept", kept),
                )
            job.text = result_of(outcome, 0).text
            job.exit_code, job.state = outcome.exit_code, "ended"
        except asyncio.CancelledError:
            job.text = job.kept.text() if job.kept else ""
            job.state = "stopped"
        except ToolError as error:
            job.error, job.state = error.message, "failed"
        finally:
            job.kept = None
            job.seconds = time.time() - job.began
            self._news.append(job)
            self._tell(job)

    async def _cancel(self, job: Job) -> None:
        tasks = [task for task in asyncio.all_tasks() if task.get_name() == f"job {job.number}"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, job: Job) -> None:
        for told in self._listening:
            told(job)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def span(seconds: float) -> str:
    """`9 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
