"""The command palette: every key and every command, one a line, found by any word of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from orchestrator.tui import commands, keys

if TYPE_CHECKING:
    from orchestrator.tui.app import OrchApp

COLUMN = 12
"""Columns of the key or command."""
ITSELF = "command_palette"


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is a key or a command with its slash."""

    name: str
    help: str
    run: Callable[[], object]

    @property
    def text(self) -> str:
        return f"{self.name:<{COLUMN}} {self.help}"


def entries(app: OrchApp) -> Iterator[Entry]:
    """Keys first, then what has none: the app's commands run, those of a session begin in the prompt."""
    with_key = {key.action for key in keys.KEYS}
    for key in keys.KEYS:
        if key.action != ITSELF:
            yield Entry(keys.short(key.keys), key.help, partial(app.run_action, key.action))
    for name, help_text in commands.listing():
        action = commands.action(f"/{name}")
        if action is None or name in commands.WITH_WORDS:
            yield Entry(f"/{name}", help_text, partial(app.main.prompt.begin, f"/{name}"))
        elif action not in with_key:
            yield Entry(f"/{name}", help_text, partial(app.run_action, action))


class Palette(Provider):
    """Where Textual's palette gets its lines from."""

    async def discover(self) -> Hits:
        for number, entry in enumerate(entries(cast("OrchApp", self.app))):
            # Textual orders these by their text; ours stand as they were declared.
            yield DiscoveryHit(Content(entry.text), entry.run, text=f"{number:03}")

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for entry in entries(cast("OrchApp", self.app)):
            if score := matcher.match(entry.text):
                yield Hit(score, matcher.highlight(entry.text), entry.run, text=entry.text)
