"""One goal, one `orch run`, its result taken over by `orch run --apply`, and what we see in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from isolated.area import Area, SetUpError, end
from tasks.task import Left

from goals.goal import Goal, judge, pristine

Arm = Literal["handoff", "without"]
MARGIN_S = 180
"""What a run may take beside its minutes: the model's load, a last check, its own end."""

TRIES = 2
"""Of a run that could not work: a machine that others use at the same time may have been in its way."""


@dataclass(frozen=True, slots=True)
class Limits:
    steps: int = 20
    minutes: float = 10


@dataclass(frozen=True, slots=True)
class Ran:
    """`why` says why the goal is not reached, by the hidden check; empty where it is. `ended` is the
    run's own word for its end; `passed`: its visible check did, so it counts itself as good."""

    id: str
    family: str
    arm: Arm
    why: str
    ended: str
    passed: bool
    steps: int
    seconds: float
    tokens: int
    commits: int
    said: str = ""
    calls: tuple[str, ...] = field(default=())

    @property
    def solved(self) -> bool:
        return not self.why


def run_goal(area: Area, goal: Goal, arm: Arm, model: str, limits: Limits, keep: Path | None) -> Ran:
    """Make the repository, note what is known, run, apply, judge. Raises `SetUpError`."""
    with tempfile.TemporaryDirectory(prefix="goal-") as folder:
        before = pristine(goal, Path(folder) / goal.id)
        project = area.reset(before, goal.id)
        for note in goal.notes:
            _orch(area, project, "note", note.kind, note.text, "--project", str(project))
        started = time.monotonic()
        given = arguments(goal, project, arm, model, limits)
        for _ in range(TRIES):
            events, said, late = _run(area, project, given, limits)
            last = next((event for event in reversed(events) if event.get("type") == "run_ended"), None)
            if last is not None or late:
                break
        if last is None and not late and not any(event.get("type") == "run_started" for event in events):
            raise SetUpError(said[-400:] or "it ended without an event.")
        applied = ""
        if last is not None and last["commits"]:
            applied = _orch(area, project, "run", "--apply", str(last["run"]), "--yes")
        why = judge(goal, Left(project, before, ""))
        ran = _told(goal, arm, why, last, late, time.monotonic() - started, said, events)
        if keep is not None:
            _keep(keep / f"{goal.id}-{arm}", goal, ran, events, f"{said}\n{applied}", project)
        return ran


def arguments(goal: Goal, project: Path, arm: Arm, model: str, limits: Limits) -> list[str]:
    """Of `orch` for this run."""
    options = ["--check", goal.check, "--project", str(project), "--model", model, "--json"]
    options += ["--max-steps", str(limits.steps), "--max-minutes", f"{limits.minutes:g}"]
    options += ["--no-handoff"] if arm == "without" else []
    return ["run", goal.text, *options]


def _run(area: Area, project: Path, given: Sequence[str], limits: Limits) -> tuple[list[Any], str, bool]:
    """Its events, what it said on stderr, and whether it had to be ended."""
    late = threading.Event()
    with tempfile.TemporaryFile() as errors:
        process = area.start(project, given, errors)

        def stop() -> None:
            late.set()
            with suppress(ProcessLookupError):
                end(process)

        timer = threading.Timer(limits.minutes * 60 + MARGIN_S, stop)
        timer.start()
        events: list[Any] = []
        try:
            assert process.stdout is not None
            with suppress(ValueError, OSError):  # closed under us when the time was up
                events = [event for line in process.stdout if (event := _event(line))]
            process.wait()
        finally:
            timer.cancel()
            if not late.is_set():
                end(process)
        errors.seek(0)
        return events, errors.read().decode("utf-8", "replace").strip(), late.is_set()


def _event(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else None
    return None


def _told(
    goal: Goal,
    arm: Arm,
    why: str,
    last: dict[str, Any] | None,
    late: bool,
    seconds: float,
    said: str,
    events: Sequence[dict[str, Any]],
) -> Ran:
    calls = tuple(
        f"{event['name']} {json.dumps(event['arguments'], ensure_ascii=False)}"
        for event in events
        if event.get("type") == "tool_call"
    )
    if last is None:
        ended = "not ended in time" if late else "no end was told"
        return Ran(goal.id, goal.family, arm, why, ended, False, 0, seconds, 0, 0, said[-400:], calls)
    return Ran(
        *(goal.id, goal.family, arm, why, str(last["why"]), bool(last["good"])),
        *(int(last["steps"]), float(last["seconds"]), int(last["tokens"]), int(last["commits"])),
        str(last["text"]),
        calls,
    )


def _orch(area: Area, project: Path, *given: str) -> str:
    """What a short command printed, its errors included. A run is judged whatever it says."""
    process = area.start(project, given, subprocess.STDOUT)
    assert process.stdout is not None
    said = process.stdout.read().decode("utf-8", "replace")
    process.stdout.close()
    process.wait()
    return said


def _keep(
    folder: Path, goal: Goal, ran: Ran, events: Sequence[dict[str, Any]], said: str, project: Path
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    (folder / "events.jsonl").write_text(lines, encoding="utf-8")
    (folder / "stderr.txt").write_text(said, encoding="utf-8")
    calls = "".join(f"  {call}\n" for call in ran.calls)
    page = f"{goal.text}\ncheck: {goal.check}\n\n{calls}\nended: {ran.ended}: {ran.said}\n"
    page += f"{ran.steps} steps, {ran.seconds:.0f} s, {ran.tokens} tokens, {ran.commits} commits\n"
    (folder / "summary.txt").write_text(f"{page}hidden check: {ran.why or 'holds'}\n", encoding="utf-8")
    shutil.copytree(project, folder / "project", symlinks=True)
