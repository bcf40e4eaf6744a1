"""The app's keys, declared once: footer, help screen and command palette are made from this."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """`keys` as Textual names them, comma-separated; `action` is one of the app's; `footer` a short word."""

    keys: str
    action: str
    footer: str
    help: str
    shown: bool = True
    """In the footer; all are on the help screen and in the palette."""


# What comes first is in the footer of a narrow terminal, too.
KEYS: tuple[Key, ...] = (
    Key("f1", "open('help')", "help", "Keys and commands"),
    Key("ctrl+p", "command_palette", "palette", "Everything, by name"),
    Key("escape", "back", "stop", "One step back; in the end, stop the model"),
    Key("ctrl+t", "pane('trace')", "trace", "What tools were called, and what came of it"),
    Key("ctrl+y", "pane('terminal')", "terminal", "Output of commands, and your own shell"),
    Key("ctrl+l", "pane('log')", "log", "Records as they are written"),
    Key("ctrl+x", "pane('xray')", "x-ray", "What is in the model's window"),
    Key("ctrl+w", "open('workspace')", "workspace", "Choose another project"),
    Key("ctrl+o", "open('sessions')", "sessions", "Earlier sessions of this project"),
    Key("f5", "open('runs')", "runs", "Runs: goals that are pursued alone"),
    Key("f6,ctrl+h", "open('handoff')", "handoff", "Go on with a fresh instance"),
    Key("shift+tab", "next_mode", "mode", "Next approval mode", shown=False),
    Key("ctrl+n", "new_session", "new", "A fresh instance in this project", shown=False),
    Key("f4", "focus_on('approval')", "answer", "Turn to the question that waits for an answer", shown=False),
    Key("f2", "focus_on('prompt')", "prompt", "Back to the prompt", shown=False),
    Key("f3", "next_theme", "theme", "Dark, light, or the terminal's own colours", shown=False),
    Key("ctrl+c", "leave", "leave", "Stop; pressed twice, leave", shown=False),
)


def bindings() -> list[Binding]:
    """The declaration as Textual takes it."""
    return [Binding(key.keys, key.action, key.help, show=key.shown) for key in KEYS]


def short(keys: str) -> str:
    """`ctrl+t` as `^T`."""
    first = keys.split(",")[0]
    if first.startswith("ctrl+"):
        return f"^{first[5:].upper()}"
    return {"escape": "esc"}.get(first, first.upper() if first.startswith("f") else first)
