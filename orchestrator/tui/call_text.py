"""How a tool call reads in the trace: its one line, and all of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from orchestrator.terminal import one_line
from orchestrator.tui.lines import Line, Span, cells, count, fold, spread

OUTPUT_LINES = 12
"""Last lines of a running command that its opened call shows."""
SHORT_CHARS = 400
"""Of an argument on one line."""
INDENT = "  "
NARROW = 40
"""Cells below which a line leaves out how long the call took."""
STOP = "⏹"
ASKED = f"waits for you {STOP}"


class State(Enum):
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    DENIED = "denied"
    CHANGED = "changed by you"
    INTERRUPTED = "interrupted"


@dataclass(slots=True)
class Call:
    """One call and what became of it. Texts are untrusted, and already capped.

    `started` is on the monotonic clock, in seconds. `added` and `removed` count changed lines.
    """

    name: str
    arguments: Mapping[str, str]
    citation: str = ""
    started: float = 0.0
    state: State = State.RUNNING
    text: str = ""
    diff: str = ""
    added: int = 0
    removed: int = 0
    exit_code: int | None = None
    duration_ms: int = 0
    truncated: bool = False
    result_citation: str = ""
    output: str = ""
    opened: bool = False
    folded: tuple[int, list[Line]] | None = None
    """A width, and its lines at that width when opened."""
    folded_height: tuple[int, int] | None = None
    """A width, and how many lines that are: kept longer than the lines."""

    def forget_folded(self) -> None:
        """It has changed."""
        self.folded = self.folded_height = None

    def chars(self) -> int:
        """How much text it keeps."""
        kept = (self.text, self.diff, self.output, *self.arguments.values())
        return sum(map(len, kept))

    def haystack(self) -> str:
        """All that a search looks at, casefolded."""
        parts = (self.name, *self.arguments.values(), self.text, self.diff, self.output, self.state.value)
        return "\n".join(parts).casefold()


# --- one line -----------------------------------------------------------------------------------


def header(call: Call, now: float, width: int, *, asked: bool = False) -> Line:
    """`▸ search  "QuotaExceeded"      3 hits 12ms`; `asked`: a person has yet to allow it."""
    running = call.state is State.RUNNING
    mark = "◉" if running else "▾" if call.opened else "▸"
    name = one_line(call.name, 20)
    left = (
        Span(f"{mark} ", "accent" if running else "muted"),
        Span(f"{name:<7} ", "strong"),
        *short_arguments(call),
    )
    right = (Span(ASKED, "accent"),) if asked else outcome(call, now)
    return spread(left, right if width >= NARROW else right[:1], width)


def short_arguments(call: Call) -> Line:
    """The arguments on one line; what follows a path is dimmed."""
    values = dict(call.arguments)
    if call.name == "search" and "pattern" in values:
        values["pattern"] = f'"{values["pattern"]}"'
    path = values.pop("path", "") if call.name in ("read", "write", "edit") else ""
    rest = one_line(" ".join(value[:SHORT_CHARS] for value in values.values()), SHORT_CHARS)
    if not path:
        return (Span(rest),)
    return (Span(one_line(path[:SHORT_CHARS])), Span(f" {rest}" if rest else "", "muted"))


def as_said(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in the order in which people say them; records sort their keys."""
    first = [name for name in ("path", "old", "new") if name in arguments]
    return {name: arguments[name] for name in [*first, *arguments]}


def outcome(call: Call, now: float) -> Line:
    """The end of the line: what came of it, and how long it took."""
    spent = Span(f" {duration(call.duration_ms)}", "muted")
    match call.state:
        case State.RUNNING:
            return (Span(f"running {max(int(now - call.started), 0)} s {STOP}", "accent"),)
        case State.OK:
            return (Span(yielded(call), "muted"), spent)
        case State.FAILED:
            code = call.exit_code
            return (Span(f"✗ exit {code}" if code is not None else f"✗ {failure(call)}", "warning"), spent)
        case State.CHANGED:
            return (Span(call.state.value, "muted"),)
        case _:
            return (Span(f"✗ {call.state.value}", "warning"),)


def yielded(call: Call) -> str:
    """What a call that went well brought: `3 hits`, `9 lines`, `+1 −1`, `exit 0`."""
    if call.added or call.removed:
        return f"+{call.added} −{call.removed}"
    if call.exit_code is not None:
        return f"exit {call.exit_code}"
    head = call.text[:400]
    if call.name == "search":
        end = call.text[-400:]
        if found := re.search(r"^\(.*?([\d,]+) match(?:es)? in ", end, re.MULTILINE):
            return count(_number(found[1]), "hit")
        if found := re.search(r"^\(([\d,]+) file names? for ", end, re.MULTILINE):
            return count(_number(found[1]), "name")
    if call.name == "read":
        if found := re.search(r", lines ([\d,]+)–([\d,]+) of ", head):
            return count(_number(found[2]) - _number(found[1]) + 1, "line")
        if found := re.search(r"([\d,]+) (line|file)s?:$", head, re.MULTILINE):
            return count(_number(found[1]), found[2])
    return ""


def failure(call: Call) -> str:
    """Two words for a failure without an exit code."""
    text = call.text[:400]
    if call.name == "search" and "No match" in text:
        return "no match"
    return "not found" if "does not exist" in text else "failed"


def duration(ms: int) -> str:
    """`12ms`, `1.2s`, `2m05s`."""
    if ms < 1000:
        return f"{ms}ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f}s"
    return f"{ms // 60_000}m{ms // 1000 % 60:02d}s"


def _number(text: str) -> int:
    return int(text.replace(",", "") or 0)


# --- all of it ----------------------------------------------------------------------------------


def detail(call: Call, width: int) -> list[Line]:
    """The lines under an opened call: arguments, what came of it, its change, how it ended."""
    inner = width - len(INDENT)
    lines: list[Line] = []
    shown_above = len(call.arguments) < 2 and cells(short_arguments(call)) < inner // 2
    if not shown_above or "\n" in "".join(call.arguments.values()):
        for name, value in call.arguments.items():
            lines += _argument(one_line(name, 40), value, inner)
    if call.state in (State.RUNNING, State.INTERRUPTED):
        lines += [(Span(line, "muted"),) for line in fold(call.output, inner)[-OUTPUT_LINES:]]
    if call.text:
        role = "" if call.state in (State.OK, State.RUNNING) else "warning"
        lines += [(Span(line, role if call.exit_code is None else ""),) for line in fold(call.text, inner)]
    lines += diff_lines(call.diff, inner)
    lines += [(Span(line, "muted"),) for line in fold(_ending(call), inner)]
    return [(Span(INDENT), *line) for line in lines]


def _argument(name: str, value: str, width: int) -> list[Line]:
    label = f"{name}: "
    if "\n" not in value and len(label) + len(value) <= width:
        return [(Span(label, "muted"), *(Span(line) for line in fold(value, width)[:1]))]
    return [(Span(label, "muted"),), *((Span(INDENT + line),) for line in fold(value, width - len(INDENT)))]


def diff_lines(diff: str, width: int) -> list[Line]:
    """A unified diff: added and removed lines by role, the rest dimmed."""
    roles = {"added": "added", "removed": "removed", "kept": "", "about": "muted"}
    return [(Span(piece, roles[what]),) for what, line in diff_parts(diff) for piece in fold(line, width)]


def diff_parts(diff: str) -> Iterator[tuple[str, str]]:
    """Each line of a unified diff, and whether it was added, removed, kept, or is about the diff."""
    in_hunk = False  # before it, +++ and --- name the files
    for line in diff.splitlines():
        in_hunk = in_hunk or line.startswith("@@")
        kind = {"+": "added", "-": "removed", " ": "kept"}.get(line[:1], "about")
        yield (kind if in_hunk else "about"), line


def _ending(call: Call) -> str:
    parts = [call.state.value]
    if call.exit_code is not None:
        parts.append(f"exit {call.exit_code}")
    if call.state in (State.OK, State.FAILED):
        parts.append(f"{call.duration_ms:,} ms")
    if call.truncated:
        parts.append("cut for the model")
    cited = [citation for citation in (call.citation, call.result_citation) if citation]
    return " · ".join([*parts, " → ".join(cited)] if cited else parts)
