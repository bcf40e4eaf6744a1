"""Writing a small file so that a reader, a crash or a full disk never sees half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Put `data` at `path` by temporary file, sync and rename. Raises `OSError`; the old file stays."""
    temporary = write_beside(path, data)
    try:
        os.replace(temporary, path)
    except OSError:
        _unlink(temporary)
        raise


def create(path: Path, data: bytes) -> bool:
    """Make `path` whole, or not at all; False when another process was first. Raises `OSError`."""
    temporary = write_beside(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # FAT and Android's shared storage have no links
        return _create_exclusive(path, data)
    finally:
        _unlink(temporary)
    return True


def write_beside(path: Path, data: bytes) -> str:
    """A synced temporary file in the folder of `path`; its name."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
    except OSError:
        _unlink(temporary)
        raise
    return temporary


def _create_exclusive(path: Path, data: bytes) -> bool:
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
