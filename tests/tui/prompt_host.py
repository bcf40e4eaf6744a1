"""An app with nothing but a chat and the prompt, for the tests of the prompt."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.pilot import Pilot
from textual.widgets import Static

import orchestrator.tui
from orchestrator.tui.history import History
from orchestrator.tui.keys import KEYS
from orchestrator.tui.widgets.completion import Completion
from orchestrator.tui.widgets.prompt import Prompt

COMMANDS = (
    ("help", "Keys and commands"),
    ("mode", "What may happen without a question: read-only, ask, workspace"),
    ("model", "Another model"),
    ("decide", "Record a decision: /decide … because …"),
    ("lesson", "Record a lesson"),
    ("blocker", "Record what blocks"),
    ("next", "Record what comes next"),
    ("note", "Record a note"),
    ("sessions", "Earlier sessions of this project"),
    ("quit", "Leave"),
)


class Chat(Static):
    """Counts how often it was laid out anew."""

    resized = 0

    def on_resize(self, _: Resize) -> None:
        self.resized += 1


class Host(App[None]):
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = Path(orchestrator.tui.__file__).parent / "styles" / "prompt.tcss"
    CSS = "#chat { height: 1fr; }"
    BINDINGS = [  # noqa: RUF012
        Binding(one, f"app_key('{one}')", key.help) for key in KEYS for one in key.keys.split(",")
    ]

    def __init__(self, home: Path, root: Path | None = None, theme: str = "textual-dark") -> None:
        super().__init__()
        self.chat = Chat(
            "\n".join(f"line {n} of the chat [bold]" for n in range(60)), id="chat", markup=False
        )
        self.prompt = Prompt(commands=COMMANDS, root=root, history=History(home / "history"))
        self.prompt.area.cursor_blink = False
        self.sent: list[str] = []
        self.keys: list[str] = []
        self._theme_name = theme

    def compose(self) -> ComposeResult:
        yield self.chat
        yield self.prompt

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.prompt.focus()

    @on(Prompt.Submitted)
    def _sent(self, event: Prompt.Submitted) -> None:
        self.sent.append(event.text)

    def action_app_key(self, key: str) -> None:
        self.keys.append(key)

    @property
    def menu(self) -> Completion:
        return self.query_one(Completion)

    @property
    def labels(self) -> list[str]:
        return [item.label for item in self.menu.items]


async def typed(pilot: Pilot[None], text: str) -> None:
    """Type the text, a key a character."""
    names = {" ": "space", "\n": "ctrl+j"}
    await pilot.press(*(names.get(char, char) for char in text))


async def settled(pilot: Pilot[None]) -> None:
    """Wait for the files that were asked for."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
