"""Where things live: one home for the node, one folder in each project.

`ORCH_HOME` moves all state of the node. Nothing here creates anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_FOLDER = ".orchestrator"


@dataclass(frozen=True, slots=True)
class Home:
    """The node's folder: config, models, registry, journal, snapshots."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def journal(self) -> Path:
        return self.root / "journal.sqlite3"

    @property
    def hub(self) -> Path:
        """The hub's devices and runs, where this node is one."""
        return self.root / "hub.sqlite3"

    @property
    def projects(self) -> Path:
        """Documents of projects that this node knows from other devices' records only."""
        return self.root / "projects"

    @property
    def memory_log(self) -> Path:
        return self.root / "memory_log.jsonl"

    @property
    def registry(self) -> Path:
        return self.root / "registry.json"

    @property
    def history(self) -> Path:
        return self.root / "history"

    @property
    def abilities(self) -> Path:
        """What was found out about models on servers."""
        return self.root / "abilities.json"

    @property
    def slots(self) -> Path:
        """Which slots of llama-servers were saved from here."""
        return self.root / "slots.json"

    @property
    def run(self) -> Path:
        """Locks and markers of running sessions."""
        return self.root / "run"

    @property
    def busy(self) -> Path:
        """Markers of those who wait for the model on this node."""
        return self.run / "busy"

    def polished_of(self, project: str) -> Path:
        """A model's words for lines of a project's briefing, with their originals."""
        return self.root / "polished" / f"{project}.json"

    def logs_of(self, project: str) -> Path:
        """Where the log and the briefing of a project are kept that cannot be written itself."""
        return self.root / "logs" / project


def program(name: str, project: Path) -> str | None:
    """Where a program lies that orch itself runs, unconfined: never in the project, whose virtual environment
    may stand in PATH, and into which a command could put another."""
    import shutil  # 9 ms, only when needed

    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    trusted = [entry for entry in folders if os.path.isabs(entry) and not _inside(Path(entry), project)]
    return shutil.which(name, path=os.pathsep.join(trusted)) if trusted else None


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def home() -> Home:
    """The node's home: `ORCH_HOME`, else the platform's folder for user data."""
    if given := os.environ.get("ORCH_HOME"):
        return Home(Path(given).expanduser().absolute())
    from platformdirs import user_data_path  # 8 ms, only when needed

    return Home(user_data_path("orchestrator", appauthor=False))
