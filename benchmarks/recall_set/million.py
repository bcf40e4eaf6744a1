"""A journal of very many records with natural word frequencies, built once and kept for repeats."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.journal import schema
from orchestrator.journal.canonical import VERSION, body_sha, record_id
from orchestrator.journal.database import lock_file
from orchestrator.journal.excerpts import Recall
from orchestrator.journal.lock import FileLock
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Record

WORDS = 60_000
SESSION = 40
"""Turns of one conversation."""
PROJECTS = 12
"""The first holds half of all, the second a quarter, and so on."""
_COMMON_TEXT = """
    the of and to a in is that it for on you with as are be this have from or by not but what all were
    when we there can an your which their if do will each how them then many some so these would other
    into has more two like him see time could no make than first been its who now people my made over
    did down only way find use may water long little very after words called just where most know get
    through back much go good new write our me man too any day same right look think also around another
    came come work three must because
"""
COMMON = _COMMON_TEXT.split()
_FIRST = "b d f g k l m n p r s t v z br tr st pl"
_SECOND = "a e i o u an er in"
_SYLLABLES = [a + b for a in _FIRST.split() for b in _SECOND.split()]


class Words:
    """The words of a language that nobody speaks, as often as those of one that people do (Zipf)."""

    def __init__(self, rng: random.Random) -> None:
        made = {"".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3, 3, 4)))) for _ in range(WORDS * 2)}
        self.all = COMMON + sorted(made - set(COMMON), key=lambda word: rng.random())[:WORDS]
        self._rng = rng
        self._sums = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(1, len(self.all) + 1)))

    def text(self) -> str:
        count = min(max(int(self._rng.lognormvariate(2.9, 0.7)), 3), 400)
        return " ".join(self._rng.choices(self.all, cum_weights=self._sums, k=count))


def home(folder: Path, count: int, seed: int = 1) -> Home:
    """The journal of `count` messages, made where it is not there yet; and indexed."""
    where = Home(folder)
    if not (folder / "whole").exists():
        started = time.perf_counter()
        with SqliteJournal.open(where) as journal, FileLock(lock_file(where)):
            connection = journal._connection
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -400000")
            connection.execute("BEGIN")
            for record in _records(count, random.Random(seed), journal.device[0]):
                schema.insert(connection, record)
            # The mirror is not what is measured here: none is written, and none is missed.
            connection.execute("COMMIT")
        print(f"{count:,} records in {time.perf_counter() - started:.0f} s", flush=True)
        started = time.perf_counter()
        journal = SqliteJournal(where, *_unmirrored(where))
        Recall(journal).build()
        journal.close()
        print(f"indexed in {time.perf_counter() - started:.0f} s", flush=True)
        (folder / "whole").touch()
    return where


def opened(where: Home) -> SqliteJournal:
    """The journal, without the check of a mirror that it does not have."""
    return SqliteJournal(where, *_unmirrored(where))


def _unmirrored(where: Home) -> tuple[object, object]:
    from orchestrator.journal.clock import SystemClock
    from orchestrator.journal.database import connect

    return connect(where.journal), SystemClock()


def _records(count: int, rng: random.Random, dev: str) -> Iterator[Record]:
    words = Words(rng)
    sequence = dict.fromkeys((f"project-{number}" for number in range(PROJECTS)), 0)
    names = list(sequence)
    weights = [0.5**number for number in range(PROJECTS)]
    made = 0
    while made < count:
        project = rng.choices(names, weights)[0]
        session = f"{rng.getrandbits(128):032x}"
        for turn in range(min(SESSION, count - made)):
            made += 1
            sequence[project] += 1
            body = {"role": ("user", "assistant")[turn % 2], "text": words.text()}
            yield _record(dev, project, session, sequence[project], turn, made, body)


def _record(
    dev: str, project: str, session: str, seq: int, turn: int, made: int, body: dict[str, str]
) -> Record:
    salt = f"{made:032x}"
    fields = {
        "v": VERSION,
        "dev": dev,
        "epoch": 1,
        "stream": project,
        "seq": seq,
        "ts": [1_700_000_000_000 + made * 60_000, 0],
        "wall": f"2025-{made % 12 + 1:02}-{made % 28 + 1:02}T10:00:00.000+00:00",
        "project": project,
        "session": session,
        "kind": "message",
        "entity": f"{session}#{turn + 1}",
        "parents": [],
        "body_sha": body_sha(body, salt),
    }
    more = {"ts": (1_700_000_000_000 + made * 60_000, 0), "parents": ()}
    return Record(**{**fields, **more}, body=body, salt=salt, id=record_id(fields))  # type: ignore[arg-type]
