"""A run's events for people and scripts, and playing one from a command."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator

from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.autonomy.happenings import (
    CheckRun,
    Happening,
    RunEnded,
    RunStarted,
    StepBegun,
    StepEnded,
    happening_json,
)
from orchestrator.commands import console
from orchestrator.commands.running import SIGNALS
from orchestrator.errors import OrchError
from orchestrator.events import Context, Event, SessionEnd, SessionStart
from orchestrator.terminal import one_line

NOT_REACHED = 3
WIDTH = 110
LINES = 6


class Plain:
    """Steps and checks on stdout; what instances do, on stderr as `orch ask` shows it."""

    def __init__(self) -> None:
        self._inner = console.Plain(sys.stderr, sys.stderr)

    def show(self, event: Happening | Event) -> None:
        if not isinstance(event, Happening):
            if not isinstance(event, SessionStart | SessionEnd | Context):
                self._inner.show(event)
            return
        self._inner.end_line()
        for line in lines_of(event):
            print(" " * (len(line) - len(line.lstrip())) + one_line(line, WIDTH * 3), flush=True)


class Json:
    """One event a line, without secrets."""

    def __init__(self) -> None:
        self._inner = console.Json(sys.stdout)

    def show(self, event: Happening | Event) -> None:
        if isinstance(event, Happening):
            self._inner.write(happening_json(event))
        else:
            self._inner.show(event)


def lines_of(event: Happening) -> list[str]:
    """What a person reads of it."""
    match event:
        case RunStarted():
            again = "goes on" if event.resumed else "begins"
            return [f"run {event.run[:8]} {again}: {event.goal}", f"  branch {event.branch} in {event.tree}"]
        case StepBegun():
            return [f"step {event.number}: {event.text}"]
        case CheckRun():
            counts = [f"{n} {what}" for n, what in ((event.failed, "failed"), (event.passed, "passed")) if n]
            said = ", ".join([f"exit {event.exit_code}", *counts])
            return [f"  check: {said} [{event.citation}]", *(f"    | {row}" for row in event.lines[:LINES])]
        case StepEnded():
            done = [f"commit {event.commit}"] if event.commit else []
            signs = [f"progress in {', '.join(event.signs)}"] if event.signs else []
            return [
                f"  {event.status}: {'; '.join([event.why, *done, *signs])} [{', '.join(event.evidence)}]"
            ]
        case RunEnded():
            short = event.run[:8]
            spent = f"{event.steps} steps, {event.seconds / 60:.1f} minutes, {event.tokens:,} tokens"
            told = [f"run {short} ended ({event.why}): {event.text} {event.commits} commits; {spent}."]
            if event.why == "paused":
                return [f"run {short} is paused; {spent}.", f"  orch runs resume {short}"]
            if event.commits:
                told.append(
                    f"  orch run --apply {short}, or --discard {short}; report: orch runs show {short}"
                )
            return told


async def played(run: GoalRun, *, as_json: bool) -> int:
    """Play it to its end; the exit code: 0 reached, 3 not, 130 interrupted. Raises `OrchError`."""
    shown = Json() if as_json else Plain()
    end: RunEnded | None = None
    with _interrupts(run):
        try:
            async for event in run.play():
                shown.show(event)
                end = event if isinstance(event, RunEnded) else end
        except OrchError as error:
            if isinstance(shown, Json):
                shown._inner.write({"type": "error", "message": error.message, "remedy": error.remedy})
            raise
    if end is None or end.why == "paused":
        return 130
    return 0 if end.good else NOT_REACHED


@contextlib.contextmanager
def _interrupts(run: GoalRun) -> Iterator[None]:
    """The first Ctrl+C pauses at the next safe point, the second leaves at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    kept: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        if kept:
            task.cancel()
        else:
            print("orch: Pausing; once more leaves at once.", file=sys.stderr, flush=True)
            kept.append(loop.create_task(run.interrupt()))

    previous = {sign: signal.getsignal(sign) for sign in SIGNALS}
    act: Callable[..., object] = lambda *_: loop.call_soon_threadsafe(interrupt)  # noqa: E731
    for sign in SIGNALS:
        signal.signal(sign, act)
    try:
        yield
    finally:
        for sign, handler in previous.items():
            signal.signal(sign, handler)
