"""The points one can go back to: the turns of a project with what they changed, and earlier rewinds.

Records are append-only: going back is a record of its own, and tombstones that hide later turns from
whatever reads the journal for a prompt, recall and the documents among it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator import durable
from orchestrator.checkpoints.plan import Step, plan, since
from orchestrator.checkpoints.state import State
from orchestrator.checkpoints.store import Checkpoints, Entry
from orchestrator.errors import JournalError, UsageError
from orchestrator.ports import Journal
from orchestrator.terminal import one_line
from orchestrator.tools.text import unified_diff
from orchestrator.types import Entry as NewRecord
from orchestrator.types import Kind, Record

REWIND = "rewind"
_SAID: tuple[Kind, ...] = ("message", "tool_call", "tool_result", "test")
NOTED: tuple[Kind, ...] = ("decision", "lesson", "blocker", "next", "note")
_PROMPTS = 400
TITLE = 120


@dataclass(frozen=True, slots=True)
class Point:
    """Before a prompt (`record`), or before an earlier rewind (None). `changes` are what came of it.

    `name` is the prompt's citation, or R and the beginning of the rewind's id; `at_ms` since 1970.
    """

    id: str
    name: str
    at_ms: int
    title: str
    session: str
    changes: tuple[Entry, ...] = ()
    record: Record | None = None

    @property
    def prompt(self) -> str:
        """What was asked there, whole; empty before a rewind."""
        return str((self.record.body or {}).get("text", "")) if self.record else ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.path for entry in self.changes))


class Points:
    """Of one project. Errors are `JournalError`s and `ToolError`s."""

    def __init__(self, journal: Journal, store: Checkpoints, project: str) -> None:
        self.journal = journal
        self.store = store
        self.project = project

    def all(self, limit: int = 50) -> list[Point]:
        """Newest first."""
        made: dict[str, list[Entry]] = {}
        for entry in self.store.entries():
            made.setdefault(entry.point, []).append(entry)
        said = self.journal.records(
            project=self.project, kinds=("message",), newest_first=True, limit=_PROMPTS
        )
        prompts = [record for record in said if _is_prompt(record)]
        standing = self.journal.standing(prompts)
        found = [self._turn(record, made.pop(record.id, ())) for record in standing]
        found += self._unfinished(made, prompts)
        found += [_rewound(point, entries) for point, entries in made.items() if _is_rewind(entries)]
        return sorted(found, key=lambda point: point.at_ms, reverse=True)[:limit]

    def _unfinished(self, made: dict[str, list[Entry]], prompts: Sequence[Record]) -> list[Point]:
        """Turns that are out of the conversation, but not all of their files are as before: those alone."""
        gone = [self._turn(record, made[record.id]) for record in prompts if record.id in made]
        files = [replace(point, record=None, title=f"(files only) {point.title}") for point in gone]
        found = [(point, plan(self.changes_since(point), self.store.look)) for point in files]
        return [point for point, way in found if way.steps or way.kept]

    def find(self, name: str) -> Point:
        """By citation, by a rewind's name, or by its place in `all`, 1 for the newest.

        Raises `UsageError`.
        """
        if name.isdecimal() and len(name) < 4:
            listed = self.all()
            if 0 < int(name) <= len(listed):
                return listed[int(name) - 1]
            raise UsageError(f"There is no point {name}.", "`orch rewind --list` names them.")
        for point in self.all(limit=_PROMPTS):
            if point.name == name or (point.record is None and point.id == name):
                return point
        with contextlib.suppress(JournalError):
            named = [record for record in self.journal.resolve(name) if record.project == self.project]
            prompts = [record for record in named if _is_prompt(record)]
            if len(prompts) == 1 and self.journal.standing(prompts):
                made = [entry for entry in self.store.entries() if entry.point == prompts[0].id]
                return self._turn(prompts[0], made)
        raise UsageError(f"{name} is no point to go back to.", "`orch rewind --list` names them.")

    def changes_since(self, point: Point) -> list[Entry]:
        """What tools changed in the files from this point on, oldest first."""
        return since(self.store.entries(), {point.id} if point.record is None else self._later(point.record))

    def later(self, point: Point) -> list[Record]:
        """The records that going back hides: what was said and done since, and what a model noted."""
        if point.record is None:
            return []
        records = self.journal.records(
            project=self.project, kinds=(*_SAID, *NOTED), since_ms=point.record.ts[0]
        )
        hidden = [
            record
            for record in records
            if (record.ts, record.dev) >= (point.record.ts, point.record.dev)
            and (record.kind in _SAID or (record.body or {}).get("by") == "model")
            and not (record.body or {}).get("source")
        ]
        return self.journal.standing(hidden)

    def hide(self, records: Iterable[Record], session: str) -> None:
        """Write the tombstones."""
        graves = [
            NewRecord(
                "tombstone",
                {"why": REWIND},
                one.project,
                session,
                one.entity,
                (one.id,),
                one.stream == "private",
            )
            for one in records
        ]
        if graves:
            self.journal.append(graves)

    def _turn(self, record: Record, changes: Iterable[Entry]) -> Point:
        title = one_line(str((record.body or {}).get("text", "")), TITLE)
        name = self.journal.cite(record)
        return Point(record.id, name, record.ts[0], title, record.session, tuple(changes), record)

    def _later(self, record: Record) -> set[str]:
        """Names of this point and of all after it, hidden ones and rewinds too."""
        records = self.journal.records(
            project=self.project, kinds=("message", "session"), since_ms=record.ts[0]
        )
        after = [one for one in records if (one.ts, one.dev) >= (record.ts, record.dev)]
        rewinds = {str((one.body or {}).get("point")) for one in after if one.kind == "session"}
        return {one.id for one in after} | rewinds


def diff_of(store: Checkpoints, step: Step) -> str:
    """What going back does to one file, as a unified diff; one line where it is no text."""
    if step.target.kind == "link" or step.now.kind == "link":
        return f"{step.path}: {_shown(step.now)} → {_shown(step.target)}\n"
    now, then = _text(store, step, now=True), _text(store, step, now=False)
    if now is None or then is None:
        return f"{step.path}: {_shown(step.now)} → {_shown(step.target)}\n"
    said = unified_diff(now, then, step.path)
    if step.now.mode != step.target.mode and step.now.kind == step.target.kind == "file":
        said = f"{step.path}: mode {step.now.mode:o} → {step.target.mode:o}\n{said}"
    if step.target.kind == "missing" or step.now.kind == "missing":
        return f"{step.path}: {'removed' if step.target.kind == 'missing' else 'made again'}\n{said}"
    return said


def _text(store: Checkpoints, step: Step, *, now: bool) -> str | None:
    state = step.now if now else step.target
    data: bytes | None = None
    if now and state.kind == "file":
        with contextlib.suppress(OSError), durable.opened_below(store.root, step.path) as file:
            data = file.read()
    else:
        data = store.bytes_of(state)
    if data is None or b"\0" in data:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    return None


def _shown(state: State) -> str:
    if state.kind == "link":
        return f"link to {one_line(state.target, 100)}"
    return f"{state.size:,} bytes" if state.kind in ("file", "unkept") else state.kind


def _rewound(point: str, entries: Sequence[Entry]) -> Point:
    first = entries[0]
    return Point(point, f"R{point[:6]}", first.time_ms, first.call, first.session, tuple(entries))


def _is_rewind(entries: Sequence[Entry]) -> bool:
    return entries[0].call.startswith(REWIND)


def _is_prompt(record: Record) -> bool:
    body = record.body or {}
    return record.kind == "message" and body.get("role") == "user" and not body.get("source")
