"""Recall: what it finds, how long it takes, and what its index adds to an append.

    python benchmarks/recall.py [--records 1000000] [--keep FOLDER] [evidence|speed|append …]

- Evidence: long conversations with planted facts, asked for in other words (`recall_set`, seeded). Share of
  the evidence within 512 tokens, against FTS5 over the same turns as it comes. Budget: 15 points more.
- Speed: a journal of so many messages with natural word frequencies, half of them in one project, asked
  about passages of its own in a few rare and common words. Budget: p95 ≤ 50 ms; and leaving out frequent
  words must not lose what is found by reading all of them (≤ 1 point).
- Append: a message recorded (redacted, durable, mirrored) with the index and without. Budget: 1.5 ×.

Exit code 1 above a budget.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from recall_set.generator import Conversation, conversations
from recall_set.million import Words, home, opened

from orchestrator.journal import index, ranking
from orchestrator.journal.excerpts import Recall, Scope
from orchestrator.journal.stop_words import STOP
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry

TOKENS = (128, 256, 512, 1024, 2048)
TOGETHER = 150
"""Questions asked where all conversations are in one project: names and topics come again and again."""
BETTER = 15.0
"""Points above plain FTS5 at 512 tokens."""
P95_MS = 50.0
LOST = 1.0
APPEND = 1.5
SEED = 2026

Ask = Callable[[str, int], list[str]]
"""(question, tokens) -> ids of turns."""


# --- evidence -------------------------------------------------------------------------------------


def evidence(count: int) -> bool:
    apart = list(conversations(SEED, count))
    turns = tuple(turn for conversation in apart for turn in conversation.turns)
    questions = [question for conversation in apart for question in conversation.questions]
    random.Random(SEED).shuffle(questions)
    together = Conversation("together", turns, tuple(questions[:TOGETHER]))
    met = _measured("each conversation a project", apart)
    return _measured("all conversations in one project", [together]) and met


def _measured(title: str, asked_about: list[Conversation]) -> bool:
    found = {name: dict.fromkeys(TOKENS, 0.0) for name in ("plain FTS5", "recipe", "recall")}
    asked = 0
    with tempfile.TemporaryDirectory() as folder:
        for conversation in asked_about:
            asks = {
                "plain FTS5": _plain(conversation),
                "recipe": _recipe(conversation),
                "recall": _recall(conversation, Home(Path(folder) / conversation.name)),
            }
            for question in conversation.questions:
                asked += 1
                for name, ask in asks.items():
                    for tokens in TOKENS:
                        hit = set(question.evidence).intersection(ask(question.text, tokens))
                        found[name][tokens] += len(hit) / len(question.evidence)
    print(f"{title}: evidence found, % of {asked} questions, at {'/'.join(map(str, TOKENS))} tokens")
    for name, by_tokens in found.items():
        print(f"  {name:<11} {' / '.join(f'{100 * share / asked:.1f}' for share in by_tokens.values())}")
    gain = 100 * (found["recall"][512] - found["plain FTS5"][512]) / asked
    print(f"  {gain:+.1f} points over plain FTS5 at 512 tokens (budget +{BETTER:.0f})", flush=True)
    return gain >= BETTER


def _recall(conversation: Conversation, where: Home) -> Ask:
    journal = SqliteJournal.open(where)
    journal.append(
        [
            Entry(
                "message",
                {"role": turn.role, "text": turn.content, "time": turn.timestamp, "source_id": turn.id},
                "p",
                turn.session,
            )
            for turn in conversation.turns
        ]
    )
    recall = Recall(journal)
    return lambda text, tokens: [one.source_id for one in recall.ask(text, tokens).excerpts]


def _plain(conversation: Conversation) -> Ask:
    """Each turn a row, the words of the question joined by OR, ranked by bm25."""
    return _fts(conversation, "unicode61", frozenset(), neighbours=())


def _recipe(conversation: Conversation) -> Ask:
    """Rows are windows of three turns; porter stemming and a stop list; packed whole, middle turn first."""
    return _fts(conversation, "porter unicode61", STOP, neighbours=(-1, 1))


def _fts(
    conversation: Conversation, tokenizer: str, stop: frozenset[str], neighbours: tuple[int, ...]
) -> Ask:
    turns = conversation.turns
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE rows USING fts5(text, tokenize='{tokenizer}')")

    def around(place: int) -> list[int]:
        near = [place + step for step in neighbours if 0 <= place + step < len(turns)]
        return [place, *(other for other in near if turns[other].session == turns[place].session)]

    for place in range(len(turns)):
        text = " ".join(f"{turns[other].role}: {turns[other].content}" for other in sorted(around(place)))
        database.execute("INSERT INTO rows(rowid, text) VALUES (?, ?)", (place, text))

    def ask(text: str, tokens: int) -> list[str]:
        words = [word for word in re.findall(r"\w+", text.lower()) if word not in stop]
        match = " OR ".join(f'"{word}"' for word in words)
        query = "SELECT rowid FROM rows WHERE rows MATCH ? ORDER BY bm25(rows)"
        taken: dict[int, None] = {}
        left = 4 * tokens
        for (row,) in database.execute(query, (match,)) if words else ():
            for place in around(row):
                if place not in taken and len(turns[place].content) <= left:
                    taken[place] = None
                    left -= len(turns[place].content)
        return [turns[place].id for place in taken]

    return ask


# --- speed ----------------------------------------------------------------------------------------


def speed(folder: Path, records: int, questions: int) -> bool:
    rng = random.Random(SEED)
    where = home(folder, records)
    with contextlib.closing(opened(where)) as journal:
        recall = Recall(journal)
        asked = list(_questions(journal, rng, questions))
        for text, _, _ in asked[:20]:
            recall.ask(text, 1024)
        times: dict[str, list[float]] = {"its project": [], "everywhere": []}
        hits = 0
        for text, project, target in asked:
            for name, scope in (("its project", Scope(projects=(project,))), ("everywhere", Scope())):
                start = time.perf_counter()
                found = recall.ask(text, 1024, scope)
                times[name].append((time.perf_counter() - start) * 1000)
                if name == "everywhere":
                    hits += any(excerpt.id == target for excerpt in found.excerpts)
        whole = 0
        with (
            mock.patch.object(ranking, "MOST_TURNS", records),
            mock.patch.object(ranking, "MOST_READ", 50 * records),
        ):
            few = asked[: questions // 5]
            whole = sum(target in _ids(recall, text) for text, _, target in few)
        part = sum(target in _ids(recall, text) for text, _, target in few)
    met = True
    for name, found_in in times.items():
        p50, p95 = sorted(found_in)[len(found_in) // 2], sorted(found_in)[int(len(found_in) * 0.95)]
        print(f"{records:,} records, {name}: median {p50:.1f} ms, p95 {p95:.1f} ms (budget {P95_MS:.0f} ms)")
        met = met and p95 <= P95_MS
    share, all_words = 100 * part / len(few), 100 * whole / len(few)
    print(f"passage found in 1,024 tokens: {100 * hits / len(asked):.1f} % of {len(asked)}")
    print(f"of {len(few)}: {share:.1f} % without frequent words, {all_words:.1f} % with all of them")
    return met and share >= all_words - LOST


def _ids(recall: Recall, text: str) -> set[str]:
    return {excerpt.id for excerpt in recall.ask(text, 1024).excerpts}


def _questions(journal: SqliteJournal, rng: random.Random, count: int) -> Iterator[tuple[str, str, str]]:
    """(question, project, id of the record it is about): words of one turn, common ones and others."""
    newest = index.newest(journal._connection)
    words = Words(random.Random(1))
    common = set(words.all[:150])
    while count:
        query = "SELECT project, id, json_extract(body, '$.text') FROM records WHERE arrival = ?"
        project, identity, text = journal.rows(query, (rng.randint(1, newest),))[0]
        said = text.split()
        telling = [word for word in said if word not in common]
        if len(telling) < 5:
            continue
        chosen = rng.sample(telling, 4) + rng.sample(said, min(4, len(said)))
        count -= 1
        yield " ".join(dict.fromkeys(chosen)), project, identity


# --- append ---------------------------------------------------------------------------------------


def append(count: int) -> bool:
    words = Words(random.Random(SEED))
    texts = [words.text() for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        journals = {name: SqliteJournal.open(Home(Path(folder) / name)) for name in ("with", "without")}
        times: dict[str, list[float]] = {name: [] for name in journals}
        for number, text in enumerate(texts):
            for name, journal in sorted(journals.items(), reverse=number % 2 == 1):
                body = {"role": ("user", "assistant")[number % 2], "text": text}
                entry = Entry("message", body, "p", f"session-{number // 40}")
                off = (
                    contextlib.nullcontext() if name == "with" else mock.patch.object(index, "add", _nothing)
                )
                with off:
                    start = time.perf_counter()
                    journal.append([entry])
                    times[name].append(time.perf_counter() - start)
        for journal in journals.values():
            journal.close()
    # Sums and not medians: the index is merged now and then, and that counts.
    mean = {name: 1000 * sum(taken) / count for name, taken in times.items()}
    ratio = mean["with"] / mean["without"]
    print(
        f"append: {mean['with']:.2f} ms with index, {mean['without']:.2f} without: "
        f"{ratio:.2f} × (budget {APPEND} ×)"
    )
    return ratio <= APPEND


def _nothing(*_: object) -> None:
    """In place of the index. A mock would cost more than what it replaces."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["evidence", "speed", "append"])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, default=None, help="folder of the large journal")
    parser.add_argument("--questions", type=int, default=300)
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.gettempdir()) / f"orch-recall-{options.records}"
    met = True
    if "evidence" in options.parts:
        met = evidence(10) and met
    if "append" in options.parts:
        met = append(2000) and met
    if "speed" in options.parts:
        met = speed(keep, options.records, options.questions) and met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
