"""The text of people in a project's documents, kept as versions in the journal, so that it syncs.

`keep` records it when it changed since the version that the file was last brought to; that one is its
parent. `take_over` brings a file to the version that holds. Generated regions are each device's own.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from orchestrator.documents import files
from orchestrator.documents.human_text import digest, human_text, says_nothing, with_human_text
from orchestrator.documents.tiers import Warn
from orchestrator.errors import DocumentError
from orchestrator.journal.redact import redact_body
from orchestrator.journal.versions import Versions, versions
from orchestrator.types import Entry, Record

T = TypeVar("T")

MOST_BYTES = 1 << 20

_KNOWN = "SELECT id, digest FROM document_versions WHERE place = ?"
_BODY = "SELECT body FROM records WHERE (id = ?1 OR origin = ?1) AND kind = 'doc' AND project = ?2"


class VersionedJournal(Protocol):
    def append(self, entries: Sequence[Entry]) -> list[Record]: ...

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]: ...

    def writing(self, work: Callable[[sqlite3.Connection], T]) -> T: ...


class HumanText:
    """Of the documents `paths` of one project; `within` are the folders they may lead into."""

    def __init__(
        self,
        project: str,
        paths: Sequence[Path],
        within: Sequence[Path],
        journal: VersionedJournal,
        warn: Warn,
    ) -> None:
        self._project = project
        self._paths = paths
        self._within = within
        self._journal = journal
        self._warn = warn

    def keep(self, session: str = "") -> int:
        """Record what changed; how many documents that were."""
        held = {one.entity: one for one in versions(self._journal, self._project)}
        return sum(self._keep(path, held.get(path.name), session) for path in self._paths)

    def take_over(self) -> list[str]:
        """Bring files to the versions that hold; names of those that changed. Hold the documents' lock.

        A file that was edited meanwhile is left for the next time.
        """
        held = {one.entity: one for one in versions(self._journal, self._project)}
        return [path.name for path in self._paths if self._take_over(path, held.get(path.name))]

    def _keep(self, path: Path, held: Versions | None, session: str) -> bool:
        text = self._read(path)
        if text is None:
            return False
        known = self._known(path)
        if (known and known[1] == digest(text)) or (known is None and says_nothing(text)):
            return False
        leaves = held.leaves if held else ()
        if same := next((leaf for leaf in leaves if self._text(leaf.id) == text), None):
            self._note(path, same.id, text)  # cut off before it was noted, or the same edit on two devices
            return False
        body = {"name": path.name, "text": text}
        if redact_body(body)[0] != body:
            self._warn(f"{path.name} seems to hold a secret: its text is not synced.")
            return False
        entry = Entry(
            "doc",
            body,
            self._project,
            session or secrets.token_hex(16),
            entity=path.name,
            parents=(known[0],) if known else (),
        )
        self._note(path, self._journal.append([entry])[0].id, text)
        return True

    def _take_over(self, path: Path, held: Versions | None) -> bool:
        winner = held.winner if held else None
        known = self._known(path)
        if winner is None or (known and known[0] == winner.id):
            return False
        text = self._text(winner.id)
        if text is None:
            return False

        def edit(old: bytes | None) -> bytes:
            there = human_text(old) if old is not None else ""
            untouched = digest(there) == known[1] if known else says_nothing(there)
            return with_human_text(old, text) if untouched or old is None else old or b""

        try:
            changed = files.rewrite(path, self._within, edit)
            now = self._read(path)
        except DocumentError as error:
            self._warn(f"{path.name} is left as it is: {error}")
            return False
        if now is not None and now == human_text(with_human_text(None, text)):
            self._note(path, winner.id, now)
        return changed

    def _read(self, path: Path) -> str | None:
        """None where there is nothing to sync; why is told, unless it is missing."""
        try:
            data = files.read(path, self._within, MOST_BYTES + 1)
            if data is not None and len(data) > MOST_BYTES:
                raise DocumentError(f"It is larger than {MOST_BYTES >> 20} MiB.", "Shorten it.")
            return None if data is None else human_text(data)
        except DocumentError as error:
            self._warn(f"{path.name} is not synced: {error}")
            return None

    def _text(self, identity: str) -> str | None:
        for (body,) in self._journal.rows(_BODY, (identity, self._project)):
            text = json.loads(body).get("text") if body else None
            return text if isinstance(text, str) else None
        return None

    def _known(self, path: Path) -> tuple[str, str] | None:
        rows = self._journal.rows(_KNOWN, (str(path),))
        return (rows[0][0], rows[0][1]) if rows else None

    def _note(self, path: Path, identity: str, text: str) -> None:
        row = (str(path), identity, digest(text))
        self._journal.writing(
            lambda connection: connection.execute("REPLACE INTO document_versions VALUES (?, ?, ?)", row)
        )
