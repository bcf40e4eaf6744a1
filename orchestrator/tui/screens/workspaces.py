"""The projects of this node, to choose one from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator.errors import OrchError
from orchestrator.terminal import one_line
from orchestrator.tui.node import GitState, Node, ProjectRow
from orchestrator.tui.screens.add_folder import AddFolderScreen, shortened
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.screens.question import QuestionScreen
from orchestrator.tui.times import absolute, ago, now
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.row_list import Cell, Column, Row
from orchestrator.tui.widgets.search_list import SearchList

COLUMNS = (
    Column(1),  # here
    Column(),  # name
    Column(14),  # branch
    Column(4),  # uncommitted
    Column(cut="start"),  # path
    Column(11),  # last used
)


class WorkspaceScreen(Dialog[ProjectRow | None]):
    """Gives the chosen project; switching to it is the caller's business.

    `current` is the id of the project that is open. Git is asked for the rows in view only, one
    after another in a thread, and once while the screen lives.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("a,ctrl+n", "add", "add folder"),
        Binding("delete", "forget", "forget", key_display="del"),
        Binding("escape", "back", "close", key_display="esc"),
    ]

    def __init__(self, node: Node, current: str = "", *, clock: Callable[[], datetime] = now) -> None:
        super().__init__()
        self._node = node
        self._current = current
        self._clock = clock
        self._projects: dict[str, ProjectRow] = {}
        self._git: dict[str, GitState] = {}
        self._reading = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Projects"
            yield SearchList(COLUMNS, placeholder="/ or type to search", keys="a")
            yield Static(id="says")
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._list = self.query_one(SearchList)
        self.watch(self._list.rows, "scroll_y", self._read_git, init=False)
        self._reload()

    # --- rows -------------------------------------------------------------------------------

    def _reload(self, highlight: str | None = None) -> None:
        self.run_worker(self._load(highlight), exclusive=True, group="projects")

    async def _load(self, highlight: str | None) -> None:
        try:
            found = await asyncio.to_thread(self._node.projects)
        except OrchError as error:
            self._say(str(error))
            return
        self._projects = {row.id: row for row in found}
        self._show(highlight)

    @on(SearchList.Searched)
    def _searched(self) -> None:
        self._show()

    def _show(self, highlight: str | None = None) -> None:
        words = self._list.text.casefold().split()
        rows = [
            row
            for row in self._projects.values()
            if all(word in f"{row.name} {row.root}".casefold() for word in words)
        ]
        self._list.set_rows((self._row(row) for row in rows), highlight)
        if not self._projects:
            self._say("No project yet: press a to add a folder.")
        elif not rows:
            self._say("No project has these words in its name or path.")
        self.call_after_refresh(self._read_git)

    def _row(self, project: ProjectRow) -> Row:
        git = self._git.get(project.id, GitState())
        muted = "" if project.here else "dim"
        at = self._clock()
        return Row(
            project.id,
            (
                Cell("▸" if project.id == self._current else "", "bold"),
                Cell(project.name, muted or "bold"),
                Cell(git.branch if project.here else "gone", muted),
                Cell(_count(git.dirty)),
                Cell(shortened(project.root), "dim"),
                Cell(ago(project.last_used, at), "dim"),
            ),
            tip=f"{project.root}, last used {absolute(project.last_used, at) or 'never'}",
        )

    def _read_git(self) -> None:
        if not self._reading:
            self.run_worker(self._ask_git(), group="git")

    async def _ask_git(self) -> None:
        self._reading = True
        try:
            while (project := self._without_git()) is not None:
                self._git[project.id] = await asyncio.to_thread(self._node.git_state, project.root)
                self._list.rows.set_row(self._row(project))
        finally:
            self._reading = False

    def _without_git(self) -> ProjectRow | None:
        """The first row in view whose git has not been asked."""
        for identity in self._list.rows.in_view():
            project = self._projects.get(identity)
            if project is not None and project.here and identity not in self._git:
                return project
        return None

    # --- what a person does -----------------------------------------------------------------

    @on(SearchList.Moved)
    def _moved(self, event: SearchList.Moved) -> None:
        project = self._projects[event.id]
        used = absolute(project.last_used, self._clock())
        gone = "" if project.here else "The folder is gone. "
        self._say(f"{gone}{project.root}{f' · last used {used}' if used else ''}")

    def _say(self, text: str) -> None:
        for found in self.query("#says").results(Static):  # none once the screen is closed
            found.update(Content(one_line(text, 500)), layout=False)

    @on(SearchList.Chosen)
    def action_choose(self) -> None:
        project = self._chosen()
        if project is None:
            return
        if project.here:
            self.dismiss(project)
        else:
            self._say("The folder is gone: bring it back, or press del to forget the project.")

    def _chosen(self) -> ProjectRow | None:
        return self._projects.get(self._list.rows.current or "")

    def action_search(self) -> None:
        self._list.search()

    def action_add(self) -> None:
        project = self._chosen()
        start = project.root.parent if project else Path.home()

        def added(row: ProjectRow | None) -> None:
            if row is not None:
                self._list.back()
                self._reload(row.id)

        self.app.push_screen(AddFolderScreen(self._node, start), added)

    def action_forget(self) -> None:
        project = self._chosen()
        if project is None:
            return
        if project.id == self._current:
            self._say("This project is open: choose another one first.")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._forget(project.id), group="forget")

        what = "Its files and its records stay; opening the folder again brings it back."
        self.app.push_screen(QuestionScreen(f"Forget {project.name}?", what), answered)

    async def _forget(self, project: str) -> None:
        try:
            await asyncio.to_thread(self._node.forget_project, project)
        except OrchError as error:
            self._say(str(error))
        else:
            self._reload()

    def action_back(self) -> None:
        if not self._list.back():
            self.dismiss(None)


def _count(dirty: int) -> str:
    if not dirty:
        return ""
    return f"●{dirty}" if dirty < 1000 else "●1k+"
