"""One prompt, one `orch ask`, and the event that decides what it reached for."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from isolated.area import Area, SetUpError, end, kill

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


@dataclass(frozen=True, slots=True)
class FirstCall:
    """`seconds` run from the start of the process to the deciding event, the model's load included."""

    got: str
    parsable: bool
    seconds: float
    problem: str


@dataclass(slots=True)
class PromptArea(Area):
    """An area for prompts about one repository. `pristine` is copied, never used."""

    pristine: Path
    timeout_s: float
    fast: bool
    warm: bool = field(default=False, init=False)
    """Has one run been left to finish? Only then is the prompt's common prefix surely kept."""


def first_call(area: PromptArea, prompt: str, model: str) -> FirstCall:
    """Ask, wait for the event that decides, end the program. Raises `SetUpError`."""
    project = area.reset(area.pristine, "parcel")
    options = f"--model {model} --mode ask --approve never --max-steps 1 --json".split()
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = area.start(project, ["ask", "--project", str(project), *options, "--", prompt], errors)
        timer = threading.Timer(area.timeout_s, kill, [process])
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
            end(process)
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
