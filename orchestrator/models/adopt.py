"""Taking a GGUF that is already on this disk into the home."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from pathlib import Path

from orchestrator.errors import BadModelFile, DownloadError, UsageError
from orchestrator.models import catalog, gguf, installed
from orchestrator.models.installed import Installed, Progress, quiet
from orchestrator.models.machine import room
from orchestrator.paths import Home


def add(home: Home, file: Path, name: str = "", progress: Progress = quiet) -> Installed:
    """Register a GGUF: hard-linked where the disk allows, else copied. The file itself stays.

    Without a name, a file that the catalogue knows by its checksum gets the catalogue's, any
    other one its own file name's. Raises `BadModelFile`, `UsageError`, `DownloadError`.
    """
    gguf.check(file)
    sha256 = installed.hash_file(file, progress)
    known = catalog.by_checksum(sha256)
    name = name or (known.name if known else name_for(file))
    with installed.lock(home, name):
        there = installed.find(home, name)
        if there and not there.path.samefile(file):
            if installed.verify(home, there).sha256 == sha256:
                return there
            raise UsageError(
                f"There is another model called {name}.", f"Give --name, or run `orch model rm {name}` first."
            )
        return adopt(home, file, name, installed.expected_sha256(home, name) or sha256, str(file), progress)


def adopt(home: Home, file: Path, name: str, expected: str, source: str, progress: Progress) -> Installed:
    """Link or copy the file to where the model NAME lies, if it has the `expected` checksum (or
    none is expected). The caller holds the model's lock."""
    target = installed.path_of(home, name)
    temporary = target.with_name(f".{target.name}.adopt")
    try:
        if target.exists() and target.samefile(file):
            sha256 = installed.hash_file(target, progress)
        else:
            temporary.unlink(missing_ok=True)
            sha256 = _link_or_copy(file.resolve(), temporary, progress)
        if expected and sha256 != expected:
            raise BadModelFile(f"{file} is not {name}: its checksum is another one.")
        if temporary.exists():
            os.replace(temporary, target)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        reason = (
            f"The disk of {target.parent} is full."
            if full
            else f"{target} cannot be written: {error.strerror or error}."
        )
        raise DownloadError(reason, "Free space or change permissions, and try again.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return installed.note(home, name, sha256, source)


def name_for(file: Path) -> str:
    """A model's name made from a file's."""
    stem = re.sub(r"\.gguf$", "", file.name.lower())
    name = re.sub(r"[^a-z0-9._-]+", "-", stem).strip("._-")[:80]
    return name if installed.is_name(name) else "model"


def _link_or_copy(file: Path, temporary: Path, progress: Progress) -> str:
    """Put the file at `temporary` and return the checksum of what is there then."""
    with contextlib.suppress(OSError, NotImplementedError):
        os.link(file, temporary)
        return installed.hash_file(temporary, progress)
    digest = hashlib.sha256()
    with file.open("rb") as origin, temporary.open("wb") as copy:
        room(temporary.parent, os.fstat(origin.fileno()).st_size, file.name)
        for block, done, total in installed.blocks(origin):
            copy.write(block)
            digest.update(block)
            progress(done, total)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
