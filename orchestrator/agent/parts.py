"""What a session is made of: every part behind a port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from orchestrator.agent.approval import Rules
from orchestrator.checkpoints.store import Checkpoints
from orchestrator.ports import Approver, Backend, Documents, Journal, Memory, Reviewer, Tools
from orchestrator.tools.jobs import Jobs
from orchestrator.types import GenerateRequest, Message


@runtime_checkable
class Sends(Backend, Protocol):
    """A backend that sends prompts to another program, and can show exactly what."""

    async def outbound(self, request: GenerateRequest) -> Mapping[str, Any]: ...


class Running(Protocol):
    """Marks a session as alive, so that a killed one is found at the next start."""

    def begin(self, session: str, project: str, path: Path) -> None: ...

    def end(self, session: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of."""

    project: str
    path: str
    backend: Backend
    tools: Tools
    journal: Journal
    documents: Documents
    approver: Approver
    running: Running
    checkpoints: Checkpoints
    fixed: tuple[Message, ...]
    facts: Callable[[], Mapping[str, Any]]
    """Where the project stands (branch, commit, …); may be slow, is called in a thread."""
    writable: bool = True
    rules: Rules | None = None
    memory: Memory | None = None
    """Finds what earlier sessions said about a prompt; None: nobody asks."""
    reviewer: Reviewer | None = None
    """Sees what survives a rollover; None: it survives as proposed."""
    jobs: Jobs | None = None
    """Commands in the background; None where no command runs."""
    device: str = ""
    """Of who asks, where that is another node than this one."""
    copy: bool = False
    """Whether that one records the conversation itself, and documents are to tell of its records only."""
