"""What SQLite and the file system report, as one sentence and a remedy."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import JournalError

REBUILD = "Run `orch log --rebuild`: it makes a new journal from memory_log.jsonl and keeps the damaged file."

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def damaged(path: Path, detail: object) -> JournalError:
    return JournalError(f"The journal {path} is damaged ({detail}).", REBUILD)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of the database at `path` and of its files into `JournalError`s."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # a mistake of ours, not of the disk
    except sqlite3.DatabaseError as error:
        raise _of_database(path, error) from error
    except OSError as error:
        raise _of_system(path, error) from error
    except ValueError as error:  # a row that does not decode
        raise damaged(path, error) from error


def _of_database(path: Path, error: sqlite3.DatabaseError) -> JournalError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return JournalError(
            f"The journal {path} could not be written ({error}); nothing was recorded.",
            "Free space on the disk, then try again.",
        )
    if code in _BUSY:
        return JournalError(f"The journal {path} stayed locked.", "End the program that holds it open.")
    if code in _CLOSED:
        return _not_writable(path, error)
    return damaged(path, error)


def _of_system(path: Path, error: OSError) -> JournalError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return JournalError(
            f"There is no space for the journal {path}; nothing was recorded.",
            "Free space on the disk, then try again.",
        )
    if isinstance(error, durable.NotRegular | IsADirectoryError):
        return JournalError(f"{error.filename or path} is not a regular file.", "Move it away.")
    return _not_writable(path, error.strerror or error)


def _not_writable(path: Path, detail: object) -> JournalError:
    return JournalError(
        f"The journal {path} cannot be opened for writing ({detail}).",
        "Make its folder writable, or set ORCH_HOME to one that is.",
    )
