"""What a command changed: nobody knows beforehand, so what could be lost is kept before it runs.

In a git repository only what differs from the last commit is kept beforehand; a file that was clean is
taken from git's own objects if the command changed it. Without git all small files are kept. Files that
git ignores, and what lies in folders of dependencies and caches, are not looked at.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.checkpoints.state import MISSING, State, safe_path
from orchestrator.checkpoints.store import Checkpoints
from orchestrator.errors import OrchError, VcsError
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.vcs import Repository, Wrap

MOST_FILES = 20_000
"""Files whose times are compared; in a larger project the first of them."""
MOST_KEPT, MOST_KEPT_BYTES = 2000, 64_000_000
"""Files and bytes kept before one command."""
_SKIPPED = frozenset(
    {".git", PROJECT_FOLDER, "node_modules", "__pycache__", "venv", ".venv", "target", ".tox"}
)
_GIT_SECONDS = 30
_Sign = tuple[int, ...]


@dataclass(slots=True)
class Before:
    """How the project stood: a sign for each file that changes with it, and what of them is kept."""

    signs: dict[str, _Sign] = field(default_factory=dict)
    kept: dict[str, State] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    """Of files that git holds: the name of its object."""
    repository: Repository | None = None


class Watched:
    """Looks before and after a command. `wrap` confines git."""

    def __init__(self, store: Checkpoints, wrap: Wrap | None = None) -> None:
        self._store = store
        self._root = store.root
        self._wrap = wrap

    def before(self) -> Before:
        """Keep what the command could destroy. Takes git's time; may raise `ToolError`."""
        found = Before()
        changed: Iterable[str] | None = None
        if repository := Repository.find(self._root, self._wrap):
            try:
                found.blobs = _tracked(repository)
                changed = [*_status(repository)]
                found.repository = repository
            except OrchError:  # a repository that git will not read: as without one
                found.blobs = {}
        names = self._names(found) if changed is None else [*found.blobs, *changed]
        found.signs = self._signs(names)
        room = MOST_KEPT_BYTES
        for path in list(dict.fromkeys(found.signs if changed is None else changed))[:MOST_KEPT]:
            if (sign := found.signs.get(path)) and sign[0] <= room:
                found.kept[path] = self._store.look(path, keep=True)
                room -= sign[0]
        return found

    def after(self, was: Before, call: str) -> list[str]:
        """Note what is different now; returns those paths."""
        signs = self._signs(self._names(was))
        changes: list[tuple[str, State, State]] = []
        for path in dict.fromkeys((*was.signs, *signs)):
            if was.signs.get(path) == signs.get(path):
                continue
            now = self._store.look(path, keep=False)
            before = self._was(was, path)
            if before != now:
                changes.append((path, before, now))
        self._store.add(changes, call)
        return [path for path, _, _ in changes]

    def _was(self, was: Before, path: str) -> State:
        """What stood there: kept, or in git's objects, or not known any more."""
        if (sign := was.signs.get(path)) is None:
            return MISSING
        if path in was.kept:
            return was.kept[path]
        size, mode = sign[0], stat.S_IMODE(sign[1]) & 0o777
        blob = was.blobs.get(path)
        data = (
            _object(was.repository, blob)
            if was.repository and blob and size <= self._store.limits.file
            else None
        )
        if data is None or (len(data) != size):  # what git converts on the way out is not what was there
            return State("unkept", mode=mode, size=size)
        if stat.S_ISLNK(sign[1]):
            return State("link", target=os.fsdecode(data))
        return State("file", self._store.keep(data), mode, size=size)

    def _names(self, was: Before) -> Iterable[str]:
        if was.repository is None:
            return _walk(self._root)
        try:
            return [*was.blobs, *_listed(was.repository)]
        except OrchError:
            return was.signs

    def _signs(self, names: Iterable[str]) -> dict[str, _Sign]:
        found: dict[str, _Sign] = {}
        for name in names:
            if len(found) >= MOST_FILES:
                break
            try:
                path = safe_path(name)
                status = os.lstat(self._root / path)
            except (OSError, ValueError):
                continue
            if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                times = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                found[path] = (status.st_size, status.st_mode, *times)
        return found


def _tracked(repository: Repository) -> dict[str, str]:
    """Path → object of each file in git's index, below the project."""
    rows = (row for row in _lines(repository, "ls-files", "-s", "-z"))
    pairs = (row.partition("\t") for row in rows)
    return {path: head.split()[1] for head, _, path in pairs if path and not head.startswith("160000")}


def _status(repository: Repository) -> list[str]:
    """Paths that differ from the index, and those git does not know yet, below the project."""
    return _lines(repository, "ls-files", "-m", "-o", "--exclude-standard", "-z")


def _listed(repository: Repository) -> list[str]:
    return _lines(repository, "ls-files", "-c", "-o", "--exclude-standard", "-z")


def _lines(repository: Repository, *args: str) -> list[str]:
    return [row for row in _output(repository, args).decode("utf-8", "surrogateescape").split("\0") if row]


def _object(repository: Repository, name: str) -> bytes | None:
    try:
        return _output(repository, ("cat-file", "blob", name))
    except OrchError:
        return None


def _output(repository: Repository, args: Sequence[str]) -> bytes:
    """What a hardened git prints, byte for byte. Raises `VcsError`."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            repository.command(args),
            cwd=repository.folder,
            env=bare,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VcsError(f"git {args[0]} failed: {error}") from error
    return done.stdout


def _walk(root: Path) -> Iterator[str]:
    folders = [root]
    while folders:
        try:
            entries = sorted(os.scandir(folders.pop()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    folders.append(Path(entry.path))
            else:
                yield Path(entry.path).relative_to(root).as_posix()
