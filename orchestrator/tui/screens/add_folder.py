"""A folder's path, typed with completion, that becomes a project on the list."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, Static

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.node import Node, ProjectRow
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.widgets.key_hints import KeyHints

_LOOKED_AT = 10_000
_OFFERED = 40


def folders(typed: str) -> list[str]:
    """Paths of folders that begin as typed, sorted, each ending in a separator; `~` stays as it is.

    Hidden ones only when their dot is typed. Empty for what cannot be read.
    """
    head, separator, beginning = typed.rpartition(os.sep)
    if not separator and not typed.startswith("~"):
        return []
    place = Path(f"{head}{separator}").expanduser() if separator else Path.home().parent
    found: list[str] = []
    try:
        with os.scandir(place) as entries:
            for _, entry in zip(range(_LOOKED_AT), entries, strict=False):
                hidden = entry.name.startswith(".") and not beginning.startswith(".")
                if entry.name.startswith(beginning) and not hidden and entry.is_dir():
                    found.append(f"{head}{separator}{entry.name}{os.sep}")
    except (OSError, ValueError, RuntimeError):
        return []
    return sorted(found, key=lambda path: path.removesuffix(os.sep))[:_OFFERED]


class _Folders(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(await asyncio.to_thread(folders, value)), None)


class AddFolderScreen(Dialog[ProjectRow | None]):
    """Gives the project that the folder lies in, once the node has put it on the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "add"),
        Binding("tab", "complete", "complete", priority=True),
        Binding("escape", "back", "back", key_display="esc"),
    ]

    def __init__(self, node: Node, start: Path) -> None:
        """`start` is the folder whose neighbours are offered first."""
        super().__init__()
        self._node = node
        self._start = f"{shortened(start)}{os.sep}"
        self._offered: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Add a folder"), classes="question")
            yield Input(self._start, suggester=_Folders(), select_on_focus=False, compact=True)
            yield Static(id="offered")
            yield Static(id="error")
            yield KeyHints(self.BINDINGS)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self.query_one("#error", Static).update("")
        self.run_worker(self._offer(event.value), exclusive=True, group="offer")

    async def _offer(self, typed: str) -> None:
        self._offered = await asyncio.to_thread(folders, typed)
        names = (one_line(Path(path).name, 30) for path in self._offered)
        for found in self.query("#offered").results(Static):  # none once the screen is closed
            found.update(Content("  ".join(names)))

    def action_complete(self) -> None:
        """As far as all that is offered agrees; then to the first."""
        line = self.query_one(Input)
        shared = os.path.commonprefix(self._offered)  # noqa: RUF071 -- by characters is what typing does
        if len(shared) > len(line.value):
            line.value = shared
        elif self._offered:
            line.value = self._offered[0]
        line.cursor_position = len(line.value)

    @on(Input.Submitted)
    def action_add(self) -> None:
        typed = self.query_one(Input).value.strip()
        if typed:
            self.run_worker(self._add(Path(typed)), exclusive=True, group="add")

    async def _add(self, folder: Path) -> None:
        try:
            row = await asyncio.to_thread(self._node.add_project, folder)
        except OrchError as error:
            for found in self.query("#error").results(Static):
                found.update(Content(one_line(str(error), 400)))
        else:
            self.dismiss(row)

    def action_back(self) -> None:
        self.dismiss(None)


def shortened(path: Path) -> str:
    """The path as people write it, with `~` for the user's home."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)
