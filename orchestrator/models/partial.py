"""A download under way: the bytes so far, and how many of them are known to be good.

Beside `NAME.gguf.part` stands `NAME.gguf.part.json` with checkpoints, each an offset and the
SHA-256 of everything before it. A checkpoint is written after the bytes are synced, so that after
a kill or a power cut the longest prefix that still hashes as recorded is what the download goes
on from; the rest is cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator import durable

CHECKPOINT_BYTES = 32 * 2**20
_BLOCK = 2**20


class Partial:
    """The file being joined. Open it with `open`; `close` it whatever happens.

    `origin` says of what these bytes are the start: a checksum, or a source where none is known.
    `validator` is what a server gave to tell whether its file changed since.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self.path = path
        self.origin = origin
        self.validator = ""
        self.offset = 0
        self._checkpoints: list[tuple[int, str]] = []
        self._hash = hashlib.sha256()
        self._file = path.open("r+b" if path.exists() else "w+b")

    @classmethod
    def open(cls, path: Path, origin: str, seen: Callable[[int], None] = lambda done: None) -> Partial:
        """Open or create; verify what is there, telling `seen` how far the check has come."""
        partial = cls(path, origin)
        try:
            state = _state(path)
            if state.get("origin") == origin:
                partial.validator = str(state.get("validator", ""))
                partial._verify([(int(at), str(digest)) for at, digest in state["checkpoints"]], seen)
            partial._file.truncate(partial.offset)
            partial._file.seek(partial.offset)
        except BaseException:
            partial.close()
            raise
        return partial

    @property
    def sha256(self) -> str:
        """Of everything so far."""
        return self._hash.hexdigest()

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.offset += len(data)
        last = self._checkpoints[-1][0] if self._checkpoints else 0
        if self.offset - last >= CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Make everything so far durable, and known to be."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self._checkpoints or self._checkpoints[-1][0] != self.offset:
            self._checkpoints.append((self.offset, self.sha256))
        state = {"origin": self.origin, "validator": self.validator, "checkpoints": self._checkpoints}
        write_json(state_path(self.path), state)

    def restart(self) -> None:
        """Forget everything so far."""
        self._checkpoints.clear()
        self._hash = hashlib.sha256()
        self._file.seek(0)
        self._file.truncate()
        self.offset = 0
        self.validator = ""

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        """Close and delete, state and all."""
        self.close()
        self.path.unlink(missing_ok=True)
        state_path(self.path).unlink(missing_ok=True)

    def _verify(self, checkpoints: list[tuple[int, str]], seen: Callable[[int], None]) -> None:
        running = hashlib.sha256()
        at = 0
        for offset, digest in checkpoints:
            while at < offset and (block := self._file.read(min(_BLOCK, offset - at))):
                running.update(block)
                at += len(block)
            if at != offset or running.hexdigest() != digest:
                return
            self._checkpoints.append((offset, digest))
            self._hash = running.copy()
            self.offset = offset
            seen(offset)


def state_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def write_json(path: Path, value: Any) -> None:
    """Write by temporary file, sync and rename."""
    durable.replace(path, json.dumps(value, indent=1).encode())


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(durable.read(state_path(path)))
        checkpoints = [(int(at), str(digest)) for at, digest in state["checkpoints"]]
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {**state, "checkpoints": checkpoints}
