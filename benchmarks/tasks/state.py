"""What changed in a project: files against the repository as it was, and git's references."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from isolated.history import git

from tasks.task import Left

OWN = (".orchestrator", "SESSION_LOG.md", "SESSION_BRIEFING.md", "PROJECT_CONTEXT.md")
CACHES = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "node_modules")


def files(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by its path, without git's, caches and what Orchestrator writes itself."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git" and name not in (*OWN, *CACHES)]
        for name in names:
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            if shown not in OWN:
                found[shown] = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
    return found


def untouched(left: Left, changes: Sequence[str], history: bool) -> str:
    """Why more changed than may; empty where it did not."""
    before, after = files(left.pristine), files(left.project)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    extra = sorted(name for name in changed if not any(fnmatch(name, pattern) for pattern in changes))
    if extra:
        return "touched " + ", ".join(
            f"{name} ({'new' if name not in before else 'gone' if name not in after else 'changed'})"
            for name in extra[:5]
        )
    if not history and references(left.project) != references(left.pristine):
        return "git's branches, tags or HEAD are not as they were"
    return ""


def references(folder: Path) -> str:
    return git(folder, "for-each-ref") + (folder / ".git" / "HEAD").read_text(encoding="utf-8")
