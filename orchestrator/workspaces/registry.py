"""The node's registry: which projects and workspaces it knows, and preferences, in TinyDB.

Small, rare and readable by people: never messages. Stock TinyDB loses inserts of two processes and
the whole file on a full disk, so every use holds a lock and every write is a rename.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import durable
from orchestrator.errors import ProjectError
from orchestrator.paths import Home
from orchestrator.types import DECISIONS, Decision
from orchestrator.workspaces.projects import Project, workspace_of

if TYPE_CHECKING:
    from tinydb import TinyDB

Warn = Callable[[str], None]
_LOCK_SECONDS = 20
_PATHS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A project as the registry remembers it; `paths` newest first, `last_used` ISO 8601 in UTC."""

    id: str
    name: str
    paths: tuple[str, ...]
    last_used: str


def remember(project: Project, home: Home) -> None:
    """Note that the project was used now, and its workspace. Raises `ProjectError`."""
    Registry(home).remember(project)


class Registry:
    """Tables `projects`, `workspaces`, `rules`, `preferences`, `peers`; safe for many processes at once."""

    def __init__(self, home: Home, warn: Warn | None = None) -> None:
        self._path = home.registry
        self._lock = home.run / "registry.lock"
        self._warn = warn or (lambda text: logging.getLogger(__name__).warning("%s", text))

    def remember(self, project: Project, now: datetime | None = None) -> None:
        used = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        workspace = workspace_of(project)
        path = str(project.root)
        with self._open() as db:
            table = db.table("projects")
            old = [row for row in table.all() if row.get("id") == project.id]
            paths = [path, *(other for row in old for other in row.get("paths", []) if other != path)]
            row = {"id": project.id, "name": project.name, "paths": paths[:_PATHS_KEPT], "last_used": used}
            table.upsert(row, lambda doc: doc.get("id") == project.id)
            if workspace:
                place = {"path": str(workspace), "name": workspace.name, "last_used": used}
                db.table("workspaces").upsert(place, lambda doc: doc.get("path") == str(workspace))

    def projects(self) -> list[Known]:
        """Newest use first."""
        with self._open() as db:
            rows = db.table("projects").all()
        known = [known for row in rows if (known := _known(row))]
        return sorted(known, key=lambda item: (item.last_used, item.id), reverse=True)

    def forget(self, project: str) -> None:
        """Drop the project with this id from the list; its files and records stay."""
        with self._open() as db:
            db.table("projects").remove(lambda doc: doc.get("id") == project)

    def workspaces(self) -> list[Path]:
        """Newest use first."""
        with self._open() as db:
            rows = db.table("workspaces").all()
        rows.sort(key=lambda row: str(row.get("last_used")), reverse=True)
        return [Path(row["path"]) for row in rows if isinstance(row.get("path"), str)]

    def preference(self, name: str) -> Any:
        """A value kept with `prefer`, or None."""
        with self._open() as db:
            rows = db.table("preferences").all()
        return next((row.get("value") for row in rows if row.get("name") == name), None)

    def prefer(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self._open() as db:
            db.table("preferences").upsert(
                {"name": name, "value": value}, lambda doc: doc.get("name") == name
            )

    def rules(self, project: str) -> dict[str, Decision]:
        """Tool → what a person decided about it in this project."""
        with self._open() as db:
            rows = db.table("rules").all()
        return {
            str(row["tool"]): row["decision"]
            for row in rows
            if row.get("project") == project and row.get("decision") in DECISIONS and row.get("tool")
        }

    def set_rule(self, project: str, tool: str, decision: Decision) -> None:
        row = {"project": project, "tool": tool, "decision": decision}
        with self._open() as db:
            db.table("rules").upsert(row, _rule_of(project, tool))

    def drop_rule(self, project: str, tool: str) -> bool:
        """Whether there was one."""
        with self._open() as db:
            return bool(db.table("rules").remove(_rule_of(project, tool)))

    @property
    def path(self) -> Path:
        return self._path

    def rows(self, table: str) -> list[Mapping[str, Any]]:
        """All rows of a table, as they are."""
        with self._open() as db:
            return [dict(row) for row in db.table(table).all()]

    def put(self, table: str, key: str, row: Mapping[str, Any]) -> None:
        """Keep a row; one with the same value of `key` is replaced."""
        with self._open() as db:
            rows = db.table(table)
            rows.remove(lambda doc: doc.get(key) == row[key])
            rows.insert(row)

    def drop(self, table: str, key: str, value: str) -> None:
        with self._open() as db:
            db.table(table).remove(lambda doc: doc.get(key) == value)

    @contextlib.contextmanager
    def _open(self) -> Iterator[TinyDB]:
        import filelock  # 10 ms
        from tinydb import TinyDB  # 30 ms

        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self._lock, timeout=_LOCK_SECONDS):
                self._set_aside_if_damaged()
                with TinyDB(self._path, storage=_Storage) as db:
                    yield db
        except filelock.Timeout as error:
            raise ProjectError(f"Another process holds {self._lock}.", "Wait for it, or end it.") from error
        except OSError as error:
            raise ProjectError(
                f"{self._path} cannot be used: {error.strerror or error}.",
                "Free space or change permissions; nothing in it was lost.",
            ) from error

    def _set_aside_if_damaged(self) -> None:
        try:
            if _valid(_Storage(self._path).read()):
                return
        except (ValueError, durable.NotRegular, IsADirectoryError):
            pass
        aside = self._path.with_name(f"{self._path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        self._path.rename(aside)
        self._warn(f"The registry was damaged; it is kept as {aside}, and a new one was started.")


class ProjectRules:
    """The rules of one project for a session: read again whenever another process changed the registry."""

    def __init__(self, registry: Registry, project: str) -> None:
        self._registry = registry
        self._project = project
        self._sign: tuple[int, ...] | None = ()
        self._rules: dict[str, Decision] = {}

    def of(self, tool: str) -> Decision | None:
        if (sign := self._state()) != self._sign:
            self._rules = self._registry.rules(self._project) if sign else {}
            self._sign = sign
        return self._rules.get(tool)

    def allow(self, tool: str) -> None:
        """Raises `ProjectError`."""
        self._registry.set_rule(self._project, tool, "allow")

    def _state(self) -> tuple[int, ...] | None:
        try:
            status = self._registry.path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)


class _Storage:
    """What TinyDB reads and writes through."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        try:
            return json.loads(durable.read(self._path))  # type: ignore[no-any-return]
        except FileNotFoundError:
            return None

    def write(self, data: Mapping[str, Any]) -> None:
        durable.replace(self._path, _text(data), mode=0o600)

    def close(self) -> None:
        pass


def _text(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "replace")


def _valid(data: Any) -> bool:
    """Tables of rows with whole numbers for keys: what TinyDB takes without falling over."""
    return data is None or (
        isinstance(data, dict)
        and all(
            isinstance(table, dict)
            and all(key.isdecimal() and isinstance(row, dict) for key, row in table.items())
            for table in data.values()
        )
    )


def _rule_of(project: str, tool: str) -> Any:  # TinyDB's type of a query asks for a hash, too
    return lambda row: row.get("project") == project and row.get("tool") == tool


def _known(row: Mapping[str, Any]) -> Known | None:
    paths = row.get("paths")
    if not isinstance(paths, list) or not isinstance(row.get("id"), str):
        return None
    places = tuple(path for path in paths if isinstance(path, str))
    return Known(row["id"], str(row.get("name", "")), places, str(row.get("last_used", "")))
