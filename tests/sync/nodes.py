"""Nodes on real SQLite that crash at any statement, and a link that loses, doubles, delays, reorders."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from orchestrator.errors import SyncError
from orchestrator.journal import schema, versions
from orchestrator.journal.forks import mark
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.sync.engine import PageSize, Streams, SyncEngine
from orchestrator.sync.wire import Page, Received, Vector, decode_page, encode_page
from orchestrator.types import Entry, Record

BASE_MS = 1_760_000_000_000
SMALL = PageSize(records=3)
FAULTS = ("ok", "ok", "ok", "lost", "unanswered", "doubled", "delayed", "shuffled", "holed", "crash")


def folder() -> Path:
    """In memory where there is such a place: what is tested is order, not the disk."""
    return Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


class Lots:
    """What `secrets` gives to the journal, the same in every run: Hypothesis plays an example again."""

    def __init__(self) -> None:
        self._random = random.Random(0)

    def token_hex(self, count: int) -> str:
        return self._random.randbytes(count).hex()

    def randbelow(self, end: int) -> int:
        return self._random.randrange(end)


class Crash(BaseException):
    """The process ended here."""


class Fused(sqlite3.Connection):
    """Ends the process at a statement; a commit may still have happened then."""

    fuse: int | None = None

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if self.fuse is None:
            return super().execute(sql, *values)  # type: ignore[arg-type]
        self.fuse -= 1
        if self.fuse > 0:
            return super().execute(sql, *values)  # type: ignore[arg-type]
        if self.fuse == 0 and sql == "COMMIT":
            super().execute(sql)
        raise Crash


class Clock:
    def __init__(self) -> None:
        self.now = BASE_MS

    def now_ms(self) -> int:
        return self.now


class Node:
    """`streams` are those it was given. `engine` makes its engine from its journal."""

    def __init__(
        self, root: Path, name: str, streams: Streams = None, engine: type[SyncEngine] = SyncEngine
    ) -> None:
        self.home = Home(root / name)
        self.name = name
        self.streams = streams
        self.clock = Clock()
        self.private: set[str] = set()
        self._make = engine
        self.open()

    def open(self) -> None:
        SqliteJournal.open(self.home, self.clock).close()  # makes and repairs
        self.connection = sqlite3.connect(
            self.home.journal, isolation_level=None, check_same_thread=False, factory=Fused
        )
        self.journal = SqliteJournal(self.home, self.connection, self.clock)
        self.engine = self._make(self.journal)

    def close(self) -> None:
        self.connection.fuse = None
        self.journal.close()

    def reopen(self) -> None:
        """After a crash: what was not committed is gone."""
        self.connection.fuse = None
        if self.connection.in_transaction:
            self.connection.rollback()
        self.journal.close()
        self.open()

    @contextlib.contextmanager
    def crashing(self, after: int) -> Iterator[None]:
        """End the process after so many statements; swallowed, and the node started again."""
        self.connection.fuse = after
        try:
            yield
        except Crash:
            self.reopen()
        finally:
            self.connection.fuse = None

    def append(self, kind: str, text: str, project: str, **more: object) -> Record:
        entry = Entry(kind, {"text": text}, project, "5e55", **more)  # type: ignore[arg-type]
        return self.journal.append([entry])[0]

    def records(self) -> list[Record]:
        return self.journal.records()

    def shared(self, streams: Streams = None) -> dict[str, Record]:
        return {
            record.id: record
            for record in self.records()
            if record.stream != "private" and (streams is None or record.stream in streams)
        }

    def marks(self) -> set[str]:
        return {mark(record) for record in self.shared().values()}

    def judged(self, project: str) -> list[versions.Versions]:
        return versions.versions(self.journal, project)

    def check_contiguous(self) -> None:
        counted = sorted(self.connection.execute(schema.CONTIGUOUS).fetchall())
        assert counted == sorted(self.connection.execute("SELECT * FROM heads").fetchall())
        for *_, seq, last in self.connection.execute(
            "SELECT dev, epoch, stream, count(*), max(seq) FROM records GROUP BY dev, epoch, stream"
        ):
            assert seq == last, "a gap"

    def holds(self, text: str) -> bool:
        """Whether the text stands in a byte of its files."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return any(text.encode() in path.read_bytes() for path in self.home.root.iterdir() if path.is_file())

    def copy_to(self, target: Path) -> None:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.home.root, target)


class Wire:
    """A link to another node's engine, with one fault for each call, and then none."""

    def __init__(
        self,
        server: Node,
        allowed: Streams,
        faults: Iterable[str] = (),
        delayed: Callable[[Node, Page], None] = lambda *_: None,
        size: PageSize = SMALL,
    ) -> None:
        self._server = server
        self._allowed = allowed
        self._faults = itertools.chain(faults, itertools.repeat("ok"))
        self._delayed = delayed
        self._size = size

    def pull(self, vector: Vector) -> Page:
        if next(self._faults) in ("lost", "unanswered", "delayed", "crash"):
            raise SyncError("the line went dead")
        page = self._server.engine.page(vector, self._allowed, self._size)
        return decode_page(encode_page(page))

    def push(self, page: Page) -> Received:
        fault = next(self._faults)
        page = decode_page(encode_page(page))
        if fault == "delayed":
            self._delayed(self._server, page)
        if fault in ("lost", "delayed"):
            raise SyncError("the line went dead")
        if fault == "shuffled":
            lines = list(page.lines)
            random.Random(len(lines)).shuffle(lines)
            page = Page(tuple(lines), page.base)
        if fault == "holed":
            page = Page(page.lines[1:], page.base)
        if fault == "crash":
            with self._server.crashing(7):
                self._server.engine.receive(page, self._allowed)
            raise SyncError("the line went dead")
        received = Received.from_json(self._server.engine.receive(page, self._allowed).to_json())
        if fault == "doubled":
            received = Received.from_json(self._server.engine.receive(page, self._allowed).to_json())
        if fault in ("unanswered", "shuffled", "holed"):
            raise SyncError("the line went dead")
        return received
