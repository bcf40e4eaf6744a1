"""The checkpoints of one project: an append-only index beside the bytes, each kept once.

A tool's change is two lines: what was there, durable before the change, and what the change left. What
a command changed is one line a file, written when it has ended. All are in `.orchestrator`, where no
command can write; the index may still be anybody's (a cloned project), so every line is checked.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator import durable
from orchestrator.checkpoints.state import State, look, read_state, safe_path, sha_of
from orchestrator.documents import files
from orchestrator.errors import OrchError, ToolError
from orchestrator.paths import PROJECT_FOLDER

MAX_BYTES = 500_000_000
MAX_FILE_BYTES = 20_000_000
_INDEX_BYTES = 64 << 20
_AFTER_PRUNING = 0.8
"""Of the limit: so that not every change prunes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in one change. `point` is the turn it belongs to, `call` the tool that made it.

    `after` is None where orch was killed before it could say what the change left.
    """

    id: str
    time_ms: int
    session: str
    point: str
    call: str
    path: str
    before: State
    after: State | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of all checkpoints of a project, and of one file that is still kept."""

    total: int = MAX_BYTES
    file: int = MAX_FILE_BYTES


class Checkpoints:
    """`root` is the project, `folder` lies in its `.orchestrator`. Errors are `ToolError`s."""

    def __init__(self, root: Path, folder: Path, limits: Limits | None = None) -> None:
        self.root = root.resolve()
        self.limits = limits or Limits()
        self._folder = folder
        self._session = self._point = ""

    def begin(self, session: str, point: str) -> None:
        """What is changed from here on belongs to this turn."""
        self._session, self._point = session, point
        with contextlib.suppress(OSError, OrchError):  # what is too much now goes another time
            self.prune()

    # --- keeping ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def change(self, path: Path, call: str) -> Iterator[None]:
        """Hold around a change of one file: what was there is durable first, what is left noted after."""
        name = path.relative_to(self.root).as_posix()
        entry = self._entry(name, self.look(name, keep=True), call)
        self._append([_line(entry)])
        try:
            yield
        finally:
            self._append([{"v": 1, "of": entry.id, "after": self.look(name).json()}])

    def add(self, changes: Iterable[tuple[str, State, State]], call: str) -> None:
        """Note changes that were made: (path, what was there, what is there now)."""
        entries = [replace(self._entry(path, was, call), after=now) for path, was, now in changes]
        if entries:
            self._append([_line(entry) for entry in entries])

    def look(self, path: str, *, keep: bool = False) -> State:
        """What stands at a path now; with `keep` its bytes are kept."""
        try:
            return look(self.root, path, self.limits.file, self.keep if keep else None)
        except OSError as error:
            raise ToolError(
                f"No checkpoint of {path} can be kept: {error.strerror}.", "Tell the user."
            ) from error

    def keep(self, data: bytes) -> str:
        """Keep bytes, once; returns their name."""
        self._prepare()
        sha = sha_of(data)
        blob = self._folder / sha
        try:
            if blob.exists():
                os.utime(blob)
            else:
                durable.replace(blob, data, mode=0o600)
        except OSError as error:
            raise ToolError(f"No checkpoint can be kept: {error.strerror}.", "Tell the user.") from error
        return sha

    def bytes_of(self, state: State) -> bytes | None:
        """The bytes of a file's state; None where they are gone or damaged."""
        if state.kind != "file":
            return b"" if state.kind in ("missing", "link") else None
        try:
            data = durable.read(self._folder / state.sha)
        except OSError:
            return None
        return data if sha_of(data) == state.sha else None

    # --- reading ----------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """All of them, oldest first; lines that cannot be understood are passed over."""
        try:
            text = durable.read(self._folder / "index.jsonl", _INDEX_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        found: dict[str, Entry] = {}
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                row = json.loads(line)
                if row["v"] != 1:
                    continue
                if "of" in row:
                    if row["of"] in found:
                        found[row["of"]] = replace(found[row["of"]], after=read_state(row["after"]))
                else:
                    entry = _read(row)
                    found[entry.id] = entry
        return list(found.values())

    # --- pruning ----------------------------------------------------------------------------

    def prune(self) -> int:
        """Drop the oldest turns until the rest fits the limit; returns how many bytes went."""
        if not self._folder.is_dir():
            return 0
        with self._locked():
            sizes = {
                item.name: item.stat().st_size
                for item in os.scandir(self._folder)
                if item.is_file(follow_symlinks=False) and len(item.name) == 64
            }
            before = sum(sizes.values())
            if before <= self.limits.total:
                return 0
            entries, kept = self.entries(), []
            wanted: set[str] = set()
            size, point = 0, None
            for entry in reversed(entries):  # the newest first, a turn as a whole
                names = {entry.before.sha, entry.after.sha if entry.after else ""} - wanted
                size += sum(sizes.get(name, 0) for name in names)
                if size > self.limits.total * _AFTER_PRUNING and entry.point != point:
                    break
                wanted |= names
                kept.append(entry)
                point = entry.point
            lines = b"".join(_written(_line(entry)) for entry in reversed(kept))
            durable.replace(self._folder / "index.jsonl", lines, mode=0o600)
            for name in sizes.keys() - wanted:
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()
            return before - sum(sizes[name] for name in sizes.keys() & wanted)

    # --- writing ----------------------------------------------------------------------------

    def _entry(self, path: str, before: State, call: str) -> Entry:
        now = time.time_ns() // 1_000_000
        return Entry(os.urandom(8).hex(), now, self._session, self._point, call, path, before)

    def _append(self, rows: Sequence[dict[str, Any]]) -> None:
        self._prepare()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            with (
                self._locked(),
                os.fdopen(durable.handle(self._folder / "index.jsonl", flags, 0o600), "ab") as file,
            ):
                file.write(b"".join(map(_written, rows)))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ToolError(f"No checkpoint can be kept: {error.strerror}.", "Tell the user.") from error

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return files.locked(self._folder / "lock")

    def _prepare(self) -> None:
        inside = self._folder.resolve()
        if self.root / PROJECT_FOLDER not in inside.parents:
            raise ToolError(
                f"{self._folder} leads out of the project, so nothing can be written safely.",
                "Tell the user.",
            )
        inside.mkdir(parents=True, exist_ok=True)
        ignore = inside / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")


Look = Callable[[str], State]
"""What stands at a path now."""


def _line(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"v": 1, "id": entry.id, "ms": entry.time_ms, "session": entry.session}
    row |= {"point": entry.point, "call": entry.call, "path": entry.path, "before": entry.before.json()}
    return row | ({"after": entry.after.json()} if entry.after else {})


def _written(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"  # ASCII: a name that is no text survives as an escape


def _read(row: dict[str, Any]) -> Entry:
    texts = [row[name] for name in ("id", "session", "point", "call")]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(row)
    after = read_state(row["after"]) if row.get("after") else None
    path, before = safe_path(row["path"]), read_state(row["before"])
    return Entry(texts[0], int(row["ms"]), texts[1], texts[2], texts[3], path, before, after)
