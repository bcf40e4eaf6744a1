"""A session's events as plain text or NDJSON, for `ask` and `chat`.

The answer goes to stdout, all else to stderr; nothing untrusted reaches the terminal unfiltered.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from orchestrator.events import (
    Answer,
    Event,
    HandedOver,
    Loading,
    Notice,
    PrefillProgress,
    SessionStart,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
    event_json,
)
from orchestrator.terminal import one_line, plain

SLOW_PREFILL = 256  # tokens: below this the wait is too short to report
RESULT_LINES = 6
WIDTH = 110


class Json:
    """One event a line, flushed as it comes; without secrets, since scripts keep what they read."""

    def __init__(self, out: TextIO) -> None:
        from orchestrator.journal.redacted_events import RedactedEvents

        self._out = out
        self._leaving = RedactedEvents()

    def show(self, event: Event) -> None:
        if not isinstance(event, Loading):  # a script's first line is session_start
            for one in self._leaving.of(event):
                self.write(event_json(one))

    def write(self, value: dict[str, Any]) -> None:
        # ASCII with \u escapes: no encoding of the terminal or pipe can break a line.
        print(json.dumps(value), file=self._out, flush=True)


class Quiet:
    """Only the answer, on stdout."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, event: Event) -> None:
        if isinstance(event, Answer):
            print(plain(event.text), file=self._out, flush=True)
        elif isinstance(event, Notice) and event.level == "warning":
            print(f"orch: {plain(event.text)}", file=sys.stderr, flush=True)


class Plain:
    """The answer as it streams; calls and results dimmed on stderr."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._colour = err.isatty() and not os.environ.get("NO_COLOR")
        self._in_answer = False
        self._progress = False

    def show(self, event: Event) -> None:
        if not isinstance(event, PrefillProgress | Loading):
            self._clear_progress()
        match event:
            case Token():
                self._in_answer = True
                print(plain(event.text), end="", file=self._out, flush=True)
            case Answer():
                print("" if self._in_answer else plain(event.text), file=self._out, flush=True)
                self._in_answer = False
                if event.interrupted:
                    self._aside("(interrupted)")
            case ToolCallEvent():
                self._aside(f"▸ {event.name} {_arguments(event)}")
            case ToolOutput():
                self._aside(event.text, end="")
            case ToolResultEvent():
                self._result(event)
            case Notice():
                self.end_line()
                self._aside(f"orch: {event.text}")
            case HandedOver():
                for line in event.lines:
                    self._aside(f"  {one_line(line, WIDTH)}")
            case SessionStart():
                sandbox = event.sandbox if event.sandbox != "none" else "no sandbox"
                self._aside(f"{event.model} · {event.mode} · {sandbox} · {event.path}")
            case PrefillProgress():
                if event.total >= SLOW_PREFILL:
                    self._waiting(f"reading {event.done}/{event.total} tokens ")
            case Loading():
                self._waiting(f"loading the model {event.share:.0%} ")
            case _:
                pass

    def end_line(self) -> None:
        """What is written next, an error perhaps, starts a line of its own."""
        self._clear_progress()
        if self._in_answer:
            self._in_answer = False
            print(file=self._out, flush=True)

    def _result(self, event: ToolResultEvent) -> None:
        code = "" if event.exit_code is None else f", exit {event.exit_code}"
        self._aside(f"  {'ok' if event.ok else 'failed'}{code}, {event.duration_ms} ms  [{event.citation}]")
        body = event.diff or ("" if event.exit_code is not None else event.text)
        lines = plain(body).splitlines()
        for line in lines[:RESULT_LINES]:
            self._aside(f"  │ {line[:WIDTH]}")
        if len(lines) > RESULT_LINES:
            self._aside(f"  │ … {len(lines) - RESULT_LINES} more lines")

    def _waiting(self, text: str) -> None:
        if self._err.isatty():
            self._progress = True
            print(f"\r{text}", end="", file=self._err, flush=True)

    def _clear_progress(self) -> None:
        if self._progress:
            self._progress = False
            print("\r" + " " * 40 + "\r", end="", file=self._err, flush=True)

    def _aside(self, text: str, end: str = "\n") -> None:
        text = plain(text)
        text = f"\x1b[2m{text}\x1b[0m" if self._colour else text
        print(text, end=end, file=self._err, flush=True)


def _arguments(event: ToolCallEvent) -> str:
    return one_line(" ".join(str(value) for value in event.arguments.values()), WIDTH)
