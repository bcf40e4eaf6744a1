"""A project, a real journal, and short ways to record what sessions do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.handoff.verify import Finding, of_project
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Kind, Record
from orchestrator.workspaces import Project, open_project


@dataclass
class Steps:
    """A clock that moves one second with each record."""

    ms: int = 1_795_344_000_000

    def now_ms(self) -> int:
        self.ms += 1000
        return self.ms


@dataclass
class Scene:
    project: Project
    home: Home
    journal: SqliteJournal
    session: str = "7f3a" + "0" * 28
    warnings: list[str] = field(default_factory=list)

    def add(self, kind: Kind, body: dict[str, Any], parents: tuple[str, ...] = (), **more: Any) -> Record:
        entry = Entry(kind, body, self.project.id, self.session, parents=parents, **more)
        return self.journal.append([entry])[0]

    def start(self, session: str | None = None, **more: Any) -> None:
        self.session = session or self.session
        body = {"event": "start", "model": "qwen2.5-coder-1.5b", "mode": "ask", "sandbox": "bwrap"}
        self.add("session", {**body, "role": "desktop", "tiers": [], **more})

    def ask(self, text: str) -> None:
        self.add("message", {"role": "user", "text": text})

    def answer(self, text: str, **more: Any) -> None:
        self.add("message", {"role": "assistant", "text": text, **more})

    def tool(self, name: str, about: dict[str, str], **result: Any) -> Record:
        call = self.add("tool_call", {"name": name, "arguments": about})
        body = {
            "name": name,
            "ok": True,
            "exit_code": None,
            "text": "",
            "changed": [],
            "added": 0,
            "removed": 0,
        }
        return self.add("tool_result", {**body, **result}, (call.id,))

    def shell(self, command: str, code: int, text: str = "") -> Record:
        return self.tool("shell", {"command": command}, ok=code == 0, exit_code=code, text=text)

    def note(self, kind: Kind, text: str, by: str = "user", **more: Any) -> Record:
        status = "confirmed" if by == "user" else "claimed"
        return self.add(kind, {"text": text, "by": by, "status": status, **more})

    def end(self, reason: str = "done") -> None:
        self.add("session", {"event": "end", "reason": reason, "usage": {}})
        self.documents.close_session(self.session, reason)

    @property
    def documents(self) -> ProjectDocuments:
        return ProjectDocuments(self.project, self.journal, self.home, self.warnings.append)

    def check(self) -> tuple[Finding, ...]:
        return of_project(self.project, self.home, self.warnings.append)

    def git(self, *args: str) -> str:
        """As the person who works here would run it; what it printed."""
        who = ("-c", "user.name=Ines", "-c", "user.email=ines@x", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *who, *args], cwd=self.project.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def read(self, name: str) -> str:
        return (self.project.root / name).read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return self.read("SESSION_LOG.md")

    @property
    def briefing(self) -> str:
        return self.read("SESSION_BRIEFING.md")


@pytest.fixture
def scene(tmp_path: Path, orch_home: Home) -> Iterator[Scene]:
    folder = tmp_path / "heron"
    folder.mkdir()
    with SqliteJournal.open(orch_home, Steps()) as journal:
        yield Scene(open_project(folder), orch_home, journal)
