"""The journal: one SQLite file per node, the truth about what happened on it.

A write transaction holds a file lock as well, since SQLite before 3.51.3 can lose a write-ahead log
that two connections reset at once; checkpoints happen inside it, at a commit or at `close`. `append`
returns when the records are on the disk (synchronous=FULL). Connections must not cross a fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from orchestrator.errors import JournalError
from orchestrator.journal import forget, index, schema
from orchestrator.journal.canonical import VERSION, body_sha, plain, record_id, record_line
from orchestrator.journal.clock import ClockState, SystemClock, tick
from orchestrator.journal.database import connect, lock_file, prepare, shut
from orchestrator.journal.failures import damaged, explained
from orchestrator.journal.intake import Intake
from orchestrator.journal.lock import FileLock
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.journal.reader import JournalReader
from orchestrator.journal.redact import redact_body
from orchestrator.paths import Home
from orchestrator.ports import Clock
from orchestrator.types import Entry, Record

T = TypeVar("T")

PRIVATE = "private"
NODE = "node"


class SqliteJournal(JournalReader):
    """`ports.Journal` on SQLite. Safe between threads and processes; every error is a `JournalError`."""

    def __init__(self, home: Home, connection: sqlite3.Connection, clock: Clock) -> None:
        """Use `open`, which prepares the database."""
        super().__init__(home, connection)
        self._clock = clock
        self._mirror = MemoryLog(home.memory_log)
        self._mirror_warned = False
        self._inode = os.stat(home.journal).st_ino
        self._finalizer = weakref.finalize(self, shut, connection, lock_file(home), os.getpid())

    @classmethod
    def open(cls, home: Home, clock: Clock | None = None) -> SqliteJournal:
        """Open the node's journal, making it on first use and repairing its mirror."""
        with explained(home.journal):
            home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = connect(home.journal)
            try:
                if schema.version(connection) < len(schema.MIGRATIONS):
                    with FileLock(lock_file(home)):
                        prepare(connection, home)
                journal = cls(home, connection, clock or SystemClock())
                journal._check_mirror()
            except BaseException:
                connection.close()
                raise
        return journal

    def close(self) -> None:
        """Close the database; also done when the journal is dropped or the program ends."""
        with self._thread:
            self._finalizer()

    def __enter__(self) -> SqliteJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def device(self) -> tuple[str, int]:
        """This node's device id (32 hexadecimal digits) and epoch."""
        with self._thread, explained(self._home.journal):
            meta = self._meta()
            return meta["dev"], int(meta["epoch"])

    # --- writing --------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry], *, once: bool = False) -> list[Record]:
        """Record all entries, or none, secrets redacted; returns once they are durable.

        With `once`, imported entries whose entity is known already are passed over.
        """
        prepared = [_redacted(entry) for entry in entries]
        if not prepared:
            return []
        with self._writing():
            with self._transaction():
                meta = self._meta()
                through = index.newest(self._connection)
                records = self._insert(_unknown(self._connection, prepared) if once else prepared, meta)
                index.add(self._connection, through, records)
                lines = b"".join(map(record_line, records))
                expected = int(meta["mirror_bytes"])
                self._set_meta("mirror_bytes", str(expected + len(lines)))
            self._write_mirror(lines, expected)
        return records

    def redact(self, records: Sequence[Record], by: str = "user") -> list[Record]:
        """Drop what the records say, from every file of the journal; returns the `redact` records.

        Those without a body are cleaned up after once more. Raises `JournalError`; should the files not
        be clean then, the next start or another call makes them so.
        """
        with self._writing():
            with self._transaction():
                meta = self._meta()
                through = index.newest(self._connection)
                dropped, shorter = forget.drop_bodies(self._connection, [record.id for record in records])
                made = self._insert([_redaction(record, by) for record in dropped], meta)
                index.add(self._connection, through, made)
                longer = sum(len(record_line(record)) for record in made)
                self._set_meta("mirror_bytes", str(int(meta["mirror_bytes"]) - shorter + longer))
                forget.mark_unclean(self._connection, [record.id for record in records])
            forget.clean(self._connection, self._mirror)
        return made

    def take_in(self, work: Callable[[Intake], T]) -> T:
        """Let `work` take records of other nodes in: one transaction, all of it or nothing.

        Brings index, mirror, clock and, where somebody else writes as this device, the epoch up to date.
        """
        with self._writing():
            with self._transaction():
                meta = self._meta()
                through = index.newest(self._connection)
                own = meta["dev"], int(meta["epoch"])
                intake = Intake(self._connection, own, _clock_state(meta), self._clock.now_ms())
                result = work(intake)
                expected = int(meta["mirror_bytes"])
                lines, anew = self._taken(intake, through, expected)
            if forget.unclean(self._connection):
                forget.clean(self._connection, self._mirror)
            elif anew:
                self._write_mirror_anew()
            elif lines:
                self._write_mirror(lines, expected)
        return result

    def _taken(self, intake: Intake, through: int, expected: int) -> tuple[bytes, bool]:
        """What follows from records taken in; the mirror's new lines, and whether all are to be written."""
        dropped = intake.redact()
        if dropped:
            forget.mark_unclean(self._connection, dropped)
        if intake.rearranged:
            index.clear(self._connection)
        else:
            index.add(self._connection, through, intake.added)
        lines = b"".join(map(intake.line, intake.added))
        anew = bool(dropped) or intake.rearranged
        size = sum(len(line) for _, line in self._lines(0)) if anew else expected + len(lines)
        self._set_meta("mirror_bytes", str(size))
        self._set_meta("clock", json.dumps([intake.clock.last, intake.clock.ahead]))
        if (epoch := intake.new_epoch()) is not None:
            self._set_meta("epoch", str(epoch))
        return lines, anew

    def writing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let `work` change tables that are no records, in one transaction."""
        with self._writing(), self._transaction():
            return work(self._connection)

    def index_page(self) -> tuple[int, int]:
        """Index the next older records for recall; how many are done, of how many."""
        with self._writing(), self._transaction():
            index.build_page(self._connection)
            return index.progress(self._connection)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._thread, explained(self._home.journal), FileLock(lock_file(self._home)):
            self._assert_same_file()
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _insert(self, entries: Sequence[Entry], meta: dict[str, str]) -> list[Record]:
        state = _clock_state(meta)
        dev, epoch, now = meta["dev"], int(meta["epoch"]), self._clock.now_ms()
        wall = datetime.fromtimestamp(now / 1000).astimezone().isoformat(timespec="milliseconds")
        records = []
        for entry in entries:
            ts, state = tick(state, now, _times(self._connection, entry.parents))
            stream = PRIVATE if entry.private else entry.project or NODE
            salt = secrets.token_hex(16)
            fields: dict[str, Any] = {
                "v": VERSION,
                "dev": dev,
                "epoch": epoch,
                "stream": stream,
                "seq": _head(self._connection, dev, epoch, stream) + 1,
                "ts": list(ts),
                "wall": wall,
                "project": entry.project,
                "session": entry.session,
                "kind": entry.kind,
                "entity": entry.entity
                or f"{entry.session}#{schema.next_ordinal(self._connection, entry.session)}",
                "parents": list(entry.parents),
                "body_sha": body_sha(entry.body, salt),
            }
            record = Record(
                **{**fields, "ts": ts, "parents": entry.parents},
                body=entry.body, salt=salt, id=record_id(fields),
            )  # fmt: skip
            schema.insert(self._connection, record)
            records.append(record)
        self._set_meta("clock", json.dumps([state.last, state.ahead]))
        return records

    def _meta(self) -> dict[str, str]:
        meta = dict(self._connection.execute("SELECT key, value FROM meta").fetchall())
        if missing := {"dev", "epoch", "clock", "mirror_bytes"} - set(meta):
            raise damaged(self._home.journal, f"without {', '.join(sorted(missing))}")
        return meta

    def _set_meta(self, key: str, value: str) -> None:
        self._connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))

    def _assert_same_file(self) -> None:
        # Writing on into a file that was moved away would acknowledge records that nobody finds.
        try:
            same = os.stat(self._home.journal).st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            raise JournalError(
                f"The journal {self._home.journal} was replaced meanwhile.", "Start orch again."
            )

    # --- the mirror -----------------------------------------------------------------------------

    def _write_mirror(self, lines: bytes, expected: int) -> None:
        """Never fails: the records are safe, and the next write or start repairs the mirror."""
        try:
            if not self._mirror.append(lines, expected):
                self._mirror.repair(self._lines, self._arrival, expected + len(lines))
        except OSError as error:
            self._warn(error)

    def _write_mirror_anew(self) -> None:
        try:
            self._mirror.rewrite(self._lines, keep_old=False)
        except OSError as error:
            self._warn(error)

    def _check_mirror(self) -> None:
        unclean = bool(forget.unclean(self._connection))
        if not unclean and self._mirror_whole():
            return
        with FileLock(lock_file(self._home)):
            if forget.unclean(self._connection):  # killed while it forgot
                forget.clean(self._connection, self._mirror)
            if self._mirror_whole():  # another process was between its commit and its mirror
                return
            try:
                self._mirror.repair(self._lines, self._arrival, int(self._meta()["mirror_bytes"]))
            except OSError as error:
                self._warn(error)

    def _mirror_whole(self) -> bool:
        if self._mirror.size() != int(self._meta()["mirror_bytes"]):
            return False
        newest = index.newest(self._connection)
        try:
            return not newest or self._mirror.last_line()[0] == next(self._lines(newest - 1))[1]
        except OSError as error:
            self._warn(error)
            return True

    def _lines(self, after: int) -> Iterator[tuple[int, bytes]]:
        return schema.lines(self._connection, after)

    def _arrival(self, identity: str) -> int | None:
        row = self._connection.execute("SELECT arrival FROM records WHERE id = ?", (identity,)).fetchone()
        return None if row is None else int(row[0])

    def _warn(self, error: OSError) -> None:
        if not self._mirror_warned:
            self._mirror_warned = True
            import logging  # 7 ms, hardly ever needed

            logging.getLogger(__name__).warning(
                "%s cannot be written (%s). The records are safe in the journal; it is completed later.",
                self._mirror.path, error.strerror or error,
            )  # fmt: skip


def _unknown(connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Entry]:
    query = "SELECT 1 FROM imported WHERE entity = ?"
    new = {entry.entity: entry for entry in reversed(entries)}
    return [
        entry
        for entry in entries
        if new[entry.entity] is entry and not connection.execute(query, (entry.entity,)).fetchone()
    ]


def _times(connection: sqlite3.Connection, parents: Sequence[str]) -> list[tuple[int, int]]:
    marks = ",".join("?" * len(parents))
    query = f"SELECT ts_ms, ts_ctr FROM records WHERE id IN ({marks})"
    return connection.execute(query, parents).fetchall() if parents else []


def _head(connection: sqlite3.Connection, dev: str, epoch: int, stream: str) -> int:
    query = "SELECT seq FROM heads WHERE dev = ? AND epoch = ? AND stream = ?"
    row = connection.execute(query, (dev, epoch, stream)).fetchone()
    return 0 if row is None else int(row[0])


def _clock_state(meta: Mapping[str, str]) -> ClockState:
    last, ahead = json.loads(meta["clock"])
    return ClockState(tuple(last), tuple(ahead))


def _redaction(record: Record, by: str) -> Entry:
    private = record.stream == PRIVATE
    body = {"redacts": record.id, "by": by}
    return Entry("redact", body, record.project, secrets.token_hex(16), parents=(record.id,), private=private)


def _redacted(entry: Entry) -> Entry:
    """The entry as it will be stored: JSON values only, without secrets."""
    if entry.project in (PRIVATE, NODE):
        raise JournalError(f"A project cannot have the id {entry.project!r}.", "Give it a UUID.")
    return Entry(
        kind=entry.kind,
        body=redact_body(plain(entry.body))[0],
        project=plain(entry.project),
        session=plain(entry.session),
        entity=plain(entry.entity),
        parents=tuple(plain(parent) for parent in entry.parents),
        private=entry.private,
    )
