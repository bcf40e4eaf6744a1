"""Projects that this node can answer about: its own folders, and those it knows from records only."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import HubError, ProjectError
from orchestrator.journal.reader import JournalReader
from orchestrator.paths import PROJECT_FOLDER, Home
from orchestrator.workspaces import Project, Registry, find_project, open_project

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class KnownProjects:
    def __init__(self, home: Home, journal: JournalReader) -> None:
        self._home = home
        self._journal = journal

    def open(self, project: str) -> Project:
        """The project of this id, where its documents are on this node.

        One that came by sync has a folder in the node's home, made here. Raises `HubError` (404).
        """
        if _ID.fullmatch(project):
            if found := self._own(project):
                return found
            if self._journal.rows("SELECT 1 FROM records WHERE project = ? LIMIT 1", (project,)):
                return self._from_records(project)
        raise HubError(
            "This hub knows no such project.",
            "Name it by its id (in .orchestrator/project.toml), and sync it to the hub first.",
            status=404,
        )

    def _own(self, project: str) -> Project | None:
        for known in Registry(self._home).projects():
            for path in known.paths if known.id == project else ():
                try:
                    found = find_project(Path(path))
                except ProjectError:  # moved away, or damaged
                    continue
                if found and found.id == project:
                    return found
        return None

    def _from_records(self, project: str) -> Project:
        root = self._home.projects / project
        file = root / PROJECT_FOLDER / "project.toml"
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.create(file, f'id = "{project}"\n'.encode())
        except OSError as error:
            raise ProjectError(
                f"{root} cannot be made: {error.strerror or error}.", "Free space or change its permissions."
            ) from error
        return open_project(root, here=True)
