"""The runs of a project as the journal keeps them: each a document whose versions name their parents.

So a run syncs, and a person edits it, on any device, as the text of a document: a version of a person's that
the run has not seen is another leaf, and the run's next version has all leaves as parents.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from orchestrator.autonomy.state import PREFIX, RunState, entity, merged, of_body, to_body
from orchestrator.errors import UsageError
from orchestrator.journal.versions import Leaf, versions
from orchestrator.types import Entry, Record

LEAST_PREFIX = 4


class Versioned(Protocol):
    """What a ledger needs of the journal."""

    def append(self, entries: Sequence[Entry]) -> list[Record]: ...

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]: ...

    def by_id_prefix(self, prefix: str, limit: int = 10) -> list[Record]: ...


class Ledger:
    """Of one project. Errors are `JournalError`s."""

    def __init__(self, journal: Versioned, project: str) -> None:
        self._journal = journal
        self._project = project
        self._bodies: dict[str, dict[str, Any]] = {}
        """By the id of a record: they never change."""

    def runs(self) -> list[RunState]:
        """All that are not discarded, the newest first."""
        found = [one for one in versions(self._journal, self._project) if one.entity.startswith(PREFIX)]
        states = [self._state(one.entity.removeprefix(PREFIX), one.leaves) for one in found if one.leaves]
        return sorted(states, key=lambda state: state.facts.began, reverse=True)

    def find(self, prefix: str) -> RunState:
        """The run whose id begins so. Raises `UsageError` where that is none, or several."""
        named = prefix.removeprefix(PREFIX).lower()
        found = [state for state in self.runs() if state.run.startswith(named)]
        if len(found) != 1 or len(named) < LEAST_PREFIX:
            raise UsageError(f"{prefix!r} names {len(found)} runs here, not one.", "See `orch runs` for ids.")
        return found[0]

    def read(self, run: str) -> RunState | None:
        """As it stands now, whoever wrote last."""
        leaves = self._leaves(run)
        return self._state(run, leaves) if leaves else None

    def write(self, state: RunState) -> RunState:
        """The run itself says where it stands; what people wrote since its last version is heeded. Returns
        what was written."""
        leaves = self._leaves(state.run)
        persons = [
            of_body(state.run, self._project, body, state)
            for leaf in leaves
            if (body := self._body(leaf.id)).get("by") != "run"
        ]
        state = merged(state, persons)
        self._append(state, leaves, to_body(state, "run"))
        return state

    def edit(self, run: str, change: Callable[[RunState], RunState]) -> RunState:
        """A person changes the plan, or what is wanted. Raises `UsageError` for a run that is not there."""
        leaves = self._leaves(run)
        if not leaves:
            raise UsageError(f"There is no run {run}.", "See `orch runs`.")
        state = change(self._state(run, leaves))
        self._append(state, leaves, to_body(state, "user"))
        return state

    def hide(self, run: str) -> None:
        """It is discarded: no list shows it any more."""
        body = {"why": "discarded"}
        self._journal.append([Entry("tombstone", body, self._project, run, entity=entity(run))])

    def _append(self, state: RunState, leaves: Sequence[Leaf], body: dict[str, Any]) -> None:
        parents = tuple(leaf.id for leaf in leaves)
        session = secrets.token_hex(16) if body["by"] == "user" else state.run
        entry = Entry("doc", body, self._project, session, entity=entity(state.run), parents=parents)
        self._journal.append([entry])

    def _leaves(self, run: str) -> tuple[Leaf, ...]:
        name = entity(run)
        found = (one.leaves for one in versions(self._journal, self._project) if one.entity == name)
        return next(found, ())

    def _state(self, run: str, leaves: Sequence[Leaf]) -> RunState:
        """Of all leaves: the run's own newest, under what people wrote; else the newest."""
        bodies = [self._body(leaf.id) for leaf in leaves]
        own = next((body for body in bodies if body.get("by") == "run"), bodies[0])
        state = of_body(run, self._project, own)
        persons = [body for body in bodies if body.get("by") != "run" and body is not own]
        return merged(state, [of_body(run, self._project, body, state) for body in persons])

    def _body(self, identity: str) -> dict[str, Any]:
        if identity not in self._bodies:
            found = self._journal.by_id_prefix(identity)
            self._bodies[identity] = dict(found[0].body or {}) if found else {}
        return self._bodies[identity]
