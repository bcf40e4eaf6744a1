"""What a person does with autonomous runs in the app: start, open, take over, hand back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from orchestrator.autonomy.happenings import Happening, RunEnded, RunStarted
from orchestrator.autonomy.plan import render
from orchestrator.errors import OrchError, UsageError
from orchestrator.events import Event, Notice
from orchestrator.terminal import plain
from orchestrator.tui import run_log
from orchestrator.tui.run_node import RunsNode, RunView
from orchestrator.tui.run_player import RunPlayer

if TYPE_CHECKING:
    from orchestrator.tui.app import OrchApp

LOOK_S = 0.3
"""Between two looks at whether a run has paused."""
CHECK = " --check "


class RunDesk:
    """`player` outlives the screens; whoever runs the app closes it. `taken` is the id of the run whose tree
    is the project now, empty while none is."""

    def __init__(self, app: OrchApp, node: RunsNode) -> None:
        self._app = app
        self.node = node
        self.player = RunPlayer(self._heard)
        self.taken = ""
        self._home = Path()

    @property
    def project(self) -> Path:
        """Where runs of the open project are started from: not the tree of one."""
        return self._home if self.taken else self._app.wish.project

    def list(self) -> None:
        from orchestrator.tui.screens.runs import RunsScreen

        def chosen(run: str | None) -> None:
            if run:
                self.show(run)

        self._app.push_screen(RunsScreen(self.node, self.project), chosen)

    def show(self, run: str) -> None:
        from orchestrator.tui.screens.run import RunScreen

        self._app.push_screen(RunScreen(self, self.project, run))

    def start(self, line: str) -> None:
        """`GOAL`, or `GOAL --check COMMAND`. Raises `OrchError`s."""
        goal, _, check = (part.strip() for part in line.partition(CHECK))
        if not goal:
            raise UsageError("There is no goal.", "/run GOAL --check COMMAND")
        self.player.play(self.node.start(self.project, goal, check, self._app.wish.model))
        self._tell("A run is prepared: a branch and a worktree of its own. Your files are not touched.")

    def resume(self, project: Path, run: str) -> None:
        """Raises `ProjectError` while another is played here."""
        self.player.play(self.node.resume(project, run), run)

    # --- taking over ------------------------------------------------------------------------

    async def take_over(self, view: RunView, project: Path) -> None:
        """Pause it, and make its tree the project."""
        run = view.state.run
        try:
            while (view := await asyncio.to_thread(self.node.read, project, run)).alive:
                if view.state.wanted == "go":
                    await asyncio.to_thread(self.node.ask, project, run, "pause")
                await asyncio.sleep(LOOK_S)
            tree = await asyncio.to_thread(self.node.tree, project, run)
        except OrchError as error:
            self._tell(str(error), "warning")
            return
        self._home, self.taken = project, run
        await self._move(tree)
        branch = view.state.facts.branch
        self._tell(f"You work in the run's own tree, branch {branch}. /handback lets it go on from there.")
        self._tell(f"Its plan:\n{plain(render(view.state.plan))}")

    async def hand_back(self) -> None:
        """The project is the user's again, and the run goes on with what was done meanwhile."""
        if not self.taken:
            self._tell("No run was taken over: /runs lists them.", "warning")
            return
        run, self.taken = self.taken, ""
        await self._move(self._home)
        await self._app.conductor.without.wait()  # its session writes its log entry into the tree of the run
        try:
            self.resume(self._home, run)
        except OrchError as error:
            self._tell(str(error), "warning")

    async def _move(self, folder: Path) -> None:
        while self._app.screen is not self._app.main:
            await self._app.pop_screen()
        await self._app.main.clear()
        self._app.open(replace(self._app.wish, project=folder))

    # --- what happens -----------------------------------------------------------------------

    def _heard(self, event: Happening | Event | OrchError) -> None:
        from orchestrator.tui.screens.run import RunScreen

        if not self._app.is_running:
            return
        match event:
            case OrchError():
                self._tell(str(event), "warning")
            case RunStarted():
                if self._app.screen is self._app.main and not self._app.main.prompt.text:
                    self.show(event.run)
                else:
                    self._tell(f"Run {event.run[:8]} is at work: F5 shows it.")
            case RunEnded():
                self._tell(f"Run {event.run[:8]}: {run_log.ended(event)} F5 shows it.")
            case _:
                pass
        for screen in self._app.screen_stack:
            if isinstance(screen, RunScreen):
                screen.heard()

    def _tell(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        self._app.main.show(Notice(text, level))
