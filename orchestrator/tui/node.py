"""What the app needs of the node it runs on. `wiring` hands it the real one, tests a small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.events import Notice
from orchestrator.ports import Approver, Reviewer
from orchestrator.types import Kind, Mode, Record

if TYPE_CHECKING:
    from orchestrator.agent.session import Session
    from orchestrator.tui.run_node import RunsNode


@dataclass(frozen=True, slots=True)
class Wish:
    """Which session to open; None means: as configured."""

    project: Path
    model: str | None = None
    mode: Mode | None = None
    terminal: Callable[[], tuple[int, int]] | None = None
    """Columns and rows of the pane that shows what commands print."""
    reviewer: Reviewer | None = None
    """Who sees what survives a rollover."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that can be opened, with what it stands on."""

    session: Session
    project: str
    """The project's id."""
    name: str
    root: Path
    model: str
    """As asked for: a catalogue name or "auto"."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project of the registry. `last_used` is ISO 8601 in UTC; `here` is False when the folder is gone."""

    id: str
    name: str
    root: Path
    last_used: str
    here: bool = True


@dataclass(frozen=True, slots=True)
class GitState:
    """Empty `branch`: no repository, or none that can be read. `dirty` counts changed files."""

    branch: str = ""
    dirty: int = 0


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session of a project. `started` is ISO 8601 with offset, `title` its first prompt."""

    id: str
    citation: str
    started: str
    ended: str
    """Why it ended (done, interrupted, killed, …); empty while it runs."""
    model: str
    prompts: int
    title: str


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record with its place in the order of arrival on this node, and its citation."""

    arrival: int
    record: Record
    citation: str


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model the first run offers. `why` is one sentence; empty unless it is the recommended one."""

    name: str
    parameters: str
    size_bytes: int
    licence: str
    state: str
    """"installed", "available", or why it cannot be had."""
    recommended: bool = False
    why: str = ""
    loaded_bytes: int = 0
    """Of an unfinished download, which the next one goes on from."""
    found: str = ""
    """Who has it on this machine already, so that nothing needs to be downloaded."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model has to live with, in bytes. `free_memory` is 0 where it cannot be told."""

    free_memory: int
    free_disk: int
    cores: int


Progress = Callable[[int, int], None]
"""Bytes done and of how many; may be called from another thread."""


class Node(Protocol):
    """Everything but `open` and `typing` may touch the disk or git for a moment: call it in a thread."""

    @property
    def runs(self) -> RunsNode: ...

    def open(self, wish: Wish, approver: Approver) -> AbstractAsyncContextManager[Opened]:
        """Raises `OrchError`s; `NoModel` when no model can run."""
        ...

    def typing(self) -> None:
        """A person types: what runs in the background steps aside. Costs next to nothing."""
        ...

    def projects(self) -> list[ProjectRow]:
        """Newest use first."""
        ...

    def add_project(self, folder: Path) -> ProjectRow:
        """Put the project that the folder lies in on the list, making it where there is none."""
        ...

    def forget_project(self, project: str) -> None:
        """Take the project with this id off the list; its files and records stay."""
        ...

    def git_state(self, root: Path) -> GitState: ...

    def sessions(self, project: str, *, search: str = "", limit: int = 200) -> list[SessionRow]:
        """Newest first; `search` looks into prompts and answers."""
        ...

    def transcript(self, session: str) -> list[Record]:
        """A session's records, oldest first."""
        ...

    def record(self, citation: str) -> LoggedRecord:
        """The record that is cited so, its `arrival` left 0. Raises `JournalError`."""
        ...

    def records_after(
        self,
        arrival: int,
        *,
        project: str,
        kinds: Sequence[Kind] = (),
        limit: int = 500,
        before: int | None = None,
    ) -> list[LoggedRecord]:
        """The newest `limit` records that arrived after `arrival` (0: ever), oldest first.

        Where given, only those that arrived before `before`.
        """
        ...

    def check_model(self, name: str) -> None:
        """Raise `NoModel` unless a session could run on it."""
        ...

    def prefer_model(self, name: str) -> None:
        """Later sessions run on it, too."""
        ...

    def models(self) -> list[ModelChoice]: ...

    def machine(self) -> Machine: ...

    def pull(self, name: str, progress: Progress, stopped: Callable[[], bool]) -> None:
        """Download a model; what was loaded is kept when `stopped`. Raises `OrchError`."""
        ...
