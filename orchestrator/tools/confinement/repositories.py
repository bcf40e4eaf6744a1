"""What of git and orch in a project no command may write, as arguments for bubblewrap."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from orchestrator import paths
from orchestrator.tools import walk
from orchestrator.tools.confinement.hidden import within

GUARDED = (".git", paths.PROJECT_FOLDER)
BARE = "HEAD"
"""With `objects` and `refs` beside it, and without `.git`, git takes a folder itself for a repository."""
_MODULES = 200  # submodules and other repositories in it that are guarded at most
_DEPTH, _FOLDERS, _FRESH_S = 4, 1000, 60.0
_seen: dict[Path, tuple[float, list[Path]]] = {}


def guarded(root: Path) -> list[str]:
    """`.git` and `.orchestrator` as they are but read-only; empty and read-only where missing.

    A `git init` by a command, with `core.fsmonitor` set, would run code in the user's next git. The same
    for submodules, which git looks into; the folders on the way to one are mounted, since a folder could
    be moved away with the mount in it, and another put in its place.
    """
    args = []
    for name in GUARDED:
        args += _read_only(root / name)
    if not os.path.lexists(root / ".git") and not (root / BARE).is_file():
        args += ["--ro-bind", "/dev/null", str(root / BARE)]
    common = _common_folder(root / ".git")
    if common is not None and within(common, root):
        args += ["--ro-bind", str(common), str(common)]
    folders: set[Path] = set()
    modules = [*_submodules(root, common or root / ".git"), *_nested(root)]
    for module in modules:
        folders |= {folder for folder in (module, *module.parents) if root in folder.parents}
    for folder in sorted(folders):
        args += ["--bind", str(folder), str(folder)]
    for module in dict.fromkeys(modules):
        args += _read_only(module / ".git")
    return args


def _nested(root: Path) -> list[Path]:
    """Folders below `root` that are repositories of their own, and not ignored: what a build fetches is.

    A command may make more of them; those are looked at again after a while only.
    """
    now = time.monotonic()
    at, found = _seen.get(root, (-_FRESH_S, []))
    if now - at > _FRESH_S:
        found = [folder for folder in walk.project_folders(root, _DEPTH, _FOLDERS) if _is_repository(folder)]
        _seen[root] = (now, found[:_MODULES])
    return [folder for folder in _seen[root][1] if _is_repository(folder)]


def _is_repository(folder: Path) -> bool:
    git = folder / ".git"
    return git.is_file() or (git.is_dir() and (git / "HEAD").is_file())


def _read_only(path: Path) -> list[str]:
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        return ["--ro-bind", str(path), str(path)]
    return ["--tmpfs", str(path), "--remount-ro", str(path)]


def _submodules(root: Path, git: Path) -> list[Path]:
    """Folders of submodules that are checked out below `root`, from git's own folder, which is guarded."""
    found = set()
    for config in sorted((git / "modules").glob("**/config"))[:_MODULES]:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in config.read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                if key.strip().lower() == "worktree":
                    found.add((config.parent / value.strip().strip('"')).resolve())
    return sorted(folder for folder in found if root in folder.parents and folder.is_dir())


def _common_folder(git: Path) -> Path | None:
    """The folder that a `.git` file (worktree, submodule) points at."""
    if not git.is_file():
        return None
    with contextlib.suppress(OSError, ValueError):
        target = git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        folder = (git.parent / target).resolve()
        if target and folder.is_dir() and folder != git.parent.resolve():
            return folder
    return None


def unwritable(root: Path) -> list[Path]:
    """The same as `guarded`, as paths that may not be written: for a sandbox without mounts."""
    common = _common_folder(root / ".git")
    found = [root / name for name in GUARDED]
    if not os.path.lexists(root / ".git") and not (root / BARE).is_file():
        found.append(root / BARE)
    if common is not None and within(common, root):
        found.append(common)
    modules = [*_submodules(root, common or root / ".git"), *_nested(root)]
    return [*found, *(module / ".git" for module in dict.fromkeys(modules))]
