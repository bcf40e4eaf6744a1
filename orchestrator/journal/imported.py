"""Takes other programs' conversations into the journal: each turn once, secrets redacted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from orchestrator.journal.schema import IMPORT
from orchestrator.journal.store import SqliteJournal
from orchestrator.transcripts.said import Item, Said, Skipped, iso
from orchestrator.types import Entry

BATCH = 500
BATCH_CHARS = 2_000_000


@dataclass(slots=True)
class Imported:
    """`known` turns were in the journal already; `skipped` counts what is no turn, by its reason.

    `undated` turns have no time, or one that is not understood.
    """

    taken: int = 0
    known: int = 0
    undated: int = 0
    sessions: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)


def take(
    journal: SqliteJournal, project: str, items: Iterable[Item], source: str, done: Imported
) -> Iterator[Imported]:
    """Record turns in batches, each durable; yields the counts after each. Raises `JournalError`.

    A turn is known by project, session and id: importing again, or a file that grew, adds what is new.
    """
    batch: list[Said] = []
    size = 0
    for item in items:
        if isinstance(item, Skipped):
            done.skipped[item.why] += 1
            continue
        batch.append(item)
        size += len(item.content)
        if len(batch) == BATCH or size > BATCH_CHARS:
            _record(journal, project, batch, source, done)
            batch.clear()
            size = 0
            yield done
    _record(journal, project, batch, source, done)
    yield done


def _record(journal: SqliteJournal, project: str, batch: list[Said], source: str, done: Imported) -> None:
    own = journal.known_ids([said.id for said in batch])  # our own export, come back
    entries = [_entry(project, said, source) for said in batch if said.id not in own]
    made = journal.append(entries, once=True)
    done.taken += len(made)
    done.known += len(batch) - len(made)
    done.undated += sum(1 for record in made if not (record.body or {}).get("time"))
    done.sessions.update(record.session for record in made)


def _entry(project: str, said: Said, source: str) -> Entry:
    when = iso(said.timestamp)
    body = {
        "role": said.role,
        "text": said.content,
        "time": when,
        "source": source,
        "source_id": said.id,
        "source_session": said.session,
    }
    if said.timestamp and when != said.timestamp:
        body["source_time"] = said.timestamp
    session = sha256(f"{project}\0{said.session}".encode("utf-8", "replace")).hexdigest()[:32]
    key = sha256(f"{project}\0{said.session}\0{said.id}".encode("utf-8", "replace")).hexdigest()
    return Entry("message", body, project, session, entity=IMPORT + key)
