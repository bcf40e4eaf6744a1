"""The `/` commands of an interactive session: from a line to what it did, as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError
from orchestrator.types import Kind, Mode

if TYPE_CHECKING:
    from orchestrator.wiring import Desktop


class Quit(Exception):
    """The user leaves."""


class NewSession(Exception):
    """The user wants a fresh instance; `changes` are the options that differ."""

    def __init__(self, changes: dict[str, object]) -> None:
        super().__init__()
        self.changes = changes


def handle(line: str, desktop: Desktop) -> str:
    """Run one command line. Raises `Quit`, `NewSession`, or `UsageError` when it is none."""
    name, _, rest = line[1:].strip().partition(" ")
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        raise UsageError(f"There is no /{name}.", f"Did you mean /{near[0]}?" if near else "See /help.")
    return COMMANDS[name][1](desktop, rest.strip())


def _help(desktop: Desktop, rest: str) -> str:
    return "\n".join(f"/{name:<9} {text}" for name, (text, _) in COMMANDS.items())


def _quit(desktop: Desktop, rest: str) -> str:
    raise Quit


def _new(desktop: Desktop, rest: str) -> str:
    raise NewSession({})


def _mode(desktop: Desktop, rest: str) -> str:
    if rest:
        try:
            desktop.session.gate.mode = Mode(rest)
        except ValueError:
            names = ", ".join(mode.value for mode in Mode)
            raise UsageError(f"There is no mode {rest!r}.", f"Choose from: {names}.") from None
    return f"mode: {desktop.session.gate.mode.value}"


def _model(desktop: Desktop, rest: str) -> str:
    from orchestrator.models.select import choose
    from orchestrator.paths import home
    from orchestrator.wiring import RUNNABLE

    if not rest:
        return f"model: {desktop.model}"
    choose(rest, home(), kinds=RUNNABLE)  # an unknown name must not end this session
    raise NewSession({"model": rest})


def _note(kind: Kind) -> Callable[[Desktop, str], str]:
    def note(desktop: Desktop, rest: str) -> str:
        if not rest:
            raise UsageError(f"/{kind} needs its text.", "Add `because …` to give the reason.")
        text, _, because = rest.partition(" because ")
        return f"noted: {kind} [{desktop.session.note(kind, text.strip(), because.strip())}]"

    return note


def _context(desktop: Desktop, rest: str) -> str:
    window = desktop.session.window
    assert window is not None
    lines = [f"{part.tokens:>7,}  {part.name}" for part in desktop.session.parts_now()]
    lines += [f"{'':>7}  left out of {left.part}: {left.what} ({left.why})" for left in window.left_out]
    usage = desktop.session.meter.total
    lines.append(
        f"so far: {usage.prompt_tokens:,} tokens read, {usage.cached_tokens:,} of them from the cache"
    )
    return "\n".join(lines)


COMMANDS: dict[str, tuple[str, Callable[[Desktop, str], str]]] = {
    "help": ("this list", _help),
    "decide": ("record a decision: /decide TEXT because REASON", _note("decision")),
    "lesson": ("record a lesson", _note("lesson")),
    "blocker": ("record what blocks the work", _note("blocker")),
    "next": ("record the next step", _note("next")),
    "note": ("record anything else", _note("note")),
    "mode": ("show or set: read-only, ask, workspace", _mode),
    "model": ("show the model, or start a fresh session with another", _model),
    "context": ("what is in the model's window", _context),
    "new": ("close this session and start a fresh instance", _new),
    "quit": ("leave; the session is written", _quit),
}
"""name -> (help, what it does)."""
