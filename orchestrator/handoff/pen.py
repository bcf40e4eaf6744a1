"""What writes documents: the files themselves, or a draft that notes what would be written."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.documents import files
from orchestrator.documents.tiers import decode

Edit = Callable[[bytes | None], bytes]


class Pen(Protocol):
    """As `documents.files`; `writes` is False where nothing reaches the disk."""

    @property
    def writes(self) -> bool: ...

    def read(self, path: Path, within: Sequence[Path], limit: int, *, tail: bool = False) -> bytes | None: ...

    def rewrite(self, path: Path, within: Sequence[Path], edit: Edit) -> bool: ...

    def append(self, path: Path, within: Sequence[Path], data: bytes) -> None: ...


class _Ink:
    writes = True

    def read(self, path: Path, within: Sequence[Path], limit: int, *, tail: bool = False) -> bytes | None:
        return files.read(path, within, limit, tail=tail)

    def rewrite(self, path: Path, within: Sequence[Path], edit: Edit) -> bool:
        return files.rewrite(path, within, edit)

    def append(self, path: Path, within: Sequence[Path], data: bytes) -> None:
        files.append(path, within, data)


PEN: Pen = _Ink()


class Pencil:
    """Keeps what would be written: the same work is done, and no file changes."""

    writes = False
    _LIMIT = 16 << 20

    def __init__(self) -> None:
        self._before: dict[Path, bytes | None] = {}
        self._now: dict[Path, bytes | None] = {}

    @property
    def changed(self) -> list[Path]:
        """Documents that would not stay as they are, in the order of the first look at them."""
        return [path for path, before in self._before.items() if before != self._now[path]]

    def read(self, path: Path, within: Sequence[Path], limit: int, *, tail: bool = False) -> bytes | None:
        data = self._of(path, within)
        if data is None:
            return None
        return data[max(len(data) - limit, 0) :] if tail else data[:limit]

    def rewrite(self, path: Path, within: Sequence[Path], edit: Edit) -> bool:
        old = self._of(path, within)
        self._now[path] = edit(old)
        return self._now[path] != old

    def append(self, path: Path, within: Sequence[Path], data: bytes) -> None:
        self._now[path] = (self._of(path, within) or b"") + data

    def before(self, path: Path) -> bytes | None:
        return self._before[path]

    def now(self, path: Path) -> bytes | None:
        return self._now[path]

    def diff(self) -> Iterator[str]:
        """What would change, as unified diffs, line by line without line ends."""
        for path in self.changed:
            before, now = self._before[path], self._now[path]
            old = decode(before or b"").split("\n") if before is not None else []
            new = decode(now or b"").split("\n")
            name = str(path)
            yield from difflib.unified_diff(
                old, new, name if before is not None else "/dev/null", name, lineterm=""
            )

    def _of(self, path: Path, within: Sequence[Path]) -> bytes | None:
        if path not in self._now:
            self._before[path] = self._now[path] = files.read(path, within, self._LIMIT)
        return self._now[path]
