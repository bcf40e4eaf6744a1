"""The node that this machine is: what the app sees of registry, git, journal and models."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import wiring
from orchestrator.errors import OrchError
from orchestrator.events import Notice
from orchestrator.models.busy import Busy
from orchestrator.paths import Home, home
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
from orchestrator.types import Kind, Record

if TYPE_CHECKING:
    from orchestrator.auto_node import Runs
    from orchestrator.autonomy.ending import Wanted
    from orchestrator.autonomy.goal_run import GoalRun
    from orchestrator.autonomy.wish import Listed
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.models.catalog import Model
    from orchestrator.tui.run_node import RunView
    from orchestrator.workspaces import Known, Project

_OF_A_SESSION = (
    "agent.session",
    "backends",
    "context.system",
    "handoff.writer",
    "journal.running",
    "journal.store",
    "models.select",
    "tools.toolbox",
    "workspaces",
)
"""What `wiring.desktop` imports first."""


TYPES_S = 5.0
"""So long after the last key a person still types."""


class LocalNode:
    """`tui.node.Node` on this machine. Its methods may be called from any thread.

    The journal is opened when it is first read; `close` it in the end.
    """

    def __init__(self, where: Home | None = None) -> None:
        self._home = where or home()
        self._opening = threading.Lock()
        self._opened: SqliteJournal | None = None
        self._busy = Busy(self._home.busy)
        self._typed: asyncio.TimerHandle | None = None
        self.runs = LocalRuns()

    def typing(self) -> None:
        if self._typed:
            self._typed.cancel()
        self._busy.hold()
        self._typed = asyncio.get_running_loop().call_later(TYPES_S, self._busy.release)

    def close(self) -> None:
        self._busy.release()
        with self._opening:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    # --- sessions ---------------------------------------------------------------------------

    @asynccontextmanager
    async def open(self, wish: Wish, approver: Approver) -> AsyncIterator[Opened]:
        for module in _OF_A_SESSION:  # in a thread: whoever types does not wait for them
            await asyncio.to_thread(import_module, f"orchestrator.{module}")
        options = wiring.Options(
            project=wish.project,
            model=wish.model,
            mode=wish.mode,
            terminal=wish.terminal,
            reviewer=wish.reviewer,
        )
        async with wiring.desktop(options, approver) as made, _in_a_thread(wiring.watching(made)):
            notices = [*made.notices, *await asyncio.to_thread(self._remember, made.project)]
            yield Opened(
                session=made.session,
                project=made.project.id,
                name=made.project.name,
                root=made.project.root,
                model=made.model,
                notices=tuple(notices),
            )

    def sessions(self, project: str, *, search: str = "", limit: int = 200) -> list[SessionRow]:
        from orchestrator.journal.sessions import sessions

        return [
            SessionRow(one.id, one.citation, one.started, one.ended, one.model, one.prompts, one.title)
            for one in sessions(self._journal(), project, search=search, limit=limit)
        ]

    def transcript(self, session: str) -> list[Record]:
        return self._journal().records(session=session)

    def record(self, citation: str) -> LoggedRecord:
        return LoggedRecord(0, self._journal().resolve(citation)[0], citation)

    def records_after(
        self,
        arrival: int,
        *,
        project: str,
        kinds: Sequence[Kind] = (),
        limit: int = 500,
        before: int | None = None,
    ) -> list[LoggedRecord]:
        found = self._journal().after(arrival, project=project, kinds=kinds, limit=limit, before=before)
        return [LoggedRecord(number, record, citation) for number, record, citation in found]

    def _journal(self) -> SqliteJournal:
        from orchestrator.journal.store import SqliteJournal

        with self._opening:
            if self._opened is None:
                self._opened = SqliteJournal.open(self._home)
            return self._opened

    # --- projects ---------------------------------------------------------------------------

    def projects(self) -> list[ProjectRow]:
        from orchestrator.workspaces import Registry

        return [_project_row(known) for known in Registry(self._home).projects() if known.paths]

    def add_project(self, folder: Path) -> ProjectRow:
        from orchestrator.workspaces import open_project, remember

        project = open_project(folder)
        remember(project, self._home)
        return next(row for row in self.projects() if row.id == project.id)

    def forget_project(self, project: str) -> None:
        from orchestrator.workspaces import Registry

        Registry(self._home).forget(project)

    def git_state(self, root: Path) -> GitState:
        from orchestrator.config import load
        from orchestrator.vcs import Repository
        from orchestrator.workspaces import Project

        try:
            if (repository := Repository.find(root)) is None:
                return GitState()
            settings = load(self._home.config)
            # A toolbox for its confined git: nothing else of it is used here.
            tools = wiring.toolbox(Project("", root, root.name, False), settings, self._home, lambda call: "")
            confined = Repository.find(root, tools.git_wrap) or repository
            code, text = confined.run(_STATUS)
        except (OrchError, OSError):
            return GitState()
        return status_of(text) if code == 0 else GitState()

    def _remember(self, project: Project) -> list[Notice]:
        from orchestrator.workspaces import remember

        try:
            remember(project, self._home)
        except OrchError as error:  # a session does not need the registry
            return [Notice(str(error), "warning")]
        return []

    # --- models -----------------------------------------------------------------------------

    def models(self) -> list[ModelChoice]:
        from orchestrator.models import catalog, elsewhere, installed

        here = {one.name: one for one in installed.listing(self._home)}
        machine = self.machine()
        known = [self._choice(model, model.name in here, machine) for model in catalog.models()]
        added = [
            ModelChoice(one.name, "", one.bytes, "", "installed")
            for one in here.values()
            if catalog.find(one.name) is None
        ]
        served = [
            ModelChoice(f"ollama:{one.name}", one.parameters, one.bytes, "", "installed", found="Ollama")
            for one in elsewhere.ollama_listing() or ()
        ]
        return recommend([*known, *added, *served], machine)

    def _choice(self, model: Model, there: bool, machine: Machine) -> ModelChoice:
        from orchestrator.models import elsewhere, installed
        from orchestrator.models.machine import size_text

        choice = ModelChoice(model.name, model.parameters, model.bytes, model.licence, "installed")
        if there:
            return choice
        loaded = installed.partial_bytes(self._home, model.name)
        found = next((owner for _, owner in elsewhere.candidates(model)), "")
        missing = max(model.bytes - loaded, 0)
        state = "available"
        if not found and missing > machine.free_disk:
            state = f"needs {size_text(missing)} of disk, and {size_text(machine.free_disk)} are free"
        return replace(choice, state=state, loaded_bytes=loaded, found=found)

    def check_model(self, name: str) -> None:
        wiring.check_model(name)

    def prefer_model(self, name: str) -> None:
        from orchestrator.config import store

        store(self._home.config, "model.name", name)

    def machine(self) -> Machine:
        from orchestrator.models.machine import free_memory

        folder = self._home.models
        while not folder.exists():
            folder = folder.parent
        return Machine(free_memory() or 0, shutil.disk_usage(folder).free, _cores())

    def pull(self, name: str, progress: Progress, stopped: Callable[[], bool]) -> None:
        from orchestrator.models import catalog, download

        model = catalog.find(name)
        if model is None:
            raise catalog.unknown(name)

        def heard(done: int, total: int) -> None:
            if stopped():
                raise download.Stopped
            progress(done, total)

        try:
            download.pull(model, self._home, progress=heard, wait=False)
        except download.Stopped:
            return


class LocalRuns:
    """`tui.run_node.RunsNode` on this machine."""

    @asynccontextmanager
    async def start(self, project: Path, goal: str, check: str, model: str | None) -> AsyncIterator[GoalRun]:
        node = await asyncio.to_thread(import_module, "orchestrator.auto_node")
        async with node.starting(node.Wish(goal, project, check, model=model)) as run:
            yield run

    @asynccontextmanager
    async def resume(self, project: Path, run: str) -> AsyncIterator[GoalRun]:
        node = await asyncio.to_thread(import_module, "orchestrator.auto_node")
        async with node.resuming(project, run) as resumed:
            yield resumed

    def all(self, project: Path) -> list[RunView]:
        with _runs_of(project) as runs:
            return [_run_view(one) for one in runs.all()]

    def read(self, project: Path, run: str) -> RunView:
        with _runs_of(project) as runs:
            whole = runs.find(run).run
            return next(_run_view(one) for one in runs.all() if one.state.run == whole)

    def tree(self, project: Path, run: str) -> Path:
        with _runs_of(project) as runs:
            return runs.tree(runs.find(run))

    def ask(self, project: Path, run: str, wanted: Wanted) -> None:
        with _runs_of(project) as runs:
            runs.ask(runs.find(run).run, wanted)

    def edit(self, project: Path, run: str, plan: str) -> None:
        with _runs_of(project) as runs:
            runs.edit(runs.find(run).run, plan)

    def report(self, project: Path, run: str) -> str:
        with _runs_of(project) as runs:
            return runs.report(runs.find(run))

    def diff(self, project: Path, run: str) -> str:
        with _runs_of(project) as runs:
            return runs.diff(runs.find(run))

    def apply(self, project: Path, run: str) -> str:
        with _runs_of(project) as runs:
            return runs.apply(runs.find(run))

    def discard(self, project: Path, run: str) -> None:
        with _runs_of(project) as runs:
            runs.discard(runs.find(run))


def _runs_of(project: Path) -> AbstractContextManager[Runs]:
    from orchestrator.auto_node import runs_of

    return runs_of(project)


def _run_view(one: Listed) -> RunView:
    from orchestrator.tui.run_node import RunView

    return RunView(one.state, one.alive, one.here)


@asynccontextmanager
async def _in_a_thread(context: AbstractContextManager[None]) -> AsyncIterator[None]:
    """Enter and leave `context` where that keeps nobody who types waiting."""
    await asyncio.to_thread(context.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


_STATUS = (
    "status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--no-ahead-behind",
    "--ignore-submodules=all",
)  # fmt: skip


def status_of(text: str) -> GitState:
    """The state that `git status --porcelain=v2 --branch -z` tells; a detached head is its short id."""
    branch = commit = ""
    dirty = 0
    for field in text.split("\0"):
        if field.startswith("# branch.oid "):
            commit = field.removeprefix("# branch.oid ")[:7]
        elif field.startswith("# branch.head "):
            branch = field.removeprefix("# branch.head ")
        elif field.startswith(("1 ", "2 ", "u ", "? ")):
            dirty += 1
    return GitState(commit if branch == "(detached)" else branch, dirty)


def _project_row(known: Known) -> ProjectRow:
    """At the newest of its folders that is still there."""
    places = [Path(path) for path in known.paths]
    there = next((place for place in places if place.is_dir()), None)
    return ProjectRow(known.id, known.name, there or places[0], known.last_used, there is not None)


def recommend(choices: Sequence[ModelChoice], machine: Machine) -> list[ModelChoice]:
    """The choices, the one that suits the machine marked with the reason."""
    from orchestrator.models.machine import size_text
    from orchestrator.models.select import LARGE, LARGE_NEEDS, SMALL, suited

    can_be_had = {choice.name for choice in choices if choice.state in ("installed", "available")}
    memory = size_text(machine.free_memory)
    if suited(lambda: machine.free_memory or None) == SMALL:
        best, why = SMALL, f"{memory} of memory is free, and the larger one wants {size_text(LARGE_NEEDS)}."
    elif LARGE not in can_be_had:
        best, why = SMALL, "The disk has no room for the larger one."
    else:
        enough = f"{memory} of free memory is" if machine.free_memory else "most machines have memory"
        best, why = LARGE, f"It answers better than the smaller one, and {enough} enough for it."
    if best not in can_be_had:
        return list(choices)
    return [replace(one, recommended=True, why=why) if one.name == best else one for one in choices]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
