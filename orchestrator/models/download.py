"""`orch model pull`: from a name in the catalogue to a verified file in the home.

Sources are tried in order: what Ollama or the disk already has, then the network. The file grows
as `NAME.gguf.part`; only when it is whole, synced and its checksum right does it get its name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import BadModelFile, DownloadError, ModelError
from orchestrator.models import elsewhere, gguf, installed, sources
from orchestrator.models.adopt import adopt
from orchestrator.models.catalog import Model
from orchestrator.models.installed import Installed
from orchestrator.models.machine import room, size_text
from orchestrator.models.partial import Partial, state_path
from orchestrator.models.sources import Progress, Source
from orchestrator.paths import Home

Say = Callable[[str], None]
"""Takes one sentence for the user about what is going on."""

_MARGIN = 64 * 10**6


class Stopped(Exception):
    """What a `progress` raises to end the pull; what was loaded is kept, as after Ctrl+C."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """`already`: it was there. `pinned`: no checksum was known, this one is remembered now."""

    model: Installed
    already: bool
    pinned: bool


def pull(
    model: Model,
    home: Home,
    *,
    progress: Progress = installed.quiet,
    say: Say = lambda text: None,
    network: Sequence[Source] | None = None,
    wait: bool = True,
) -> Pulled:
    """Get the model, or find that it is there. Raises `DownloadError` or `BadModelFile`.

    An interrupt leaves a partial file that the next pull goes on from. `network` replaces the
    model's own network sources. Unless it may `wait`, a pull by another process is a `ModelError`.
    """
    waiting = f"Another orch is getting {model.name}; waiting for it."
    with installed.lock(home, model.name, (lambda: say(waiting)) if wait else None):
        part = installed.part_of(home, model.name)
        installed.sweep(part)
        if there := _there(model, home, progress, say):
            _forget(part)
            return Pulled(there, already=True, pinned=False)
        expected = model.sha256 or installed.expected_sha256(home, model.name)
        got = _from_disk(model, home, expected, progress, say)
        if got is None:
            got = _from_network(model, home, expected, progress, say, network)
        else:
            _forget(part)
        if not expected:
            installed.pin(home, model.name, got.sha256)
        return Pulled(got, already=False, pinned=not expected)


def _there(model: Model, home: Home, progress: Progress, say: Say) -> Installed | None:
    one = installed.find(home, model.name)
    if one is None:
        return None
    try:
        return installed.verify(home, one, progress, expected=model.sha256)
    except BadModelFile:
        if not one.source:  # put there by hand: not ours to replace
            raise
        say(f"The file of {model.name} is damaged; getting it again.")
        return None


def _from_disk(model: Model, home: Home, expected: str, progress: Progress, say: Say) -> Installed | None:
    for path, owner in elsewhere.candidates(model):
        try:
            gguf.check(path)
            got = adopt(home, path, model.name, expected, owner, progress)
        except ModelError as error:
            say(f"Not taken from {owner}: {error.message}")
            continue
        say(f"Taken from {owner}, no download needed.")
        return got
    return None


def _from_network(
    model: Model, home: Home, expected: str, progress: Progress, say: Say, network: Sequence[Source] | None
) -> Installed:
    first: ModelError | None = None
    for source in sources.of(model) if network is None else network:
        if first:
            say(f"{first.message} Trying {source.label}.")
        try:
            return _fetch(model, home, source, expected, progress, say)
        except ModelError as error:
            first = first or error  # the source tried first is the one to mend
        except OSError as error:
            raise _disk_failure(error, home) from error
    raise first or DownloadError(f"The catalogue has no source for {model.name}.")


def _fetch(
    model: Model, home: Home, source: Source, expected: str, progress: Progress, say: Say
) -> Installed:
    part = installed.part_of(home, model.name)
    partial = Partial.open(part, expected or source.origin, lambda done: progress(done, model.bytes))
    try:
        room(part.parent, max(model.bytes - partial.offset, 0) + source.scratch + _MARGIN, model.name)
        if partial.offset:
            say(f"Going on from {size_text(partial.offset)}.")
        progress(partial.offset, model.bytes)
        source.fetch(partial, model.bytes, progress)
        partial.checkpoint()
        _check(partial, model, source, expected)
    except (KeyboardInterrupt, Stopped, ModelError):
        if part.exists():
            partial.checkpoint()
        raise
    finally:
        partial.close()
    return _finish(part, home, model.name, partial.sha256, source.label)


def _check(partial: Partial, model: Model, source: Source, expected: str) -> None:
    """Raise, and delete what was fetched, unless it is the model."""
    try:
        if expected and partial.sha256 != expected:
            raise BadModelFile(
                f"What {source.label} sent for {model.name} has another checksum than expected.",
                "It was deleted; try again later, or get the GGUF yourself and run `orch model add FILE`.",
            )
        gguf.check(partial.path)
    except BadModelFile:
        partial.discard()
        raise


def _finish(part: Path, home: Home, name: str, sha256: str, source: str) -> Installed:
    target = installed.path_of(home, name)
    os.replace(part, target)
    _forget(part)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return installed.note(home, name, sha256, source)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    state_path(part).unlink(missing_ok=True)


def _disk_failure(error: OSError, home: Home) -> DownloadError:
    if error.errno == errno.ENOSPC:
        return DownloadError(
            f"The disk of {home.models} is full.", "Free space; the same command goes on from there."
        )
    return DownloadError(
        f"{home.models} cannot be written: {error.strerror or error}.", "Change its permissions or ORCH_HOME."
    )
