"""A project: a folder with an id of its own, found from any place inside it.

The id is a UUID in `.orchestrator/project.toml`, made on first use and fit for version control,
since paths differ between devices; `orch init` shows it to git.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import ProjectError
from orchestrator.paths import PROJECT_FOLDER

PORTFOLIO_FILE = "PORTFOLIO_CONTEXT.md"
_FILE = "project.toml"
_IGNORE = b"# Made by orch: nothing here belongs into version control before `orch init`.\n*\n"
_SHARE_ID = b"# Made by orch: only the project's id belongs into version control.\n*\n!project.toml\n"
_UUID = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Project:
    """`root` is absolute and resolved. Not `writable`: documents go to the node's home instead."""

    id: str
    root: Path
    name: str
    writable: bool


def open_project(path: Path, *, here: bool = False) -> Project:
    """The project that `path` lies in, made where there is none; no `orch init` needed.

    With `here`, `path` itself is the root. Raises `ProjectError`.
    """
    folder = _folder(path)
    root = folder if here else _root(folder)
    known = _read_id(root)
    if known is None:
        return _make(root)
    writable = os.access(root, os.W_OK) and os.access(root / PROJECT_FOLDER, os.W_OK)
    if writable:
        _ignore_state(root)
    return Project(known, root, _name(root), writable)


def share_id(project: Project) -> None:
    """Let version control see the project's id, which other devices know it by: somebody wants the project
    known. Until then git is shown nothing. A `.gitignore` that a person changed stays."""
    path = project.root / PROJECT_FOLDER / ".gitignore"
    with contextlib.suppress(OSError):
        if not path.is_symlink() and durable.read(path, _MAX_BYTES) == _IGNORE:
            durable.replace(path, _SHARE_ID)


def find_project(path: Path) -> Project | None:
    """The project that `path` lies in if it has an id already; creates nothing."""
    try:
        root = _root(_folder(path))
    except ProjectError:
        return None
    known = _read_id(root)
    return Project(known, root, _name(root), os.access(root, os.W_OK)) if known else None


def root_of(path: Path) -> Path:
    """The root that a project opened at `path` has or would have; creates nothing. Raises `ProjectError`."""
    return _root(_folder(path))


def workspace_of(project: Project) -> Path | None:
    """The nearest folder above the project that has a PORTFOLIO_CONTEXT.md.

    Looks no higher than the user's home or the file system, and not into folders like /tmp, where
    anybody may have put one.
    """
    home = _home()
    if project.root == home:
        return None
    device = project.root.stat().st_dev
    for folder in project.root.parents:
        try:
            status = folder.stat()
            if status.st_dev != device:
                return None
            if not status.st_mode & stat.S_ISVTX and (folder / PORTFOLIO_FILE).is_file():
                return folder
        except OSError:
            return None
        if folder == home:
            return None
    return None


def _folder(path: Path) -> Path:
    try:
        folder = path.expanduser().resolve()
        status = folder.stat()
    except FileNotFoundError as error:
        raise ProjectError(f"{path} does not exist.", "Name an existing folder.") from error
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ProjectError(
            f"{path} cannot be opened: {why}.", "Check the path and its permissions."
        ) from error
    if not stat.S_ISDIR(status.st_mode):
        raise ProjectError(f"{path} is not a folder.", f"Name its folder: {folder.parent}.")
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.", "Change its permissions.") from error
    return folder


def _root(folder: Path) -> Path:
    """The nearest folder, from here upwards, that has an id or is a git top level; else this one.

    Nearest of the two, so that an id in a workspace does not swallow the repositories below it.
    """
    home = _home()
    for candidate in (folder, *folder.parents):
        if candidate != folder and (candidate == home or candidate.parent == candidate or _shared(candidate)):
            continue
        with contextlib.suppress(OSError):
            if (candidate / PROJECT_FOLDER / _FILE).is_file() or _is_top_level(candidate / ".git"):
                return candidate
    return folder


def _is_top_level(git: Path) -> bool:
    """A repository's folder, or a worktree's file; git passes an empty folder by, too."""
    return git.is_file() or (git / "HEAD").exists() or (git / "HEAD").is_symlink()


def _shared(folder: Path) -> bool:
    """Folders like /tmp: anybody can put an id there to catch what lies below."""
    with contextlib.suppress(OSError):
        return bool(folder.stat().st_mode & stat.S_ISVTX)
    return False


def _home() -> Path | None:
    with contextlib.suppress(OSError, RuntimeError):
        return Path.home().resolve()
    return None


def _make(root: Path) -> Project:
    state = root / PROJECT_FOLDER
    made = str(uuid.uuid4())
    try:
        state.mkdir(exist_ok=True)
        _refuse_link(state)
        if not durable.create(state / _FILE, _toml(made)):
            made = _read_id(root) or made
        _ignore_state(root)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise ProjectError(
                f"{state} cannot be made: {error.strerror or error}.",
                "Free some space, or move what is in the way.",
            ) from error
        return Project(_stable_id(root), root, _name(root), False)
    return Project(made, root, _name(root), os.access(root, os.W_OK))


def _stable_id(root: Path) -> str:
    """The same id each time on this machine, for a folder that nothing can be kept in."""
    import platform

    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"orch://{platform.node()}{root.as_posix()}"))


def _ignore_state(root: Path) -> None:
    with contextlib.suppress(OSError), open(root / PROJECT_FOLDER / ".gitignore", "xb") as file:
        file.write(_IGNORE)


def _read_id(root: Path) -> str | None:
    state = root / PROJECT_FOLDER
    path = state / _FILE
    _refuse_link(state)
    try:
        handle = durable.handle(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            data = file.read(_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read: {error.strerror}.", "Make it a plain readable file."
        ) from error
    with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return str(uuid.UUID(tomllib.loads(data.decode("utf-8-sig"))["id"]))
    return _rescue(path, data)


def _rescue(path: Path, data: bytes) -> str:
    """The id out of a damaged file, which is then written anew; the old one is kept beside it."""
    ids: set[str] = {found.decode().lower() for found in _UUID.findall(data)}
    if len(ids) != 1:
        raise ProjectError(
            f"{path} is damaged and holds no id that can be saved.",
            "Restore it from version control, or delete it: the project then gets a new id and no history.",
        )
    with contextlib.suppress(OSError):
        durable.replace(path.with_suffix(".toml.damaged"), data)
        durable.replace(path, _toml(min(ids)))
    return min(ids)


def _refuse_link(state: Path) -> None:
    if state.is_symlink() or (state.exists() and not state.is_dir()):
        raise ProjectError(f"{state} is not a folder of its own.", "Remove it; orch makes a new one.")


def _toml(project: str) -> bytes:
    return f'# Made by orch. Every device knows this project by its id: keep it.\nid = "{project}"\n'.encode()


def _name(root: Path) -> str:
    return root.name or root.anchor or str(root)
