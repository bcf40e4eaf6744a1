"""Builds the edge of this node: the session of every front end, on a backend that asks peers."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import wiring
from orchestrator.agent.answering import NobodyApproves, NoTools
from orchestrator.agent.loop import Limits
from orchestrator.agent.parts import Parts
from orchestrator.agent.session import PRIVATE, Session
from orchestrator.backends import chain, names_of
from orchestrator.checkpoints.store import Checkpoints
from orchestrator.config import load
from orchestrator.context.system import answering_messages
from orchestrator.edge.measured import Speeds
from orchestrator.edge.routed import RoutedBackend
from orchestrator.edge.router import LOCAL, near
from orchestrator.errors import HubError, OrchError, UsageError
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.remembering import SessionRecall
from orchestrator.journal.running import RunningSessions
from orchestrator.journal.store import SqliteJournal
from orchestrator.models.background import start
from orchestrator.models.dialects import ANSWER_SPEC, describe
from orchestrator.paths import PROJECT_FOLDER, Home, home
from orchestrator.remote.client import HubClient
from orchestrator.types import Mode
from orchestrator.workspaces import Project, open_project, remember
from orchestrator.workspaces.peers import Peer, Peers

if TYPE_CHECKING:
    from orchestrator.events import Event, Notice

REACH_S = 2.0


@dataclass
class Edge:
    """A session, and what the edge does around it. `notices` are for the user, before the first event."""

    session: Session
    project: Project
    backend: RoutedBackend
    peers: Peers
    notices: list[Notice] = field(default_factory=list)

    async def turn(self, prompt: str) -> AsyncIterator[Event]:
        """As a session's, for `/private` with any white space after it. Raises `UsageError` too."""
        first, *rest = prompt.split(maxsplit=1) or [""]
        if first == PRIVATE.strip():
            if not rest:
                raise UsageError("There is no prompt after /private.", "Write it in the same line.")
            prompt = PRIVATE + rest[0]
        self.backend.words = "" if prompt.startswith(PRIVATE) else prompt
        async for event in self.session.turn(prompt):
            yield event

    def sync(self, only: set[str] | None = None) -> None:
        """A short sync with each peer (of these names) in a process of its own: no prompt waits for it."""
        for peer in self.peers.all():
            if only is None or peer.name in only:
                start(["sync", peer.name, "--json"], self.project.root)


async def reach(peer: Peer) -> bool:
    """Whether its hub answers now. `HubError`s are a no."""
    try:
        async with HubClient(peer) as client:
            return await client.healthy(REACH_S)
    except HubError:
        return False


@asynccontextmanager
async def edge_node(folder: Path, model: str | None) -> AsyncIterator[Edge]:
    """Everything for one session on the edge; closes the backend and the journal at the end.

    Raises `ProjectError`, `ConfigError`, `JournalError`.
    """
    where = home()
    settings = load(where.config)
    project = open_project(folder)
    names = [model] if model else names_of(settings)
    peers = Peers(where)
    backend = RoutedBackend(
        lambda: chain(names, lambda one: wiring.backend(one, settings, where)),
        lambda: [peer for peer in peers.all() if peer.projects is None or project.id in peer.projects],
        reach,
        Speeds(where),
        project=project.id,
        context_size=settings.model.context_size,
    )
    journal = SqliteJournal.open(where)
    running = RunningSessions(where.run)
    try:
        notices = wiring.close_abandoned(running, journal, where, project.id)
        with contextlib.suppress(OrchError):  # a session does not need the registry
            remember(project, where)
        session = Session(
            Parts(
                project=project.id,
                path=str(project.root),
                backend=backend,
                tools=NoTools(),
                journal=journal,
                documents=ProjectDocuments(
                    project, journal, where, warn=lambda text: session.warn(text), git=False
                ),
                approver=NobodyApproves(),
                running=running,
                checkpoints=Checkpoints(project.root, project.root / PROJECT_FOLDER / "checkpoints"),
                fixed=answering_messages(describe((ANSWER_SPEC,))),
                facts=lambda: {"role": "edge", "device": platform.node(), "platform": platform.system()},
                writable=project.writable,
                memory=SessionRecall(journal, project.id),
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
        yield Edge(session, project, backend, peers, notices)
    finally:
        await backend.close()
        journal.close()


@dataclass(frozen=True, slots=True)
class Way:
    """One that could answer now. `tokens_per_second` 0: not measured."""

    name: str
    kind: str
    url: str
    reachable: bool
    tokens_per_second: float
    why_not: str = ""


async def ways(where: Home) -> list[Way]:
    """The local model, then the peers, asked at once."""
    from orchestrator.models.select import choose

    settings, speeds = load(where.config), Speeds(where).known
    name, why_not = settings.model.name, ""
    try:
        name = choose(name, where, kinds=wiring.RUNNABLE).name
    except OrchError as error:
        why_not = str(error)
    found = [Way(name, "local", "", not why_not, speeds.get(LOCAL, 0.0), why_not)]
    peers = Peers(where).all()
    for peer, there in zip(peers, await asyncio.gather(*map(reach, peers)), strict=True):
        kind = "this network" if near(peer) else "internet"
        why_not = "" if there else "does not answer"
        found.append(Way(peer.name, kind, peer.url, there, speeds.get(peer.device, 0.0), why_not))
    return found
