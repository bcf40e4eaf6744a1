"""What a session notes for the instances to come."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestrator.agent.recorder import Recorder
from orchestrator.journal import naming
from orchestrator.journal.store import PRIVATE
from orchestrator.ports import Journal
from orchestrator.types import Kind


class Notebook:
    """Notes of one session, of a person and of the model. `refresh` brings the documents up to date."""

    def __init__(
        self, journal: Journal, project: str, recorder: Recorder, refresh: Callable[[], object]
    ) -> None:
        self._journal = journal
        self._project = project
        self._recorder = recorder
        self._refresh = refresh

    def add(
        self,
        kind: Kind,
        text: str,
        because: str = "",
        *,
        by: str = "user",
        more: Mapping[str, str] | None = None,
    ) -> str:
        """Record a note; returns its citation. `supersedes` in `more` is a citation of the note it replaces.

        A user's note is confirmed; a model's is claimed until a person or a check confirms it. Raises
        `UsageError` and `JournalError`, and then nothing is recorded.
        """
        body = {"text": text, "by": by, "status": "confirmed" if by == "user" else "claimed"}
        given = {"because": because, **(more or {})}
        body |= {name: value for name, value in given.items() if value}
        parents: tuple[str, ...] = ()
        if "supersedes" in body:
            body["supersedes"] = naming.named(self._journal, body["supersedes"], self._project).id
            parents = (body["supersedes"],)
        cited = self._recorder.note(kind, body, parents)
        self._refresh()
        return cited.citation

    def confirm(self, citation: str) -> str:
        """Make the note that it names the user's own word; returns the new citation. Raises as `add`."""
        said = naming.named(self._journal, citation, self._project)
        body = naming.confirmed(self._journal, said)
        private = said.stream == PRIVATE
        cited = self._recorder.note(said.kind, body, (said.id,), private=private)
        self._refresh()
        return cited.citation
