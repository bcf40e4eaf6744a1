"""Builds the hub of this node: one backend, one journal, and a session for each device and project."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from orchestrator import wiring
from orchestrator.agent.answering import NobodyApproves, NoTools, PortfolioOnly
from orchestrator.agent.loop import Limits
from orchestrator.agent.parts import Parts
from orchestrator.agent.session import Session
from orchestrator.backends import chain, names_of
from orchestrator.checkpoints.store import Checkpoints
from orchestrator.config import Settings, load
from orchestrator.context.system import answering_messages
from orchestrator.errors import HubError
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.hub.conversations import Key
from orchestrator.hub.known_projects import KnownProjects
from orchestrator.hub.service import Hub
from orchestrator.hub.sqlite import HubDatabase
from orchestrator.journal.clock import SystemClock
from orchestrator.journal.lock import FileLock
from orchestrator.journal.remembering import SessionRecall
from orchestrator.journal.running import RunningSessions
from orchestrator.journal.store import SqliteJournal
from orchestrator.models.dialects import ANSWER_SPEC, describe
from orchestrator.paths import PROJECT_FOLDER, Home, home
from orchestrator.ports import Backend, Documents
from orchestrator.types import Mode


@dataclass
class HubNode:
    hub: Hub
    model: str


@asynccontextmanager
async def hub_node(model: str | None, version: str) -> AsyncIterator[HubNode]:
    """The hub, ready to be served; closes the backend and the journal at the end.

    Raises `HubError` when this home has one already, `ConfigError`, `JournalError`, `NoModel`.
    """
    where = home()
    settings = load(where.config)
    with _only_one(where), HubDatabase(where) as database:
        names = [model] if model else names_of(settings)
        backend = chain(names, lambda one: wiring.backend(one, settings, where))
        running = RunningSessions(where.run)
        try:
            with SqliteJournal.open(where) as journal:
                sessions = _Sessions(where, settings, backend, journal, running)
                hub = Hub(where, database, journal, SystemClock(), sessions.make, version)
                # After the hub has recorded what its runs had said, so that the log has it.
                wiring.close_abandoned(running, journal, where, "")
                yield HubNode(hub, names[0])
        finally:
            await backend.close()


@contextmanager
def _only_one(where: Home) -> Iterator[None]:
    where.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(where.run / "serve.lock")
    if not lock.try_acquire():
        raise HubError(f"Another `orch serve` runs on {where.root}.", "End it first, or set ORCH_HOME.")
    try:
        yield
    finally:
        lock.release()


class _Sessions:
    def __init__(
        self,
        where: Home,
        settings: Settings,
        backend: Backend,
        journal: SqliteJournal,
        running: RunningSessions,
    ) -> None:
        self._where = where
        self._settings = settings
        self._backend = backend
        self._journal = journal
        self._running = running
        self._known = KnownProjects(where, journal)

    async def make(self, key: Key) -> Session:
        """An instance that answers a device: the same session as everywhere, without tools."""
        device, project, recorded = key
        documents: Documents
        path, memory = self._where.projects, None
        if project:
            opened = self._known.open(project)
            path, memory = opened.root, SessionRecall(self._journal, project)
            documents = own = ProjectDocuments(opened, self._journal, self._where, git=False)
            await asyncio.to_thread(own.catch_up)  # with what devices have sent since
        else:
            documents = PortfolioOnly(self._where)
        settings = self._settings
        facts = {"role": "hub", "device": platform.node(), "platform": platform.system(), "for": device}
        return Session(
            Parts(
                project=project,
                path=str(path),
                backend=self._backend,
                tools=NoTools(),
                journal=self._journal,
                documents=documents,
                approver=NobodyApproves(),
                running=self._running,
                checkpoints=Checkpoints(path, path / PROJECT_FOLDER / "checkpoints"),
                fixed=answering_messages(describe((ANSWER_SPEC,))),
                facts=lambda: facts,
                writable=False,
                memory=memory,
                device=device,
                copy=recorded,
            ),
            mode=Mode.READ_ONLY,
            limits=Limits(
                max_steps=1,
                max_tokens=settings.model.max_answer_tokens,
                temperature=settings.model.temperature,
                context_size=settings.model.context_size,
            ),
            budgets=settings.context,
        )
