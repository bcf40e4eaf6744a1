"""The only place that knows concrete classes: it builds a session from configuration.

Everything is imported where it is used, so that a command pays for what it needs and no more.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.config import Settings, load
from orchestrator.errors import OrchError
from orchestrator.events import Notice
from orchestrator.paths import Home, home
from orchestrator.ports import Approver, Backend, Reviewer, Warmable
from orchestrator.types import Message, Mode, ToolCall

if TYPE_CHECKING:
    from orchestrator.agent.loop import Limits
    from orchestrator.agent.session import Session
    from orchestrator.agent.tiers import Readable
    from orchestrator.agent.warming import Warmer
    from orchestrator.handoff.pen import Pen
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.running import RunningSessions
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.tools.toolbox import Toolbox
    from orchestrator.workspaces import Project

RUNNABLE = frozenset({"gguf", "scripted", "ollama", "openai"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says over the settings; None means: as configured."""

    project: Path
    model: str | None = None
    mode: Mode | None = None
    max_steps: int | None = None
    context_budget: int | None = None
    temperature: float | None = None
    cold: bool = False
    """No snapshot is read or written."""
    terminal: Callable[[], tuple[int, int]] | None = None
    """Columns and rows of the pane that shows what commands print; None: they get a pipe."""
    reviewer: Reviewer | None = None
    """Who sees what survives a rollover."""


@dataclass
class Desktop:
    """A session with what it stands on. `notices` are for the user, before the first event."""

    session: Session
    project: Project
    journal: SqliteJournal
    settings: Settings
    model: str
    notices: list[Notice] = field(default_factory=list)
    prewarm: Callable[[], None] | None = None
    """Makes the next session's start ready in the background; None where that is not wanted, or cannot be."""


def backend(name: str, settings: Settings, where: Home, *, cold: bool = False) -> Backend:
    """The backend for a model name, `auto` included; not started. Raises `NoModel`.

    With `cold` it neither reads nor writes snapshots.
    """
    from orchestrator.models.select import choose

    choice = choose(name, where, kinds=RUNNABLE)
    if choice.kind == "scripted":
        from orchestrator.models.scripted import ScriptedBackend

        return ScriptedBackend.from_file(choice.path)
    if choice.kind != "gguf":
        from orchestrator.backends import remote

        return remote(choice, settings, where)
    from orchestrator.models.llama import LlamaBackend
    from orchestrator.models.snapshot import SnapshotStore

    return LlamaBackend(
        choice.name,
        choice.path,
        context_size=settings.model.context_size,
        threads=settings.model.threads,
        gpu_layers=settings.model.gpu_layers,
        snapshots=None if cold else SnapshotStore(where.snapshots, settings.snapshots.max_bytes, choice.name),
        family=choice.family,
        model_hash=choice.sha256,
        home=where.root,
        busy=where.busy,
    )


def check_model(name: str) -> None:
    """Raise `NoModel` unless a session could run on it."""
    from orchestrator.models.select import choose

    choose(name, home(), kinds=RUNNABLE)


@asynccontextmanager
async def desktop(options: Options, approver: Approver) -> AsyncIterator[Desktop]:
    """Everything for one session in one project; closes the backend and the journal at the end.

    Raises `ProjectError`, `ConfigError`, `JournalError`, `NoModel`.
    """
    from orchestrator.backends import chain, names_of
    from orchestrator.journal.running import RunningSessions
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.workspaces import open_project

    where = home()
    settings = load(where.config)
    project = open_project(options.project)
    names = [options.model] if options.model else names_of(settings)
    name = names[0]
    model = chain(names, lambda one: backend(one, settings, where, cold=options.cold))
    journal = SqliteJournal.open(where)
    running = RunningSessions(where.run)
    session: Session | None = None
    ready: Callable[[], None] | None = None
    try:
        notices = close_abandoned(running, journal, where, project.id)
        if not project.writable:
            text = f"{project.root} cannot be written: its log is kept in {where.logs_of(project.id)}."
            notices.append(Notice(f"{text} Tools only read there.", "warning"))
        session = _session(options, settings, where, project, model, journal, running, approver)
        if isinstance(model, Warmable) and not options.cold and _prewarms(settings):
            ready = partial(prewarm, project.root, name, where)
        yield Desktop(session, project, journal, settings, name, notices, ready)
    finally:
        await model.close()
        journal.close()
        if session and session.window and ready:
            ready()
        if session and session.window:
            once_a_day(where)


def _session(
    options: Options,
    settings: Settings,
    where: Home,
    project: Project,
    model: Backend,
    journal: SqliteJournal,
    running: RunningSessions,
    approver: Approver,
) -> Session:
    from orchestrator.agent.parts import Parts
    from orchestrator.agent.session import Session
    from orchestrator.agent.tiers import scaled
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.remembering import SessionRecall
    from orchestrator.workspaces import ProjectRules, Registry

    def take_note(call: ToolCall) -> str:
        given = call.arguments
        return session.notes.add(given["kind"], given["text"], given.get("because", ""), by="model")

    memory = SessionRecall(journal, project.id)
    tools = toolbox(
        project,
        settings,
        where,
        take_note,
        options.terminal,
        lambda query: memory.asked(query, session.id),
    )
    budget = options.context_budget
    session = Session(
        Parts(
            project=project.id,
            path=str(project.root),
            backend=model,
            tools=tools,
            journal=journal,
            documents=ProjectDocuments(
                project, journal, where, lambda text: session.warn(text), wrap=tools.git_wrap
            ),
            approver=approver,
            running=running,
            checkpoints=tools.checkpoints,
            jobs=tools.jobs,
            fixed=_fixed(tools),
            facts=lambda: _facts(project, tools),
            writable=project.writable,
            rules=ProjectRules(Registry(where, lambda text: session.warn(text)), project.id),
            memory=memory,
            reviewer=options.reviewer,
        ),
        mode=options.mode or Mode(settings.agent.mode),
        limits=_limits(options, settings),
        budgets=settings.context if budget is None else scaled(settings.context, budget),
    )
    return session


def _fixed(tools: Toolbox) -> tuple[Message, ...]:
    from orchestrator.context.system import fixed_messages
    from orchestrator.models.dialects import ANSWER_SPEC, describe

    return fixed_messages(describe((*tools.specs, ANSWER_SPEC)))


def fixed(settings: Settings) -> tuple[Message, ...]:
    """What stands first in every prompt of this node, without a project."""
    return _fixed(_nowhere(settings))


def tool_names(settings: Settings) -> tuple[str, ...]:
    """Of all tools that a model may call."""
    return tuple(spec.name for spec in _nowhere(settings).specs)


def _nowhere(settings: Settings) -> Toolbox:
    """Only what it says of its tools is used: they work in no folder, and nothing runs."""
    from orchestrator.tools.sandbox import NoSandbox
    from orchestrator.tools.toolbox import Toolbox

    return Toolbox(
        Path(), sandbox=NoSandbox(""), settings=settings.tools, notes=lambda call: "", checkpoints=Path()
    )


def warmer(model: Backend, settings: Settings) -> Warmer:
    """Brings snapshots up to date. Raises `UsageError` for a model that keeps none."""
    from orchestrator.agent.warming import Warmer
    from orchestrator.errors import UsageError

    if not isinstance(model, Warmable):
        raise UsageError(
            "This model keeps no snapshots of its own.", "Name one that runs inside: see `orch model list`."
        )
    return Warmer(model, fixed(settings), settings.context)


@contextmanager
def watching(made: Desktop) -> Iterator[None]:
    """While this holds, a document that somebody changes is made ready for the next session."""
    if made.prewarm is None:
        yield
        return
    from orchestrator.handoff.watch import watched
    from orchestrator.handoff.writer import ProjectTiers

    with watched(ProjectTiers(made.project, home()).paths, made.prewarm):
        yield


def _prewarms(settings: Settings) -> bool:
    return settings.snapshots.prewarm == "on" and settings.snapshots.max_bytes > 0


def prewarm(project: Path, model: str, where: Home) -> None:
    """Let a process of its own make the snapshot of this project ready."""
    from orchestrator.models.background import start

    name = str(Path(model).absolute()) if model.lower().endswith(".gguf") else model
    start(["warm", "--background", "--project", str(project), "--model", name], where.root)


def once_a_day(where: Home) -> None:
    """Let a process of its own bring the briefings of all projects up to date, the first time each day.

    What git and peers did meanwhile is in them then, also where no session ran.
    """
    from datetime import date

    from orchestrator import durable
    from orchestrator.models.background import start

    mark, today = where.run / "handoff-day", date.today().isoformat().encode()
    with suppress(OSError):
        known = mark.exists()
        if not known or durable.read(mark, 64) != today:
            durable.replace(mark, today)
            if known:  # the first day there is nothing older than this session
                start(["handoff", "--background"], where.root)


def _limits(options: Options, settings: Settings) -> Limits:
    from orchestrator.agent.loop import Limits

    return Limits(
        max_steps=options.max_steps or settings.agent.max_steps,
        max_tokens=settings.model.max_answer_tokens,
        temperature=settings.model.temperature if options.temperature is None else options.temperature,
        context_size=settings.model.context_size,
    )


def toolbox(
    project: Project,
    settings: Settings,
    where: Home,
    notes: Callable[[ToolCall], str],
    terminal: Callable[[], tuple[int, int]] | None = None,
    recall: Callable[[str], str] = lambda _: "",
) -> Toolbox:
    """The project's tools, confined as far as this machine can."""
    from orchestrator.tools.sandbox import chosen
    from orchestrator.tools.toolbox import Toolbox

    return Toolbox(
        project.root,
        sandbox=chosen(settings.tools.sandbox, where),
        settings=settings.tools,
        notes=notes,
        checkpoints=project.root / ".orchestrator" / "checkpoints",
        terminal=terminal,
        recall=recall,
    )


def documents(
    project: Project,
    journal: SqliteJournal,
    where: Home,
    warn: Callable[[str], None] | None = None,
    pen: Pen | None = None,
) -> ProjectDocuments:
    """The project's documents, for work outside of a session: git is confined as in one."""
    from orchestrator.documents.tiers import warn_in_log
    from orchestrator.errors import ConfigError
    from orchestrator.handoff.pen import PEN
    from orchestrator.handoff.writer import ProjectDocuments

    try:
        settings = load(where.config)
    except ConfigError:  # whoever runs a model says so; a note is written all the same
        settings = Settings()
    tools = toolbox(project, settings, where, lambda call: "")
    return ProjectDocuments(project, journal, where, warn or warn_in_log, wrap=tools.git_wrap, pen=pen or PEN)


def readable(project: Project | None, settings: Settings, where: Home) -> Readable:
    """The documents as a session would read them, without a session."""
    from orchestrator.agent.tiers import NoDocuments
    from orchestrator.documents.tiers import warn_in_log
    from orchestrator.handoff.writer import ProjectTiers

    if project is None:
        return NoDocuments()
    tools = toolbox(project, settings, where, lambda call: "")
    return ProjectTiers(project, where, warn_in_log, tools.git_wrap)


def _facts(project: Project, tools: Toolbox) -> Mapping[str, Any]:
    """Where the project stands as the session starts: evidence for its log entry."""
    from orchestrator.handoff import git_state
    from orchestrator.vcs import Repository

    facts: dict[str, Any] = {"role": "desktop", "device": platform.node(), "platform": platform.system()}
    try:
        if repository := Repository.find(project.root, tools.git_wrap):
            facts |= {
                "branch": repository.branch(),
                "commit": repository.head(),
                "dirty": sum(not git_state.is_own(path) for path in repository.dirty()),
            }
    except OrchError as error:
        facts["git"] = str(error)
    return facts


def close_abandoned(running: RunningSessions, journal: SqliteJournal, where: Home, here: str) -> list[Notice]:
    """Close sessions whose process was killed: their end is recorded and their log entry written.

    What cannot be closed stays for the next start; it is told in its own project only.
    """
    from orchestrator.tools.sandbox import tidy
    from orchestrator.types import Entry
    from orchestrator.workspaces import open_project

    notices = []
    for session, project_id, path in running.abandoned():
        tidy(path)
        try:
            ended = journal.records(session=session, kinds=["session"], newest_first=True, limit=1)
            if ended and (ended[0].body or {}).get("event") != "end":
                body = {"event": "end", "reason": "killed"}
                journal.append([Entry("session", body, project_id, session)])
            if project_id:  # else it answered a question that belonged to none
                documents(open_project(path), journal, where).close_session(session, "killed")
        except OrchError as error:
            if project_id == here:
                notices.append(Notice(f"An interrupted session could not be closed: {error}", "warning"))
        else:
            running.end(session)
    return notices
