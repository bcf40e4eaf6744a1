"""The `/` commands of an interactive session: from a line to what it did, for every front end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.agent.window_report import lines, turn_line
from orchestrator.config import MODES
from orchestrator.errors import UsageError
from orchestrator.types import Kind, Mode

if TYPE_CHECKING:
    from orchestrator.agent.session import Session


@dataclass(frozen=True, slots=True)
class Said:
    """It is done; the text is for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The user leaves."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The user wants a fresh instance, on another model where one is named (not checked yet)."""

    model: str | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """Files and conversation are as before `prompt`, which the user may want to say otherwise."""

    text: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Play:
    """The line is a prompt for `Session.turn`."""

    line: str


Outcome = Said | Leave | Fresh | Back | Play


@dataclass(frozen=True, slots=True)
class Command:
    help: str
    run: Callable[[Session, str], Outcome]


def handle(line: str, session: Session) -> Outcome:
    """Run one command line. Raises `UsageError` when it is none, `OrchError` when it fails."""
    name, _, rest = line[1:].strip().partition(" ")
    if name not in COMMANDS:
        raise unknown(name, list(COMMANDS))
    return COMMANDS[name].run(session, rest.strip())


def unknown(name: str, names: list[str]) -> UsageError:
    """The error for a command that does not exist, with the nearest of those that do."""
    import difflib

    near = difflib.get_close_matches(name, names, n=1)
    return UsageError(f"There is no /{name}.", f"Did you mean /{near[0]}?" if near else "See /help.")


def _help(session: Session, rest: str) -> Outcome:
    return Said("\n".join(f"/{name:<9} {command.help}" for name, command in COMMANDS.items()))


def _mode(session: Session, rest: str) -> Outcome:
    if rest:
        try:
            session.gate.mode = MODES[MODES.index(Mode(rest))]
        except ValueError:
            names = ", ".join(mode.value for mode in MODES)
            raise UsageError(f"There is no mode {rest!r}.", f"Choose from: {names}.") from None
    return Said(f"mode: {session.gate.mode.value}")


def _model(session: Session, rest: str) -> Outcome:
    return Fresh(rest) if rest else Said(f"model: {session.model}")


def _private(session: Session, rest: str) -> Outcome:
    if not rest:
        raise UsageError("/private needs a prompt.", "Write /private TEXT.")
    return Play(f"/private {rest}")


def _handoff(session: Session, rest: str) -> Outcome:
    return Play(f"/handoff {rest}".rstrip())


_SUPERSEDES = re.compile(r"[;,]?\s+supersedes:?\s+\[?(D\d+|S[0-9a-f]{4,}#\d+|[0-9a-f]{8,64})\]?\s*$")
_REJECTED = re.compile(r";\s*rejected:?\s+(.+)$")
"""Both as documents write them: after a semicolon, since a reason may speak of what was rejected."""


def _note(command: str, kind: Kind) -> Command:
    def note(session: Session, rest: str) -> Outcome:
        more = {}
        for name, pattern in (("supersedes", _SUPERSEDES), ("rejected", _REJECTED)):
            if found := pattern.search(rest):
                more[name], rest = found[1].strip(), rest[: found.start()]
        text, _, because = rest.partition(" because ")
        if not text.strip():
            raise UsageError(f"/{command} needs its text.", f"Write /{command} TEXT because REASON.")
        return Said(f"noted: {kind} [{session.notes.add(kind, text.strip(), because.strip(), more=more)}]")

    return Command(NOTES[command], note)


def _confirm(session: Session, rest: str) -> Outcome:
    if not rest:
        raise UsageError("/confirm needs a note.", "Write /confirm and its citation, such as S7f3a#3 or D2.")
    return Said(f"confirmed: [{session.notes.confirm(rest.strip('[] '))}]")


def _dead_end(session: Session, rest: str) -> Outcome:
    said, _, instead = rest.partition(" instead ")
    text, _, error = said.partition(" error ")
    if not text.strip():
        raise UsageError(
            "/deadend needs what was tried.", "Write /deadend TRIED error ERROR instead DO THIS."
        )
    more = {"error": error.strip(), "instead": instead.strip()}
    return Said(f"noted: dead end [{session.notes.add('dead_end', text.strip(), more=more)}]")


def _context(session: Session, rest: str) -> Outcome:
    assert session.window is not None
    shown = lines(session.parts_now(), session.window.left_out, session.context_size)
    if session.last_turn:
        shown.append(turn_line(session.last_turn))
    usage = session.meter.total
    shown.append(
        f"so far: {usage.prompt_tokens:,} tokens read, {usage.cached_tokens:,} of them from the cache"
    )
    return Said("\n".join(shown))


_SCOPES = ("files", "conversation", "diff", "overwrite")


def _rewind(session: Session, rest: str) -> Outcome:
    """`/rewind`, `/rewind ID`, and one of `_SCOPES` after it."""
    from orchestrator.agent.point_list import changes, table

    if session.busy:
        raise UsageError("The model is at work.", "Stop it first, then go back.")
    name, _, scope = rest.partition(" ")
    rewinding = session.rewinding
    if not name:
        return Said(table(rewinding.points))
    if scope and scope not in _SCOPES:
        raise UsageError(f"/rewind does not know {scope!r}.", f"Choose from: {', '.join(_SCOPES)}.")
    point = rewinding.points.find(name)
    if scope == "diff":
        return Said(changes(rewinding.points.store, rewinding.plan(point)))
    went = rewinding.go(
        point,
        files=scope != "conversation",
        conversation=scope != "files",
        overwrite=scope == "overwrite",
    )
    return Back(went.told(), point.prompt if went.turns else "")


def _jobs(session: Session, rest: str) -> Outcome:
    return Said(session.jobs.command(rest))


NOTES = {
    "decide": "record a decision: /decide TEXT because REASON; rejected: OTHER; supersedes D1",
    "lesson": "record a lesson",
    "blocker": "record what blocks the work",
    "next": "record the next step",
    "goal": "set the goal that the project works towards",
    "constraint": "record what must not be broken",
    "deadend": "record what failed: /deadend TRIED error ERROR instead DO THIS",
    "note": "record anything else",
}
COMMANDS: dict[str, Command] = {
    "help": Command("this list", _help),
    "decide": _note("decide", "decision"),
    "lesson": _note("lesson", "lesson"),
    "blocker": _note("blocker", "blocker"),
    "next": _note("next", "next"),
    "goal": _note("goal", "goal"),
    "constraint": _note("constraint", "constraint"),
    "deadend": Command(NOTES["deadend"], _dead_end),
    "note": _note("note", "note"),
    "mode": Command("show or set: read-only, ask, workspace", _mode),
    "model": Command("show the model, or start a fresh session with another", _model),
    "private": Command("ask something that never leaves this machine: /private TEXT", _private),
    "handoff": Command("a fresh instance goes on from the documents: /handoff NEXT GOAL", _handoff),
    "confirm": Command("make a note of the model's your own word: /confirm S7f3a#3", _confirm),
    "context": Command("what is in the model's window", _context),
    "rewind": Command("go back to before a prompt: list, /rewind N, /rewind N diff", _rewind),
    "jobs": Command("background jobs: list, /jobs N, /jobs stop N, /jobs run COMMAND", _jobs),
    "new": Command("close this session and start a fresh instance", lambda session, rest: Fresh()),
    "quit": Command("leave; the session is written", lambda session, rest: Leave()),
}
