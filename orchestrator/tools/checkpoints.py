"""What a file held before a tool changed it, kept outside the user's git."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import ToolError
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.tools.files import write_atomic


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file before one change. `sha` names the kept bytes; None: the file did not exist."""

    time_ms: int
    path: str
    sha: str | None
    mode: int = 0o644


class Checkpoints:
    """An append-only index beside the bytes, each kept once under its SHA-256."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder

    def save(self, path: Path) -> Checkpoint:
        """Keep the file as it is now; durable when this returns. Raises `ToolError`."""
        self._prepare()
        data = path.read_bytes() if path.exists() else None
        sha = None if data is None else hashlib.sha256(data).hexdigest()
        if data is not None and sha is not None and not (blob := self._folder / sha).exists():
            write_atomic(blob, data, "the checkpoint")
        mode = path.stat().st_mode & 0o7777 if data is not None else 0o644
        shown = path.relative_to(self._root.resolve()).as_posix()
        entry = Checkpoint(time.time_ns() // 1_000_000, shown, sha, mode)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(durable.handle(self._folder / "index.jsonl", flags), "ab") as file:
            file.write(json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return entry

    def _prepare(self) -> None:
        inside = self._folder.resolve()
        if self._root.resolve() / PROJECT_FOLDER not in inside.parents:
            raise ToolError(
                f"{self._folder} leads out of the project, so nothing can be written safely.",
                "Tell the user.",
            )
        inside.mkdir(parents=True, exist_ok=True)
        ignore = inside / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
