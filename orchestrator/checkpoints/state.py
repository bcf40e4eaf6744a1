"""What stands at one path of a project: seen, compared, and put there again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from orchestrator import durable
from orchestrator.paths import PROJECT_FOLDER

Kind = Literal["missing", "file", "link", "unkept", "other"]
_KINDS = ("missing", "file", "link", "unkept", "other")
_SHA = re.compile(r"[0-9a-f]{64}")
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class State:
    """`sha` names a file's bytes (SHA-256), `mode` its permissions, `target` where a link points.

    "unkept": a file whose bytes were not kept (too large); "other": a pipe or a device.
    """

    kind: Kind
    sha: str = ""
    mode: int = 0
    target: str = ""
    size: int = 0

    def json(self) -> dict[str, Any]:
        """Without what says nothing."""
        values = {"kind": self.kind, "sha": self.sha, "mode": self.mode, "target": self.target}
        return {name: value for name, value in (values | {"size": self.size}).items() if value}


MISSING = State("missing")
OTHER = State("other")


def read_state(data: Mapping[str, Any]) -> State:
    """From `State.json`. Raises `ValueError`, `TypeError` for anything else: the file may be anybody's."""
    kind, sha, target = data["kind"], data.get("sha", ""), data.get("target", "")
    mode, size = int(data.get("mode", 0)), int(data.get("size", 0))
    if kind not in _KINDS or (kind == "file") != bool(_SHA.fullmatch(sha)) or not isinstance(target, str):
        raise ValueError(kind)
    return State(kind, sha, mode & 0o777, target, size)


def safe_path(path: object) -> str:
    """The relative path, with forward slashes, that a checkpoint may name. Raises `ValueError`."""
    if not isinstance(path, str) or "\0" in path or "\\" in path:
        raise ValueError(path)
    parts = PurePosixPath(path).parts
    folded = [part.lower() for part in parts]
    if not parts or ".." in parts or PurePosixPath(path).is_absolute() or ".git" in folded:
        raise ValueError(path)
    if folded[0] == PROJECT_FOLDER:
        raise ValueError(path)
    return "/".join(parts)


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def look(root: Path, path: str, most: int, keep: Callable[[bytes], object] | None = None) -> State:
    """What stands at `path` now; `keep` gets a file's bytes unless there are more than `most`.

    Links are not followed, not in the folders either. Raises `OSError` where it cannot be read.
    """
    try:
        with durable.folder(root, path) as (folder, name):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                return State("link", target=os.readlink(name, dir_fd=folder))
            if stat.S_ISDIR(status.st_mode):
                return MISSING  # no file stands there; what is in it has paths of its own
            if not stat.S_ISREG(status.st_mode):
                return OTHER
            mode = stat.S_IMODE(status.st_mode) & 0o777
            if status.st_size > most:
                return State("unkept", mode=mode, size=status.st_size, target=str(status.st_mtime_ns))
            flags = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
                data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    if keep:
        keep(data)
    return State("file", sha_of(data), mode, size=len(data))


def put(root: Path, path: str, state: State, data: bytes = b"") -> None:
    """Make `path` be `state` again ("missing", "file" or "link"); `data` are the file's bytes.

    No folder on the way may be a link: what a command put there must not lead the write elsewhere.
    Raises `OSError`.
    """
    if state.kind == "missing":
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _remove(root, path)
        return
    with durable.folder(root, path, make=True) as (folder, name):
        beside = durable.beside(name)
        try:
            if state.kind == "link":
                os.symlink(state.target, beside, dir_fd=folder)
            else:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_BINARY", 0)
                with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(data)
                    file.flush()
                    if hasattr(os, "fchmod"):
                        os.fchmod(file.fileno(), state.mode or 0o644)
                    os.fsync(file.fileno())
            with contextlib.suppress(OSError):  # an empty folder may stand in the way
                os.rmdir(name, dir_fd=folder)
            os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise
    durable.sync_folder((root / path).parent)


def _remove(root: Path, path: str) -> None:
    with durable.folder(root, path) as (folder, name):
        os.unlink(name, dir_fd=folder)
    for parent in PurePosixPath(path).parents:  # folders that held nothing else
        if str(parent) == ".":
            return
        try:
            with durable.folder(root, str(parent)) as (folder, name):
                os.rmdir(name, dir_fd=folder)
        except OSError:
            return
