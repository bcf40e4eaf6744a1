"""Files on disk: opened only where they are regular, replaced so that nobody ever sees half of one.

Everything raises `OSError`, and what was there stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

# Opening a pipe would wait for a writer that never comes.
_CAREFUL = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
_BY_HANDLE = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd


class NotRegular(OSError):
    """A pipe, a socket or a device stands where a file is expected."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", os.fspath(path))


def handle(path: str | os.PathLike[str], flags: int, mode: int = 0o666, dir_fd: int | None = None) -> int:
    """As `os.open`, for a regular file only; never waits, whatever stands there.

    Raises `NotRegular`, and `IsADirectoryError` for a folder.
    """
    try:
        descriptor = os.open(path, flags | _CAREFUL, mode, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a pipe that nobody reads
            raise NotRegular(path) from error
        raise
    try:
        _check(path, os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def check_regular(path: str | os.PathLike[str]) -> None:
    """What `handle` raises, without opening the file."""
    _check(path, os.stat(path).st_mode)


def _check(path: str | os.PathLike[str], kind: int) -> None:
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(kind):
        raise NotRegular(path)


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading."""
    return os.fdopen(handle(path, os.O_RDONLY), "rb")


def read(path: Path, limit: int = -1) -> bytes:
    """A regular file, or its first `limit` bytes."""
    with opened(path) as file:
        return file.read(limit)


def replace(
    path: Path, data: bytes, *, mode: int = 0o666, unless: Callable[[], bool] = lambda: False
) -> bool:
    """Put `data` at `path` by temporary file, sync and rename; False where `unless` said so.

    `unless` is asked when all is written but the rename. A file that was there keeps its permissions,
    a new one gets `mode` less the umask. A link at `path` is replaced, not followed.
    """
    temporary = _write_beside(path, data, mode)
    try:
        if unless():
            return False
        os.replace(temporary, path)
        temporary = ""
    finally:
        _remove(temporary)
    sync_folder(path.parent)
    return True


def create(path: Path, data: bytes) -> bool:
    """Make `path` whole, or not at all; False when another process was first."""
    temporary = _write_beside(path, data, 0o666)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # FAT and Android's shared storage have no links
        return _create_exclusive(path, data)
    finally:
        _remove(temporary)
    sync_folder(path.parent)
    return True


@contextlib.contextmanager
def folder(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int | None, str]]:
    """The folder of `path`, which is below `root`, as a handle; and the last name in it.

    No folder on the way may be a link: a command that runs meanwhile could put one there, and lead us out
    of the project. `make` those that are missing. Without handles (Windows) it is looked at, then named.
    """
    *parts, name = PurePosixPath(path).parts
    if not _BY_HANDLE:
        parent = root.joinpath(*parts)
        if make:
            parent.mkdir(parents=True, exist_ok=True)
        if parent.resolve() != root.resolve().joinpath(*parts):
            raise NotADirectoryError(f"{parent} is a link")
        yield None, str(parent / name)
        return
    at = os.open(root, os.O_RDONLY | _FOLDER)
    try:
        for part in parts:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=at)
            below = os.open(part, os.O_RDONLY | _FOLDER | _NO_LINK, dir_fd=at)
            os.close(at)
            at = below
        yield at, name
    finally:
        os.close(at)


def opened_below(root: Path, path: str) -> BinaryIO:
    """The regular file at `path` below `root`, open for reading; no link is followed."""
    with folder(root, path) as (where, name):
        return os.fdopen(handle(name, os.O_RDONLY | _NO_LINK, dir_fd=where), "rb")


def replace_below(root: Path, path: str, data: bytes) -> None:
    """As `replace`, for a path below `root` on which no link is followed; missing folders are made."""
    with folder(root, path, make=True) as (where, name):
        kept = None
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=where, follow_symlinks=False)
            kept = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
        temporary = beside(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_BINARY", 0)
        opened = os.open(temporary, flags, 0o666 if kept is None else kept, dir_fd=where)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                if kept is not None and hasattr(os, "fchmod"):
                    os.fchmod(file.fileno(), kept)  # past the umask
                os.fsync(file.fileno())
            os.replace(temporary, name, src_dir_fd=where, dst_dir_fd=where)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=where)
            raise
    sync_folder((root / path).parent)


def beside(name: str) -> str:
    """A name for a temporary file in the same folder, not longer than file systems take."""
    above, _, last = name.replace(os.sep, "/").rpartition("/")
    short = last.encode(errors="surrogateescape")[:64].decode(errors="ignore")
    return f"{above + '/' if above else ''}.{short}-{os.urandom(6).hex()}"


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut, where the platform can."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_beside(path: Path, data: bytes, mode: int) -> str:
    """A synced temporary file in the folder of `path`; its name."""
    kept = None
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(path, follow_symlinks=False)
        kept = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
    temporary = str(path.with_name(beside(path.name)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(temporary, flags, mode if kept is None else kept), "wb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if kept is not None:
                os.chmod(temporary, kept)  # past the umask
        except BaseException:
            _remove(temporary)
            raise
    return temporary


def _create_exclusive(path: Path, data: bytes) -> bool:
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _remove(path: str) -> None:
    if path:
        with contextlib.suppress(OSError):
            os.unlink(path)
