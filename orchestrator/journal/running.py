"""Which sessions run on this node, and which were killed.

Each running session has a marker file and a lock that the operating system releases when the process
dies, however it dies. What is found here without a living holder was killed; finding it costs as much
as there are running sessions, whatever the history.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from orchestrator import durable
from orchestrator.errors import JournalError
from orchestrator.journal.lock import FileLock


class Abandoned(NamedTuple):
    """A session whose process is dead: its id, its project's id and folder."""

    session: str
    project: str
    path: Path


class RunningSessions:
    """Markers in `folder` (`Home.run`). A lock lives as long as this process, or until `end`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def begin(self, session: str, project: str, path: Path) -> None:
        """Mark a session as running in this process. Raises `JournalError`."""
        lock = FileLock(self._lock_file(session))
        marker = self._marker(session)
        temporary = marker.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The lock comes first: a marker that can be seen is one that is held.
            if not lock.try_acquire():
                raise JournalError(f"Session {session} already runs.", "Start a new one.")
            self._held[session] = lock
            temporary.write_text(
                json.dumps({"session": session, "project": project, "path": os.fspath(path)}),
                encoding="utf-8",
            )
            os.replace(temporary, marker)
        except OSError as error:
            self.end(session)
            raise JournalError(
                f"{self._folder} cannot be written: {error.strerror}.",
                "Free space or change its permissions.",
            ) from error

    def end(self, session: str) -> None:
        """The session is closed: remove its marker. Also for one that `abandoned` gave."""
        lock = self._held.pop(session, None)
        if lock is None:
            return
        with contextlib.suppress(OSError):
            self._marker(session).unlink(missing_ok=True)
        self._drop(session, lock)

    def marked(self) -> list[str]:
        """Sessions that run, here or in another process, or that were killed and not closed yet."""
        return sorted(marker.stem for marker in self._folder.glob("*.json"))

    def abandoned(self) -> list[Abandoned]:
        """Sessions whose process died, claimed by this process: of two starts at once one gets each.

        A claim holds until `end`, which is called once the session is closed. Should this process
        die before, the next start finds the session again.
        """
        found = []
        for marker in sorted(self._folder.glob("*.json")):
            session = marker.stem
            if session not in self._held and (claimed := self._claim(session)) is not None:
                found.append(claimed)
        return found

    def alive(self) -> set[str]:
        """Ids of the projects in which a session runs now, in this process or another."""
        found = set()
        for marker in self._folder.glob("*.json"):
            lock = FileLock(self._lock_file(marker.stem))
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                if marker.stem not in self._held and lock.try_acquire():
                    lock.release()  # killed: the next start closes it
                else:
                    found.add(str(json.loads(durable.read(marker))["project"]))
        return found

    def _claim(self, session: str) -> Abandoned | None:
        lock = FileLock(self._lock_file(session))
        try:
            if not lock.try_acquire():
                return None
        except OSError:
            return None
        try:
            fields = json.loads(durable.read(self._marker(session)))
            claimed = Abandoned(session, str(fields["project"]), Path(str(fields["path"])))
        except OSError:  # another start has closed it since we looked
            self._drop(session, lock)
            return None
        except (ValueError, KeyError, TypeError):  # damaged marker: its name still says which session
            claimed = Abandoned(session, "", Path())
        self._held[session] = lock
        return claimed

    def _drop(self, session: str, lock: FileLock) -> None:
        # Windows removes no open file, POSIX must not remove a lock that another may have taken.
        if os.name == "nt":
            lock.release()
        with contextlib.suppress(OSError):
            self._lock_file(session).unlink(missing_ok=True)
        if os.name != "nt":
            lock.release()

    def _marker(self, session: str) -> Path:
        return self._folder / f"{session}.json"

    def _lock_file(self, session: str) -> Path:
        return self._folder / f"{session}.lock"
