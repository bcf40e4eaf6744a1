"""The files of the project in the worktree, as far as a run looks into them: read once a step."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from orchestrator import durable
from orchestrator.autonomy.worktree import Worktree

MOST_FILES, MOST_BYTES = 600, 80_000
_WHOLE = 4 << 20


class TreeTexts:
    """Paths are relative to the project's folder, which may lie in the repository's."""

    def __init__(self, worktree: Worktree) -> None:
        self._worktree = worktree
        place = worktree.place
        self._prefix = (
            place.project.relative_to(place.tree).as_posix() + "/" if place.project != place.tree else ""
        )
        self._paths: tuple[str, ...] | None = None
        self._texts: dict[str, str] | None = None

    def paths(self) -> tuple[str, ...]:
        """Of the files that git knows."""
        if self._paths is None:
            tracked = self._worktree.tracked()
            self._paths = tuple(p.removeprefix(self._prefix) for p in tracked if p.startswith(self._prefix))
        return self._paths

    def read(self) -> Mapping[str, str]:
        """Path → text, of those that are text and not large."""
        if self._texts is None:
            found = {
                path: self._at(self._worktree.place.project / path) for path in self.paths()[:MOST_FILES]
            }
            self._texts = {path: text for path, text in found.items() if text is not None}
        return self._texts

    def text(self, path: str) -> str | None:
        """Of one file by its path in the worktree, as it is now; None where there is none."""
        return self._at(self._worktree.place.tree / path, _WHOLE)

    def forget(self) -> None:
        """Files may have changed."""
        self._paths = self._texts = None

    def _at(self, path: Path, most: int = MOST_BYTES) -> str | None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if not path.is_symlink() and path.stat().st_size <= most:
                return durable.read(path, most).decode()
        return None
