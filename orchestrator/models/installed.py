"""Models on this disk: `NAME.gguf` in the home's folder `models`, and beside each what is known of it.

`NAME.json` holds size, time and SHA-256 as last verified, so that nothing is hashed twice;
`NAME.sha256` is a checksum pinned at the first pull; `NAME.gguf.part` is a download under way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestrator import durable
from orchestrator.errors import BadModelFile, DownloadError, ModelError, UsageError
from orchestrator.models import catalog, gguf
from orchestrator.models.partial import state_path, write_json
from orchestrator.paths import Home

Progress = Callable[[int, int], None]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
RESERVED = ("auto", "scripted")
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Installed:
    """One model file. `sha256` is "" when the file is not (or no longer) as last verified."""

    name: str
    path: Path
    bytes: int
    sha256: str
    source: str


def quiet(done: int, total: int) -> None:
    return None


def is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and text not in RESERVED


def path_of(home: Home, name: str) -> Path:
    """Where the model lies or would lie. Raises `UsageError` for what cannot be a name."""
    if not is_name(name):
        raise UsageError(
            f"{name!r} cannot be the name of a model.", "Use lower-case letters, digits, dots and dashes."
        )
    return home.models / f"{name}.gguf"


def part_of(home: Home, name: str) -> Path:
    path = path_of(home, name)
    return path.with_name(path.name + ".part")


def find(home: Home, name: str) -> Installed | None:
    path = path_of(home, name)
    try:
        status = path.stat()
    except OSError:
        return None
    noted = _noted(path)
    same = noted.get("bytes") == status.st_size and noted.get("mtime_ns") == status.st_mtime_ns
    sha256 = str(noted.get("sha256", "")) if same else ""
    return Installed(name, path, status.st_size, sha256, str(noted.get("source", "")))


def listing(home: Home) -> list[Installed]:
    """Every model on disk, by name. Files whose name cannot be a model's are left out."""
    with contextlib.suppress(OSError):
        stems = sorted(path.name.removesuffix(".gguf") for path in home.models.glob("*.gguf"))
        found = (find(home, stem) for stem in stems if is_name(stem))
        return [one for one in found if one]
    return []


def partial_bytes(home: Home, name: str) -> int:
    try:
        return part_of(home, name).stat().st_size
    except OSError:
        return 0


def expected_sha256(home: Home, name: str) -> str:
    """The catalogue's checksum, else the one pinned at the first pull, else ""."""
    model = catalog.find(name)
    if model and model.sha256:
        return model.sha256
    with contextlib.suppress(OSError, IndexError):
        return durable.read(pin_of(home, name), 4096).decode("ascii").split()[0]
    return ""


def pin_of(home: Home, name: str) -> Path:
    """The pin is a line as `sha256sum -c` reads it."""
    return path_of(home, name).with_suffix(".sha256")


def pin(home: Home, name: str, sha256: str) -> None:
    pin_of(home, name).write_text(f"{sha256}  {name}.gguf\n", encoding="ascii")


def note(home: Home, name: str, sha256: str, source: str) -> Installed:
    """Write down that the file as it is now has this checksum."""
    path = path_of(home, name)
    status = path.stat()
    noted = {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256, "source": source}
    with contextlib.suppress(OSError):  # a read-only home only costs a hash the next time
        write_json(_note_path(path), noted)
    return Installed(name, path, status.st_size, sha256, source)


def verify(
    home: Home, one: Installed, progress: Progress = quiet, *, again: bool = False, expected: str = ""
) -> Installed:
    """The model with its checksum, hashed only when the file changed, or `again`.

    Raises `BadModelFile` when the bytes are not those `expected`, by default those that were
    pulled or that the catalogue names.
    """
    expected = expected or expected_sha256(home, one.name)
    if one.sha256 and not again and expected in ("", one.sha256):
        return one
    sha256 = hash_file(one.path, progress)
    before = str(_noted(one.path).get("sha256", ""))
    if sha256 != (expected or before or sha256):
        mend = f"Run `orch model pull {one.name}`." if one.source and catalog.find(one.name) else ""
        raise BadModelFile(
            f"The file of {one.name} is damaged or was replaced: its checksum is not the expected one.",
            mend or f"Run `orch model rm {one.name}`, then get it again.",
        )
    if not expected:
        gguf.check(one.path)
    return note(home, one.name, sha256, one.source)


def hash_file(path: Path, progress: Progress = quiet) -> str:
    digest = hashlib.sha256()
    try:
        with durable.opened(path) as file:
            for block, done, total in blocks(file):
                digest.update(block)
                progress(done, total)
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def outside_sha256(home: Home, path: Path) -> str:
    """Checksum of a GGUF that is not in the home; remembered by path, size and time.

    Raises `BadModelFile` where it is no whole GGUF.
    """
    memory = home.models / ".elsewhere.json"
    try:
        known = json.loads(durable.read(memory))
        known = known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        known = {}
    status = path.stat()
    key, stamp = str(path.resolve()), [status.st_size, status.st_mtime_ns]
    entry = known.get(key)
    if isinstance(entry, list) and entry[:2] == stamp:
        return str(entry[2])
    gguf.check(path)
    sha256 = hash_file(path)
    with contextlib.suppress(OSError):
        home.models.mkdir(parents=True, exist_ok=True)
        write_json(memory, {**known, key: [*stamp, sha256]})
    return sha256


@contextlib.contextmanager
def lock(home: Home, name: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the model's lock; `waiting` is called once when another process has it.

    Without `waiting`, a lock that is held is a `ModelError`.
    """
    from filelock import FileLock, Timeout

    path = path_of(home, name)
    held = FileLock(path.with_name(f".{name}.lock"), timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire()
        except Timeout:
            if waiting is None:
                raise ModelError(
                    f"Another orch is getting {name} just now.", "Wait for it, or stop it."
                ) from None
            waiting()
            held.acquire(timeout=-1, poll_interval=0.2)
    except OSError as error:
        raise DownloadError(
            f"{path.parent} cannot be written: {error.strerror or error}.",
            "Change its permissions or ORCH_HOME.",
        ) from error
    try:
        yield
    finally:
        held.release()


def remove(home: Home, name: str) -> int:
    """Delete the model, what is known of it and any partial download; return the bytes freed.

    A pinned checksum stays: it is what the next pull is compared with. Bytes that another name
    on the disk still holds (a hard link) are not counted.
    """
    target, part = path_of(home, name), part_of(home, name)
    with lock(home, name):
        freed = 0
        for path in (target, part):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                path.unlink()
                freed += status.st_size if status.st_nlink == 1 else 0
        state_path(part).unlink(missing_ok=True)
        _note_path(target).unlink(missing_ok=True)
        sweep(part)
    return freed


def sweep(part: Path) -> None:
    """Delete scratch folders that a killed pull left behind. Hold the lock."""
    for folder in part.parent.glob(f".{part.name}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def blocks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Blocks of an open file, each with the bytes done and in all."""
    total, done = os.fstat(file.fileno()).st_size, 0
    while block := file.read(_BLOCK):
        done += len(block)
        yield block, done, total


def _note_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _noted(path: Path) -> dict[str, object]:
    try:
        noted = json.loads(durable.read(_note_path(path)))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
