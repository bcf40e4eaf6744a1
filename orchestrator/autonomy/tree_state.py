"""What a project's files are like now, and which of them changed: none that git ignores, none of our own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orchestrator.documents.tiers import BRIEFING, LOG
from orchestrator.errors import VcsError
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.tools.walk import MAX_FILES, project_files
from orchestrator.vcs import Repository

TreeState = Mapping[str, tuple[int, int, int]]
"""Relative path of each file → its size, its time of change (ns) and its inode."""

_OWN = frozenset((BRIEFING.filename, LOG.filename))
"""What every session writes anew."""
_ASIDE = frozenset((".git", PROJECT_FOLDER, "__pycache__"))
_LIST_S = 60


@dataclass(frozen=True, slots=True)
class Writes:
    """Files that came, and files that were there before and are other or gone."""

    created: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.created | self.changed


def tree_state(root: Path, repository: Repository | None) -> TreeState:
    """Of at most 20,000 files; without a repository, of those that are not hidden. Raises `VcsError`."""
    found: dict[str, tuple[int, int, int]] = {}
    for path in islice(_files(root, repository), MAX_FILES):
        try:
            status = os.lstat(root / path)
        except (OSError, ValueError):
            continue  # deleted, and not yet from git's index
        found[path] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def difference(before: TreeState, now: TreeState) -> Writes:
    gone = before.keys() - now.keys()
    other = {path for path in before.keys() & now.keys() if before[path] != now[path]}
    return Writes(frozenset(now.keys() - before.keys()), frozenset(gone | other))


def counts(path: str) -> bool:
    """Whether a change of this path, relative to the project, may be one of the project's files."""
    parts = path.replace(os.sep, "/").split("/")
    return path not in _OWN and _ASIDE.isdisjoint(parts)


def _files(root: Path, repository: Repository | None) -> Iterable[str]:
    if repository is None:
        return filter(counts, project_files(root))
    code, text = repository.run(
        ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], _LIST_S, alone=True
    )
    if code:
        raise VcsError(f"git ls-files failed with {code}.", "Try `git status` in the project.")
    return dict.fromkeys(path for path in text.split("\0") if path and counts(path))
