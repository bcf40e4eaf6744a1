"""Takes records that other nodes wrote into the tables: each at its place in its chain, or not at all.

A record is taken when the one before it in its sender's chain is known to stand here, so that no node ever
holds a chain with a gap or one that is spliced of two. Where another record has its number already, the
branches are put in order as `forks` says. All of it happens in one open transaction of the journal.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from orchestrator.journal import forget, schema
from orchestrator.journal.canonical import record_line
from orchestrator.journal.clock import FAR_AHEAD_MS, ClockState, Ts
from orchestrator.journal.forks import FILED_ANEW, branch_epoch, filed, is_filed_anew, mark, older
from orchestrator.types import Record

_AT = f"SELECT {schema.COLUMNS} FROM records WHERE dev = ? AND epoch = ? AND stream = ? AND seq = ?"
_FROM = f"""SELECT {schema.COLUMNS} FROM records
WHERE dev = ? AND epoch = ? AND stream = ? AND seq >= ? ORDER BY seq"""
_NEW_EPOCHS = 1 << 31

Chain = tuple[str, int, str]
"""dev, epoch, stream."""


Version = tuple[str, str | None]
"""id and salt: with its body and without it, a record has one id."""


class Place(NamedTuple):
    """Where a record of a sender's chain stands on this node."""

    epoch: int
    seq: int


class Intake:
    """One page's way into the tables. `now_ms` is this node's wall clock."""

    def __init__(
        self, connection: sqlite3.Connection, own: tuple[str, int], clock: ClockState, now_ms: int
    ) -> None:
        self.connection = connection
        self._own = own
        self._now = now_ms
        self._rows = schema.Rows(connection)
        self._lines: dict[Version, bytes] = {}
        self._highest: dict[Chain, int] = {}
        self._places: dict[Chain, tuple[int, Place]] = {}  # the sender's last seq, and where it stands here
        self._redactions = bool(connection.execute("SELECT 1 FROM redacted LIMIT 1").fetchone())
        self.clock = clock
        self.added: list[Record] = []
        self.forked: dict[Chain, None] = {}
        self.suspect = 0
        self.rearranged = False
        """Whether records that were here before were filed anew."""

    def begin(self, base: Mapping[Chain, tuple[int, str]], lines: Mapping[Version, bytes]) -> None:
        """Before the first record: (seq, mark) of the one that each of the sender's chains goes on from.

        `lines` are the canonical lines of the page's records: they are not written anew.
        """
        self._lines = dict(lines)
        for chain, (seq, before) in base.items():
            dev, epoch, stream = chain
            query = (
                "SELECT epoch, seq FROM records WHERE dev = ? AND stream = ?"
                " AND arrival IN (SELECT arrival FROM records WHERE id = ? UNION ALL"
                " SELECT arrival FROM records WHERE origin = ?)"
            )
            # A branch may stand here under its own number, too, until both are seen: then that is meant.
            found = self.connection.execute(query, (dev, stream, before, before)).fetchall()
            if found:
                self._places[chain] = seq, Place(*max(found, key=lambda row: (row[0] == epoch, row)))

    def take(self, record: Record) -> str:
        """Store the record unless it is here; why not, where it cannot be, else the empty text."""
        chain = (record.dev, record.epoch, record.stream)
        seq, place = self._places.get(chain, (0, Place(record.epoch, 0)))
        if record.seq <= seq:
            return ""  # doubled within the page
        if record.seq != seq + 1:
            return f"it does not follow: {seq} is the last of its chain that is known"
        if is_filed_anew(record) and not record.parents:
            return "it stands for no other record"
        self._places[chain] = record.seq, self._put(record, place.epoch, place.seq + 1)
        if record.kind == "redact":
            self._redactions = True
        return ""

    def reached(self, chain: Chain) -> int:
        """The sender's last seq of this chain that stands here."""
        return self._places.get(chain, (0, None))[0]

    # --- places ---------------------------------------------------------------------------------

    def _put(self, record: Record, epoch: int, seq: int) -> Place:
        """Bring it to this number, or to the branch that it then begins; where it is now."""
        here = filed(record, epoch, seq)
        chain = (here.dev, epoch, here.stream)
        row = None
        if seq <= self._last(chain):
            row = self.connection.execute(_AT, (*chain, seq)).fetchone()
        if row is None:
            self._add(here)
            return Place(epoch, seq)
        there = schema.record_of(row)
        if there.id == here.id:
            self._raise_head(here)
            return Place(epoch, seq)
        self.forked[chain] = None
        if older(there, here):
            return self._put(record, branch_epoch(here), 1)
        branch = self._cut(here)
        self._add(here)
        at = Place(branch_epoch(branch[0]), 0)
        for moved in branch:
            at = self._put(moved, at.epoch, at.seq + 1)
        return Place(epoch, seq)

    def _cut(self, record: Record) -> list[Record]:
        """Take out the records from this one's number on."""
        self._rows.count()
        chain = (record.dev, record.epoch, record.stream)
        rows = self.connection.execute(_FROM, (*chain, record.seq)).fetchall()
        gone = [schema.record_of(row) for row in rows]
        self.connection.executemany("DELETE FROM records WHERE id = ?", [(one.id,) for one in gone])
        self.connection.execute("DELETE FROM heads WHERE dev = ? AND epoch = ? AND stream = ?", chain)
        if record.seq > 1:
            self.connection.execute("INSERT INTO heads VALUES (?, ?, ?, ?)", (*chain, record.seq - 1))
        identities = {one.id for one in gone}
        self._highest.pop(chain, None)
        self.added = [one for one in self.added if one.id not in identities]
        self.rearranged = True
        return gone

    def _last(self, chain: Chain) -> int:
        """The highest number that is taken in this chain, below a gap or not."""
        if (last := self._highest.get(chain)) is None:
            query = "SELECT max(seq) FROM records WHERE dev = ? AND epoch = ? AND stream = ?"
            last = self._highest[chain] = self.connection.execute(query, chain).fetchone()[0] or 0
        return last

    def _raise_head(self, record: Record) -> None:
        self._rows.count()
        # Below a gap of a rebuilt journal there may be records that are here already.
        self.connection.execute(
            "UPDATE heads SET seq = max(seq, ?) WHERE dev = ? AND epoch = ? AND stream = ?",
            (record.seq, record.dev, record.epoch, record.stream),
        )

    def _add(self, record: Record) -> None:
        if self._redactions and record.body is not None and self._is_redacted(record):
            record = replace(record, body=None, salt=None)
        self._rows.add(record, self._lines.get((record.id, record.salt), b""))
        self.added.append(record)
        chain = (record.dev, record.epoch, record.stream)
        self._highest[chain] = max(self._last(chain), record.seq)
        ahead = record.ts[0] - self._now
        if ahead > FAR_AHEAD_MS:
            self.suspect += 1
            self.connection.execute("INSERT OR IGNORE INTO clock_suspects VALUES (?, ?)", (record.id, ahead))
        else:
            self.clock = ClockState(later(self.clock.last, record.ts), self.clock.ahead)

    def _is_redacted(self, record: Record) -> bool:
        query = "SELECT 1 FROM redacted WHERE id IN (?, ?) AND stream = ?"
        return bool(self.connection.execute(query, (record.id, mark(record), record.stream)).fetchone())

    # --- afterwards -----------------------------------------------------------------------------

    def end(self) -> None:
        """After the last record, before anybody asks where chains end."""
        self._rows.count()

    def redact(self) -> list[str]:
        """Drop what the redactions of this page name; ids of records that lost their bodies."""
        named = [(one.parents[0], one.stream) for one in self.added if one.kind == "redact" and one.parents]
        query = "SELECT id FROM records WHERE (id = ?1 OR origin = ?1) AND stream = ?2 AND body IS NOT NULL"
        ids = [row[0] for target in named for row in self.connection.execute(query, target)]
        if ids:
            forget.drop_bodies(self.connection, ids)
            gone = set(ids)
            self.added = [replace(one, body=None, salt=None) if one.id in gone else one for one in self.added]
        return ids

    def line(self, record: Record) -> bytes:
        """A record that was added, as a line of the mirror."""
        line = self._lines.get((record.id, record.salt))
        return line + b"\n" if line else record_line(record)

    def new_epoch(self) -> int | None:
        """The epoch that this device has to begin, where the page holds what another wrote in its name."""
        mine = any((one.dev, one.epoch) == self._own for one in self.added)
        if not mine and not any(chain[:2] == self._own for chain in self.forked):
            return None
        return next_epoch(self.connection, *self._own)


def begin_epoch(connection: sqlite3.Connection) -> None:
    """What this device records from now on is numbered anew. Needs an open transaction."""
    meta = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('dev', 'epoch')"))
    epoch = next_epoch(connection, meta["dev"], int(meta["epoch"]))
    connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (str(epoch),))


def next_epoch(connection: sqlite3.Connection, dev: str, epoch: int) -> int:
    """Drawn by lot, so that two clones that learn of each other at once begin two."""
    query = "SELECT max(epoch) FROM records WHERE dev = ? AND epoch < ?"
    used = connection.execute(query, (dev, FILED_ANEW)).fetchone()[0] or 0
    return int(max(epoch, used)) + 1 + secrets.randbelow(_NEW_EPOCHS)


def later(ours: Ts, theirs: Ts) -> Ts:
    """The ratchet: our clock never stays behind what was seen."""
    return max(ours, theirs)
