"""A node whose answers stand in the test: projects, git, sessions, models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.autonomy.ending import Wanted
from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.errors import ProjectError
from orchestrator.ports import Approver
from orchestrator.tui.node import (
    GitState,
    LoggedRecord,
    Machine,
    ModelChoice,
    Opened,
    Progress,
    ProjectRow,
    SessionRow,
    Wish,
)
from orchestrator.tui.run_node import RunView
from orchestrator.types import Kind, Record

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@dataclass
class SmallRuns:
    """Runs that nobody plays. `asked` is what was wanted of them."""

    views: list[RunView] = field(default_factory=list)
    told: str = ""
    changes: str = ""
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def start(
        self, project: Path, goal: str, check: str, model: str | None
    ) -> AbstractAsyncContextManager[GoalRun]:
        raise NotImplementedError

    def resume(self, project: Path, run: str) -> AbstractAsyncContextManager[GoalRun]:
        raise NotImplementedError

    def all(self, project: Path) -> list[RunView]:
        return list(self.views)

    def read(self, project: Path, run: str) -> RunView:
        return next(view for view in self.views if view.state.run == run)

    def tree(self, project: Path, run: str) -> Path:
        return project

    def ask(self, project: Path, run: str, wanted: Wanted) -> None:
        self.asked.append(("ask", wanted))

    def edit(self, project: Path, run: str, plan: str) -> None:
        self.asked.append(("edit", plan))

    def report(self, project: Path, run: str) -> str:
        return self.told

    def diff(self, project: Path, run: str) -> str:
        return self.changes

    def apply(self, project: Path, run: str) -> str:
        self.asked.append(("apply",))
        return "main has the work now."

    def discard(self, project: Path, run: str) -> None:
        self.asked.append(("discard",))


@dataclass
class SmallNode:
    """`asked` lists the folders whose git was asked for, and `searched` what sessions were searched for.

    A pull reports `steps` (bytes done) and then waits for `gate`, if there is one.
    """

    rows: list[ProjectRow] = field(default_factory=list)
    git: dict[str, GitState] = field(default_factory=dict)
    past: list[SessionRow] = field(default_factory=list)
    said: dict[str, list[Record]] = field(default_factory=dict)
    choices: list[ModelChoice] = field(default_factory=list)
    machine_: Machine = field(default_factory=lambda: Machine(6_100_000_000, 81_000_000_000, 2))
    error: Exception | None = None
    steps: tuple[int, ...] = ()
    gate: threading.Event | None = None
    asked: list[Path] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    runs: SmallRuns = field(default_factory=SmallRuns)
    pulled: list[str] = field(default_factory=list)

    def open(self, wish: Wish, approver: Approver) -> AbstractAsyncContextManager[Opened]:
        raise NotImplementedError

    def check_model(self, name: str) -> None:
        self._fail()

    def prefer_model(self, name: str) -> None:
        self._fail()

    def projects(self) -> list[ProjectRow]:
        self._fail()
        return list(self.rows)

    def typing(self) -> None:
        pass

    def add_project(self, folder: Path) -> ProjectRow:
        if not folder.is_dir():
            raise ProjectError(f"{folder} does not exist.", "Name an existing folder.")
        row = ProjectRow("added", folder.name, folder, NOON.isoformat())
        self.rows.insert(0, row)
        return row

    def forget_project(self, project: str) -> None:
        self._fail()
        self.rows = [row for row in self.rows if row.id != project]

    def git_state(self, root: Path) -> GitState:
        self.asked.append(root)
        return self.git.get(root.name, GitState())

    def sessions(self, project: str, *, search: str = "", limit: int = 200) -> list[SessionRow]:
        self._fail()
        self.searched.append(search)
        return [row for row in self.past if search.lower() in row.title.lower()][:limit]

    def transcript(self, session: str) -> list[Record]:
        return self.said.get(session, [])

    def records_after(
        self,
        arrival: int,
        *,
        project: str,
        kinds: Sequence[Kind] = (),
        limit: int = 500,
        before: int | None = None,
    ) -> list[LoggedRecord]:
        return []

    def models(self) -> list[ModelChoice]:
        return list(self.choices)

    def machine(self) -> Machine:
        return self.machine_

    def pull(self, name: str, progress: Progress, stopped: Callable[[], bool]) -> None:
        self.pulled.append(name)
        size = next(choice.size_bytes for choice in self.choices if choice.name == name)
        for done in self.steps:
            progress(done, size)
        while self.gate and not self.gate.wait(0.01):
            if stopped():
                return
        self._fail()

    def _fail(self) -> None:
        if self.error:
            raise self.error
