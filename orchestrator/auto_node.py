"""Builds autonomous runs, and does for every front end what a person does with them.

`starting` and `resuming` give a `GoalRun` to play; `Runs` lists, shows, edits, applies and discards.
"""

from __future__ import annotations

import contextlib
import platform
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import wiring
from orchestrator.agent.approval import Never
from orchestrator.agent.loop import Limits
from orchestrator.agent.parts import Parts
from orchestrator.agent.session import Session
from orchestrator.autonomy import goal_run, merging, plan
from orchestrator.autonomy.check import Check, OwnSources
from orchestrator.autonomy.ending import Wanted
from orchestrator.autonomy.goal_run import GoalRun
from orchestrator.autonomy.ledger import Ledger
from orchestrator.autonomy.plan import Plan, Step
from orchestrator.autonomy.report import Work, report
from orchestrator.autonomy.run_tools import RunTools, Watch
from orchestrator.autonomy.state import Facts, Handoff, RunState
from orchestrator.autonomy.tree_texts import TreeTexts
from orchestrator.autonomy.wish import Listed, Wish
from orchestrator.autonomy.workbench import Workbench
from orchestrator.autonomy.worktree import Place, Worktree, place_of, user_repository
from orchestrator.backends import chain, names_of
from orchestrator.config import Settings, load
from orchestrator.errors import OrchError, ProjectError, SandboxError, UsageError
from orchestrator.handoff import git_state
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.lock import FileLock
from orchestrator.journal.remembering import SessionRecall
from orchestrator.journal.running import RunningSessions
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import PROJECT_FOLDER, Home, home
from orchestrator.ports import Backend
from orchestrator.tools.sandbox import Sandbox, chosen
from orchestrator.tools.toolbox import Toolbox
from orchestrator.types import Entry, Mode, TierText, ToolCall
from orchestrator.vcs import Repository
from orchestrator.workspaces import Project, ProjectRules, Registry, open_project, workspace_of

CHECK_S = 600
"""Seconds that a check may take, at most; less where the run's minutes are fewer."""


@asynccontextmanager
async def starting(wish: Wish) -> AsyncIterator[GoalRun]:
    """A new run, recorded but not begun: play it. Raises `OrchError` where it cannot be."""
    goal, check = plan.line(wish.goal), wish.check.strip()
    if not goal:
        raise UsageError("There is no goal.", 'Say `orch run "GOAL"`.')
    if "\n" in check:
        raise UsageError("A check is one line for the shell.", "Put the rest into a script of the project.")
    with runs_of(wish.project) as runs:
        sandbox = runs.enforcing()
        user = user_repository(runs.project.root, sandbox)
        steps = tuple(Step(text) for one in wish.steps if (text := plan.line(one)))
        steps = steps or tuple(map(Step, plan.first_steps(goal, check)))
        facts = Facts(
            folder=str(runs.project.root),
            device=runs.journal.device[0],
            base=user.head() or "",
            into=user.branch() or "",
            model=wish.model or "",
            began=datetime.now().astimezone().isoformat(timespec="seconds"),
            handoff=wish.handoff,
            dirty=sum(not git_state.is_own(path) for path in user.dirty()),
        )
        run = uuid.uuid4().hex
        place = place_of(runs.folder, run, user, runs.project.root)
        facts = replace(facts, branch=place.branch)
        made = RunState(run, runs.project.id, Plan(goal, check, wish.budget, steps), facts)
        async with _playing(runs, made, user, sandbox, resumed=False) as playing:
            yield playing


@asynccontextmanager
async def resuming(project: Path, prefix: str, model: str | None = None) -> AsyncIterator[GoalRun]:
    """A run that was paused, killed, or has ended and got a new budget: play it. Raises `OrchError`."""
    with runs_of(project) as runs:
        found = runs.find(prefix)
        runs.must_be_here(found)
        sandbox = runs.enforcing()
        user = user_repository(runs.project.root, sandbox)
        async with _playing(runs, found, user, sandbox, resumed=True, model=model) as playing:
            yield playing


@asynccontextmanager
async def _playing(
    runs: Runs,
    begun: RunState,
    user: Repository,
    sandbox: Sandbox,
    *,
    resumed: bool,
    model: str | None = None,
) -> AsyncIterator[GoalRun]:
    where, settings = runs.where, runs.settings
    named = model or begun.facts.model
    names = [named] if named else names_of(settings)
    backend = chain(names, lambda one: wiring.backend(one, settings, where))
    place = place_of(runs.folder, begun.run, user, runs.project.root)
    try:
        with runs.locked(begun.run):
            if resumed and begun.wanted != "go":
                begun = runs.ledger.edit(begun.run, lambda now: replace(now, wanted="go"))
            worktree = Worktree(place, sandbox)
            own = OwnSources(sandbox, place.project)
            check = Check(begun.plan.check, place.project, own, min(CHECK_S, begun.plan.budget.minutes * 60))
            bench = Workbench(
                worktree,
                TreeTexts(worktree),
                check if begun.plan.check else None,
                begun.now,
                f"Run: {begun.run}",
            )
            builder = _Instances(runs, place, own, backend, begun.facts.handoff)
            parts = goal_run.Parts(
                ledger=runs.ledger,
                journal=runs.journal,
                bench=bench,
                instances=builder,
                prepare=lambda: _prepare(runs, worktree, begun, builder),
            )
            yield GoalRun(begun, parts, resumed=resumed)
    finally:
        await backend.close()


def _prepare(runs: Runs, worktree: Worktree, begun: RunState, builder: _Instances) -> None:
    worktree.make(begun.facts.base)
    told = begun.facts.handoff == "on"
    worktree.furnish(runs.project.root, runs.project.id, workspace_of(runs.project), documents=told)
    builder.close_killed()


class _RunDocuments(ProjectDocuments):
    """Those of a worktree: what people wrote in them is kept by the user's own tree alone. Git is not asked:
    a run says itself what it committed, and the prompt's beginning stays the same from step to step."""

    def close_session(self, session: str, reason: str) -> None:
        self.log.close(session, reason)
        self.refresh()


class _UntoldDocuments(_RunDocuments):
    """Of instances that are told nothing of those before them: their entries are written when all is over."""

    def tiers(self) -> tuple[TierText, ...]:
        return ()

    def refresh(self, **wanted: Any) -> str:
        return "unchanged"

    def close_session(self, session: str, reason: str) -> None:
        return None


class _Instances:
    """Fresh sessions in the worktree of one run, on one backend."""

    def __init__(
        self, runs: Runs, place: Place, sandbox: Sandbox, backend: Backend, handoff: Handoff
    ) -> None:
        self._told = handoff == "on"
        self._runs = runs
        self._place = place
        self._sandbox = sandbox
        self._backend = backend
        self._running = RunningSessions(place.folder / "sessions")
        user = runs.project
        self._project = Project(user.id, place.project, user.name, True)

    def fresh(self, watch: Watch, facts: Mapping[str, Any], temperature: float) -> Session:
        runs, project, settings = self._runs, self._project, self._runs.settings

        def take_note(call: ToolCall) -> str:
            given = call.arguments
            return session.notes.add(given["kind"], given["text"], given.get("because", ""), by="model")

        memory = SessionRecall(runs.journal, project.id)
        toolbox = Toolbox(
            project.root,
            sandbox=self._sandbox,
            settings=settings.tools,
            notes=take_note,
            checkpoints=project.root / PROJECT_FOLDER / "checkpoints",
            recall=lambda query: memory.asked(query, session.id) if self._told else "",
        )
        where = runs.where
        session = Session(
            Parts(
                project=project.id,
                path=str(project.root),
                backend=self._backend,
                tools=RunTools(toolbox, watch),
                journal=runs.journal,
                documents=self._documents(lambda text: session.warn(text)),
                approver=Never(),
                running=self._running,
                checkpoints=toolbox.checkpoints,
                jobs=toolbox.jobs,
                fixed=wiring.fixed(settings),
                facts=lambda: {
                    "role": "desktop",
                    "device": platform.node(),
                    "platform": platform.system(),
                    "branch": self._place.branch,
                    **facts,
                },
                rules=ProjectRules(Registry(where, lambda text: session.warn(text)), project.id),
                memory=memory if self._told else None,
            ),
            mode=Mode.AUTO,
            limits=Limits(
                max_steps=settings.agent.max_steps,
                max_tokens=settings.model.max_answer_tokens,
                temperature=max(settings.model.temperature, temperature),
                context_size=settings.model.context_size,
            ),
            budgets=settings.context,
        )
        return session

    def close_killed(self) -> None:
        """Sessions of this run whose process was killed get their end and their entry."""
        journal = self._runs.journal
        for session, _, _ in self._running.abandoned():
            ended = journal.records(session=session, kinds=["session"], newest_first=True, limit=1)
            if ended and (ended[0].body or {}).get("event") != "end":
                body = {"event": "end", "reason": "killed"}
                journal.append([Entry("session", body, self._project.id, session)])
            with contextlib.suppress(OrchError):  # the records say it, too
                self._documents(lambda text: None).close_session(session, "killed")
            self._running.end(session)

    def _documents(self, warn: Callable[[str], None]) -> _RunDocuments:
        kind = _RunDocuments if self._told else _UntoldDocuments
        return kind(self._project, self._runs.journal, self._runs.where, warn, git=False)


@contextmanager
def runs_of(path: Path) -> Iterator[Runs]:
    """The runs of the project that `path` lies in. Raises `OrchError`."""
    where = home()
    settings = load(where.config)
    project = open_project(path)
    with SqliteJournal.open(where) as journal:
        yield Runs(project, journal, where, settings)


class Runs:
    """Of one project: what a person does with them, from any terminal."""

    def __init__(self, project: Project, journal: SqliteJournal, where: Home, settings: Settings) -> None:
        self.project = project
        self.journal = journal
        self.where = where
        self.settings = settings
        self.ledger = Ledger(journal, project.id)
        self.folder = where.root / "runs"

    def all(self) -> list[Listed]:
        """The newest first."""
        return [self._listed(one) for one in self.ledger.runs()]

    def find(self, prefix: str) -> RunState:
        """By the first characters of its id. Raises `UsageError`."""
        return self.ledger.find(prefix)

    def ask(self, run: str, wanted: Wanted) -> RunState:
        """The run heeds it at its next safe point; one that has ended passes it over."""
        return self.ledger.edit(run, lambda now: replace(now, wanted=wanted))

    def edit(self, run: str, text: str) -> RunState:
        """A person's plan, as text: what is to come is as it says."""
        return self.ledger.edit(run, lambda now: replace(now, plan=plan.parse(text, now.plan)))

    def report(self, run: RunState) -> str:
        return report(run, self.work(run))

    def work(self, run: RunState) -> Work:
        """What git says of it. A run of another device has no worktree here."""
        listed = self._listed(run)
        if not listed.here:
            return Work(alive=False, here=False)
        try:
            worktree = self._worktree(run)
            commits = worktree.commits(run.facts.base)
            stat = worktree.diff(run.facts.base, "--stat=100").splitlines()
        except OrchError:  # its folder is gone; the record says what it says
            return Work(alive=listed.alive)
        return Work(commits, stat, listed.alive)

    def diff(self, run: RunState) -> str:
        """All that it changed. Raises `VcsError`."""
        return self._worktree(run).diff(run.facts.base)

    def tree(self, run: RunState) -> Path:
        """The project's folder in its worktree, where a person takes over. Raises `OrchError`."""
        return self._worktree(run).place.project

    def apply(self, run: RunState) -> str:
        """Merge it into the branch that is checked out. Raises `OrchError`, and then nothing has changed."""
        self.must_be_here(run)
        self._must_rest(run, "apply")
        sandbox = self.enforcing()
        user = user_repository(self.project.root, sandbox)
        done = merging.apply(user, run.facts.branch, sandbox)
        self.ledger.write(replace(run, phase="applied"))
        wiring.documents(self.project, self.journal, self.where).catch_up()  # its sessions are in the log now
        return done

    def discard(self, run: RunState) -> None:
        """Worktree, branch and folder go, and no list shows it any more; what its sessions learned stays."""
        self._must_rest(run, "discard")
        if self._listed(run).here:
            with contextlib.suppress(ProjectError):
                self._worktree(run).remove()
        self.ledger.hide(run.run)

    def enforcing(self) -> Sandbox:
        """Raises `SandboxError` where nothing enforces."""
        sandbox = chosen(self.settings.tools.sandbox, self.where)
        if sandbox.tier == "none":
            raise SandboxError(
                f"A run needs a sandbox, and there is none: {sandbox.reason}", "See `orch sandbox`."
            )
        return sandbox

    def must_be_here(self, run: RunState) -> None:
        if run.facts.device != self.journal.device[0]:
            raise ProjectError("This run belongs to another device.", "Say it there.")

    @contextmanager
    def locked(self, run: str) -> Iterator[None]:
        """While this process works at the run. Raises `ProjectError` where another does."""
        path = self._lock_file(run)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path)
        if not lock.try_acquire():
            raise ProjectError(
                f"Run {run[:8]} is at work already.", f"Watch it with `orch runs show {run[:8]}`."
            )
        try:
            yield
        finally:
            lock.release()

    def _must_rest(self, run: RunState, what: str) -> None:
        if self._listed(run).alive:
            raise ProjectError(
                f"Run {run.run[:8]} is at work: there is nothing to {what} yet.",
                f"`orch runs stop {run.run[:8]}`.",
            )

    def _listed(self, run: RunState) -> Listed:
        path, alive = self._lock_file(run.run), False
        if path.exists():
            lock = FileLock(path)
            alive = not lock.try_acquire()
            if not alive:
                lock.release()
        return Listed(run, alive, run.facts.device == self.journal.device[0])

    def _lock_file(self, run: str) -> Path:
        return self.folder / run[:8] / "run.lock"

    def _worktree(self, run: RunState) -> Worktree:
        sandbox = chosen(self.settings.tools.sandbox, self.where)
        user = user_repository(self.project.root, sandbox)
        return Worktree(place_of(self.folder, run.run, user, self.project.root), sandbox)
