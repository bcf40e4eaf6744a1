"""One task, one `orch ask`, and the judgement of what it left."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolated.area import Area, SetUpError, end

from tasks.collection import Entry
from tasks.state import untouched
from tasks.task import Call, Left, Task

OPTIONS = ("--mode", "workspace", "--approve", "always", "--max-steps", "6", "--json")


@dataclass(frozen=True, slots=True)
class Heard:
    """What the events of a run said."""

    began: bool = False
    answer: str = ""
    calls: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`why` is empty where the task was done. `seconds` are those of the whole process."""

    id: str
    group: str
    repository: str
    language: str
    prompt: str
    why: str
    seconds: float
    calls: tuple[str, ...] = field(default=())
    answer: str = ""

    @property
    def done(self) -> bool:
        return not self.why


def attempt(area: Area, entry: Entry, model: str, timeout_s: float, keep: Path | None) -> Attempt:
    """Ask, wait for the end, judge. `keep` is the folder for what a reader of misses wants to see.

    Raises `SetUpError`.
    """
    project = area.reset(entry.pristine, entry.repository.name)
    arguments = ["ask", "--project", str(project), "--model", model, *OPTIONS, "--", entry.task.prompt]
    started = time.monotonic()
    expired = threading.Event()
    with tempfile.TemporaryFile() as errors:
        process = area.start(project, arguments, errors)

        def stop() -> None:
            expired.set()
            with suppress(ProcessLookupError):
                end(process)

        timer = threading.Timer(timeout_s, stop)
        timer.start()
        try:
            assert process.stdout is not None
            lines = list(_lines(process.stdout))
            code = process.wait()
        finally:
            timer.cancel()
            if not expired.is_set():
                end(process)
        seconds = time.monotonic() - started
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()
    heard = listen(lines)
    if not heard.began and not expired.is_set():
        raise SetUpError(said[-300:] or f"it ended with exit code {code} and no event.")
    if expired.is_set():
        why = f"not done within {timeout_s:.0f} s"
    elif code:
        why = f"`orch ask` failed: {heard.error or said[-300:] or code}"
    else:
        why = judge(entry.task, Left(project, entry.pristine, heard.answer))
    task = entry.task
    outcome = Attempt(
        *(task.id, task.group, entry.repository.name, task.language, task.prompt, why, seconds),
        calls=heard.calls,
        answer=heard.answer,
    )
    if keep is not None:
        _keep(keep / task.id, outcome, lines, said, project)
    return outcome


def judge(task: Task, left: Left) -> str:
    """Why the task is not done; empty where it is."""
    for check in task.checks:
        if why := check(left):
            return why
    return untouched(left, task.changes, task.history)


def listen(lines: Iterable[bytes]) -> Heard:
    began, answer, error = False, "", ""
    calls = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        match event:
            case {"type": "session_start"}:
                began = True
            case {"type": "tool_call", "name": name, "arguments": dict(arguments)}:
                calls.append(f"{name} {json.dumps(arguments, ensure_ascii=False)}")
            case {"type": "answer", "text": str(text)}:
                answer = text
            case {"type": "error", "message": str(message)}:
                error = message
    return Heard(began, answer, tuple(calls), error)


def script(task: Task) -> list[Mapping[str, Any]]:
    """The reference solution, as a scripted model plays it."""
    return [
        {"tool": step.tool, "arguments": dict(step.arguments)} if isinstance(step, Call) else {"answer": step}
        for step in task.solution
    ]


def _lines(stream: Iterable[bytes]) -> Iterable[bytes]:
    with suppress(ValueError, OSError):  # closed under us when the time was up
        yield from stream


def _keep(folder: Path, outcome: Attempt, lines: list[bytes], said: str, project: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    (folder / "stderr.txt").write_text(said, encoding="utf-8")
    result = outcome.why or "done"
    steps = "".join(f"  {call}\n" for call in outcome.calls)
    page = f"{outcome.prompt}\n\n{steps}\nanswer: {outcome.answer}\n\n{result} ({outcome.seconds:.1f} s)\n"
    (folder / "summary.txt").write_text(page, encoding="utf-8")
    shutil.copytree(project, folder / "project", symlinks=True)
