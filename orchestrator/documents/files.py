"""Handoff documents on disk: read with care, replaced atomically, bytes kept.

A project is untrusted: its documents may be links that lead outside, pipes, devices or huge.
Every function takes `within`, the folders that a path may lead into, and raises `DocumentError`.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import DocumentError

_ATTEMPTS = 5
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # what resolves to a file must still be one when it is opened
_LOCK_SECONDS = 30


def read(path: Path, within: Sequence[Path], limit: int, *, tail: bool = False) -> bytes | None:
    """At most `limit` bytes of a regular file, from its head or its tail; None where it is missing."""
    target = _locate(path, within)
    try:
        handle = durable.handle(target, os.O_RDONLY | _NO_LINK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, error, "read") from error
    try:
        with os.fdopen(handle, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if tail and size > limit:
                file.seek(size - limit)
            return file.read(limit)
    except OSError as error:
        raise _failed(path, error, "read") from error


def rewrite(
    path: Path, within: Sequence[Path], edit: Callable[[bytes | None], bytes], limit: int = 16 << 20
) -> bool:
    """Replace a document by what `edit` makes of it (None: missing); True when its bytes changed.

    Nothing is written when nothing changed. Where somebody saved the file meanwhile, `edit` sees
    the new text: an editor's save is never overwritten.
    """
    for _ in range(_ATTEMPTS):
        old = read(path, within, limit + 1)
        if old is not None and len(old) > limit:
            raise DocumentError(f"{path} is larger than {limit >> 20} MiB.", "Move it away or shorten it.")
        new = edit(old)
        if new == old:
            return False
        if _replace(path, within, new, lambda: read(path, within, limit + 1) == old):  # noqa: B023
            return True
    raise DocumentError(f"{path} keeps changing while it is written.", "Save it, then try again.")


def append(path: Path, within: Sequence[Path], data: bytes) -> None:
    """Add `data` at the end in one write, durable; a write that fails is taken back."""
    target = _locate(path, within)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = durable.handle(target, flags)
    except OSError as error:
        raise _failed(path, error, "written") from error
    try:
        status = os.fstat(handle)
        _refuse_read_only(path, status)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, status.st_size)
            raise
    except OSError as error:
        raise _failed(path, error, "written") from error
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` against other processes; waits at most 30 seconds."""
    import filelock  # 10 ms, only when something is written

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=_LOCK_SECONDS)
        lock.acquire()
    except filelock.Timeout as error:
        raise DocumentError(
            f"Another process holds {path}.", "Wait for the other `orch` to finish, or end it."
        ) from error
    except OSError as error:
        raise _failed(path, error, "written") from error
    try:
        yield
    finally:
        lock.release()


def _replace(path: Path, within: Sequence[Path], data: bytes, unchanged: Callable[[], bool]) -> bool:
    target = _locate(path, within)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            _refuse_read_only(path, target.stat())
        return durable.replace(target, data, unless=lambda: not unchanged())
    except OSError as error:
        raise _failed(path, error, "written") from error


def _refuse_read_only(path: Path, status: os.stat_result) -> None:
    if not status.st_mode & 0o222:  # a rename would go past it, and root past any check
        raise DocumentError(f"{path} is marked read-only.", "Make it writable if orch may change it.")


def _locate(path: Path, within: Sequence[Path]) -> Path:
    try:
        target = path.resolve()
        roots = [root.resolve() for root in within]
    except (OSError, RuntimeError, ValueError) as error:
        raise DocumentError(f"{path} cannot be followed: {error}.", "Replace the link by a file.") from error
    if not any(target.is_relative_to(root) for root in roots):
        raise DocumentError(f"{path} leads outside the project, to {target}.", "Replace the link by a file.")
    return target


def _failed(path: Path, error: OSError, done: str) -> DocumentError:
    if isinstance(error, durable.NotRegular | IsADirectoryError):
        remedy = "Move it away; orch makes a new one."
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space; what was there is unchanged."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = "Change its permissions, or move it away."
    else:
        remedy = "Check that the path is right and the disk is healthy."
    return DocumentError(f"{path} cannot be {done}: {error.strerror or error}.", remedy)
