"""KV cache snapshots on disk: a prompt that was prefilled once is read back instead.

    FOLDER/SPACE/OWNER.KEY.kv     what llama.cpp wrote
    FOLDER/SPACE/OWNER.KEY.ids    header with size and CRC of the other, then the token ids
    FOLDER/SPACE/OWNER.json       for people: model, project folder, hits

SPACE names everything a cache depends on besides the tokens (model, build, settings); OWNER is
`base` or a project; KEY is the hash of the tokens. A project has one snapshot a space: a newer one
takes the place of the older. A pair of files never changes once it is there, so that a reader is
never between two versions. Files hold what the prompt said, so only their owner may read them.
Whatever goes wrong here costs a prefill and is never an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import struct
import tempfile
import threading
import time
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.models import snapshot_about
from orchestrator.types import EVERYBODY, Owner

_HEADER = struct.Struct("<8sQII")  # magic, bytes of .kv, its CRC-32, number of ids
_MAGIC = b"orchkv2\n"
_BLOCK = 1 << 20
_SCANNED = 16  # snapshots of others compared when there is no base, newest use first
_KEEP_FREE = 256 * 1024 * 1024
_STALE_S = 3600
BASE = "base"
"""Owner of what is the same for every project: system, tools, examples."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot: the tokens it holds, and how many of them the asked prompt shares."""

    path: Path
    ids: tuple[int, ...]
    shared: int


def space(*depends_on: object) -> str:
    """The name for all that a cache depends on besides its tokens."""
    return hashlib.sha256(repr(depends_on).encode()).hexdigest()[:24]


def owner_name(project: str) -> str:
    """The name of a project's snapshots, from its id, which may be any text."""
    if not project:
        return BASE
    plain = re.fullmatch(r"[0-9A-Za-z-]{1,64}", project)
    return f"project-{project if plain else hashlib.sha256(project.encode()).hexdigest()[:32]}"


class SnapshotStore:
    """Snapshots of all models under one folder, at most `max_bytes`; the oldest use goes first.

    `model` is its name for people.
    """

    def __init__(self, folder: Path, max_bytes: int, model: str = "") -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.model = model
        self._saving: list[threading.Thread] = []

    def described(self) -> dict[str, object]:
        """What its constructor takes, as JSON can carry it."""
        return {"folder": str(self.folder), "max_bytes": self.max_bytes, "model": self.model}

    def best(
        self, space: str, ids: Sequence[int], marks: Sequence[int] = (), owner: Owner = EVERYBODY
    ) -> Snapshot | None:
        """The snapshot that shares most leading tokens with `ids`, whole or in part.

        Looks at the owner's and at those of everybody that end at one of the `marks`, rising; at a
        few of the others only where nothing reaches the first mark. So the cost does not grow with
        their number.
        """
        wanted = array("i", ids)
        near = [self._path(space, BASE, wanted[:mark]) for mark in marks]
        if owner.project:
            near += self._of(space, owner_name(owner.project))
        found = self._better(None, near, wanted)
        if found is None or not marks or found.shared < marks[0]:
            found = self._better(found, self._newest(space)[:_SCANNED], wanted)
        return found

    def has(self, space: str, ids: Sequence[int], owner: Owner) -> bool:
        """Whether `owner` has a snapshot of exactly these tokens, as far as its index says."""
        tokens = array("i", ids)
        path = self._path(space, owner_name(owner.project), tokens)
        return path.exists() and bool(_read_ids(path) == tokens)

    def _better(self, best: Snapshot | None, paths: Sequence[Path], wanted: array[int]) -> Snapshot | None:
        for path in paths:
            if (found := _read_ids(path)) is None:
                if path.exists():
                    self.drop(path)
            elif (shared := common_prefix(found, wanted)) > (best.shared if best else 0):
                best = Snapshot(path, tuple(found), shared)
        return best

    def whole(self, snapshot: Snapshot) -> bool:
        """Whether the file is byte for byte what was saved."""
        try:
            _, size, crc, _ = _HEADER.unpack(durable.read(_ids_path(snapshot.path), _HEADER.size))
            return bool(snapshot.path.stat().st_size == size and _crc(snapshot.path) == crc)
        except (OSError, struct.error):
            return False

    def used(self, snapshot: Snapshot) -> None:
        """Note a hit, now."""
        with contextlib.suppress(OSError):
            os.utime(snapshot.path)
        snapshot_about.hit(snapshot.path.parent, _owner(snapshot.path))

    def drop(self, path: Path) -> None:
        for name in (path, _ids_path(path)):
            with contextlib.suppress(OSError):
                name.unlink()

    def save(
        self, space: str, owner: Owner, ids: Sequence[int], size: int, write: Callable[[Path], bool]
    ) -> bool:
        """Let `write` fill a temporary file of about `size` bytes; the rest happens beside.

        Check sum, sync, rename and the size limit run in a thread, so that they delay no answer.
        """
        tokens = array("i", ids)
        path = self._path(space, owner_name(owner.project), tokens)
        if size > self.max_bytes or path.exists():
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if shutil.disk_usage(path.parent).free < size + _KEEP_FREE:
                return False
            handle, name = tempfile.mkstemp(dir=path.parent, prefix="tmp-")
            os.close(handle)
        except OSError:
            return False
        temporary = Path(name)
        if not write(temporary):
            temporary.unlink(missing_ok=True)
            return False
        thread = threading.Thread(target=self._finish, args=(temporary, path, tokens, owner))
        self._saving = [old for old in self._saving if old.is_alive()] + [thread]
        thread.start()
        return True

    def wait(self, timeout: float | None = None) -> None:
        """Until everything saved is in place."""
        for thread in self._saving:
            thread.join(timeout)

    def _finish(self, temporary: Path, path: Path, tokens: array[int], owner: Owner) -> None:
        ids = temporary.with_name(temporary.name + ".ids")
        try:
            _sync(temporary)
            header = _HEADER.pack(_MAGIC, temporary.stat().st_size, _crc(temporary), len(tokens))
            ids.write_bytes(header + tokens.tobytes())
            ids.chmod(0o600)
            os.replace(ids, _ids_path(path))
            os.replace(temporary, path)
        except OSError:
            for name in (temporary, ids):
                with contextlib.suppress(OSError):
                    name.unlink()
            return
        snapshot_about.made(path.parent, _owner(path), self.model, owner.path)
        if owner.project:
            for older in self._of(path.parent.name, _owner(path)):
                if older != path:
                    self.drop(older)
        self._evict(keep=path)

    def _evict(self, keep: Path) -> None:
        total = 0
        for used, size, path in sorted(self._all(), reverse=True):
            total += size
            if path.name.startswith("tmp-"):
                over = time.time() - used > _STALE_S  # another process may be writing a newer one
            else:
                over = path != keep and total > self.max_bytes
            if over:
                self.drop(path)
                total -= size

    def _all(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.folder.glob("*/*"):
            if path.suffix == ".kv" or path.name.startswith("tmp-"):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    yield status.st_mtime, status.st_size, path

    def _newest(self, space: str) -> list[Path]:
        found = []
        for path in (self.folder / space).glob("*.kv"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _of(self, space: str, owner: str) -> list[Path]:
        return list((self.folder / space).glob(f"{owner}.*.kv"))

    def _path(self, space: str, owner: str, tokens: array[int]) -> Path:
        key = hashlib.sha256(tokens.tobytes()).hexdigest()[:32]
        return self.folder / space / f"{owner}.{key}.kv"


def _owner(path: Path) -> str:
    return path.name.partition(".")[0]


def common_prefix(a: Sequence[object], b: Sequence[object]) -> int:
    """How many leading tokens two sequences share."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # slices compare in C: a few of them instead of a loop over tokens
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _ids_path(path: Path) -> Path:
    return path.with_suffix(".ids")


def _read_ids(path: Path) -> array[int] | None:
    try:
        data = durable.read(_ids_path(path))
        magic, _, _, count = _HEADER.unpack_from(data)
    except (OSError, struct.error):
        return None
    tokens: array[int] = array("i")
    if magic != _MAGIC or len(data) != _HEADER.size + count * tokens.itemsize:
        return None
    tokens.frombytes(data[_HEADER.size :])
    return tokens


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            value = zlib.crc32(block, value)
    return value


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
