"""The app's own `/` commands, beside those of every session (`agent.slash`)."""

from __future__ import annotations

from orchestrator.agent import slash

ACTIONS: dict[str, tuple[str, str]] = {
    "workspace": ("choose another project", "open('workspace')"),
    "sessions": ("earlier sessions: search, read, go on", "open('sessions')"),
    "models": ("models: choose or download", "open('models')"),
    "run": ("pursue a goal alone, on a branch: /run GOAL --check COMMAND", "open('runs')"),
    "runs": ("runs: watch, pause, edit, take over, apply", "open('runs')"),
    "handback": ("let the run go on whose tree this is", "open('hand_back')"),
    "trace": ("what tools were called", "pane('trace')"),
    "terminal": ("output of commands, your own shell", "pane('terminal')"),
    "log": ("records as they are written", "pane('log')"),
    "xray": ("what is in the model's window", "pane('xray')"),
    "jobs": ("background jobs: state, output, stop", "open('jobs')"),
    "rewind": ("go back to before a prompt: list, diff, restore", "open('rewind')"),
    "theme": ("dark, light, or the terminal's own colours", "next_theme"),
    "copy": ("copy the last answer", "copy_answer"),
}
"""name -> (help, the app's action)."""
WITH_WORDS = ("run",)
"""Commands of the app that one goes on writing."""
REPLACED = {"help": ("keys and commands", "open('help')"), "context": ACTIONS["xray"]}
"""Commands of a session that the app shows in a place of its own."""
BARE = ("jobs", "rewind")
"""Shown in a place of their own where nothing stands behind them; else the session runs them."""


def listing() -> list[tuple[str, str]]:
    """Every command with its help, those of the session first: for completion and help."""
    of_session = [(name, command.help) for name, command in slash.COMMANDS.items()]
    return of_session + [(name, text) for name, (text, _) in ACTIONS.items() if name not in BARE]


def action(line: str) -> str | None:
    """The app's action for a command line, or None when the session is to run it."""
    name, _, rest = line[1:].strip().partition(" ")
    if name == "model" and not rest.strip():
        return ACTIONS["models"][1]
    if name in BARE and rest.strip():
        return None
    if name == "run" and rest.strip():
        return f"open('run', {rest.strip()!r})"
    found = ACTIONS.get(name) or REPLACED.get(name)
    return found[1] if found else None


def check(line: str) -> None:
    """Raise `UsageError` for a command that neither the app nor the session has."""
    name = line[1:].strip().partition(" ")[0]
    names = [name for name, _ in listing()]
    if name not in names:
        raise slash.unknown(name, names)
