"""What sync costs: a first sync, an empty one, and a push against a bare loop over the same rows.

    python benchmarks/sync.py [--records 100000]

The bare loop decodes the same pages, verifies every record by its hashes and inserts the same rows into the
same tables with the same indexes, full text among them, a page a transaction. Budgets: an empty sync at
100,000 records ≤ 1.5 × one at 1,000; a push ≥ 0.6 × the bare loop. They take turns, so that a busy machine
slows down both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from orchestrator.journal import index, schema
from orchestrator.journal.canonical import parse_record
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.remote.invitation import read_invitation
from orchestrator.sync.client import HttpLink
from orchestrator.sync.engine import SyncEngine
from orchestrator.sync.exchange import exchange
from orchestrator.sync.wire import Page, Received, Vector, decode_page, encode_page
from orchestrator.types import Entry

WORDS = (
    "lamp",
    "window",
    "river",
    "quota",
    "ledger",
    "harbour",
    "signal",
    "copper",
    "meadow",
    "engine",
    "branch",
)
SENTENCE = 24
ROUNDS = 10


class Local:
    """A link that packs and unpacks, without a network."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def pull(self, vector: Vector) -> Page:
        return decode_page(encode_page(self._engine.page(vector)))

    def push(self, page: Page) -> Received:
        return self._engine.receive(decode_page(encode_page(page)))


def fill(journal: SqliteJournal, count: int) -> None:
    for first in range(0, count, 1000):
        session = secrets.token_hex(16)
        journal.append(
            [
                Entry("message", {"role": "user", "text": text(first + number)}, "p1", session)
                for number in range(min(1000, count - first))
            ]
        )


def text(number: int) -> str:
    words = [WORDS[(number * (place + 3) + place) % len(WORDS)] for place in range(SENTENCE)]
    return f"{number} " + " ".join(words)


def empty(engine: SyncEngine, other: SyncEngine) -> float:
    times = []
    for _ in range(30):
        start = time.perf_counter()
        exchange(engine, Local(other))
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def bare(journal: SqliteJournal, packed: list[bytes]) -> float:
    start = time.perf_counter()
    for data in packed:
        records = [parse_record(json.loads(line)) for line in decode_page(data).lines]

        def insert(connection: schema.sqlite3.Connection, records: list = records) -> None:  # type: ignore[type-arg]
            through = index.newest(connection)
            rows = schema.Rows(connection)
            for record in records:
                rows.add(record)
            rows.count()
            index.add(connection, through, records)

        journal.writing(insert)
    return time.perf_counter() - start


@contextlib.contextmanager
def hub(home: Path) -> Iterator[HttpLink]:
    """A real `orch serve` in a process of its own, and a link with the token of a paired device."""
    orch = [sys.executable, "-m", "orchestrator.cli"]
    environment = {**os.environ, "ORCH_HOME": str(home)}
    home.mkdir()
    (home / "model.json").write_text('[{"answer": "yes"}]')
    process = subprocess.Popen(
        [*orch, "serve", "--port", "0", "--json", "--model", f"scripted:{home}/model.json"],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        added = subprocess.run(
            [*orch, "device", "add", "bench", "--json", "--url", url],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        secret = read_invitation(json.loads(added.stdout)["text"]).secret
        answer = httpx.post(f"{url}/pair", json={"secret": secret, "device": "d" * 32})
        with HttpLink(url, answer.json()["token"], tell=print) as link:
            yield link
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        made = [SqliteJournal.open(Home(Path(folder) / name)) for name in ("small", "copy", "a", "b", "bare")]
        small, copy, source, target, loop = made
        fill(small, 1000)
        exchange(SyncEngine(small), Local(SyncEngine(copy)))
        at_1000 = empty(SyncEngine(small), SyncEngine(copy))
        sending, receiving = SyncEngine(source), SyncEngine(target)
        spent = {"bare": 0.0, "receive": 0.0, "http": 0.0}
        with hub(Path(folder) / "hub") as link:
            for _ in range(ROUNDS):
                theirs = sending.heads()
                fill(source, count // ROUNDS)
                packed = [encode_page(page) for page in sending.pages(theirs)]
                spent["bare"] += bare(loop, packed)
                start = time.perf_counter()
                for data in packed:
                    receiving.receive(decode_page(data))
                spent["receive"] += time.perf_counter() - start
                start = time.perf_counter()
                pushed = exchange(sending, link).pushed
                spent["http"] += time.perf_counter() - start
                assert pushed == count // ROUNDS
        rate, receive, http = (count / spent[name] for name in ("bare", "receive", "http"))
        at_many = empty(SyncEngine(source), receiving)
        fresh = SqliteJournal.open(Home(Path(folder) / "first"))
        start = time.perf_counter()
        done = exchange(SyncEngine(fresh), Local(receiving))
        first = time.perf_counter() - start
        assert done.pulled == count
        for journal in (*made, fresh):
            journal.close()
    print(f"first sync of {count:,} records: {first:.1f} s ({count / first:,.0f} a second)")
    print(f"empty sync: {at_1000 * 1e3:.2f} ms at 1,000, {at_many * 1e3:.2f} ms at {count:,}:", end=" ")
    print(f"{at_many / at_1000:.2f} × (budget 1.5)")
    print(f"taking in: {receive:,.0f} a second, bare loop {rate:,.0f}: {receive / rate:.2f} × (budget 0.6)")
    print(f"push over HTTP: {http:,.0f} a second: {http / rate:.2f} × (budget 0.6)")


if __name__ == "__main__":
    main()
