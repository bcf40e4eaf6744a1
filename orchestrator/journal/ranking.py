"""Which windows of three turns fit a question best: BM25 over windows, out of the index of turns.

A window is named by its middle turn. Its words are those of its three turns, so none is stored: the
turns next to a turn have the numbers next to its own (`index`). Words in very many turns are left out
when rarer ones are there: reading their lists costs most and says least.
"""

from __future__ import annotations

import heapq
import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.journal.index import PLACE_BITS, SESSION_BITS

MOST_WORDS = 48
"""Of one question, the rarest."""
MOST_TURNS = 6000
"""A word in more turns than these counts as frequent."""
MOST_READ = 20_000
"""Turns read for one question, over all its words."""
SEEDS = 300
"""Turns whose windows are weighed exactly."""
_K1, _B = 1.2, 0.75  # of BM25, as FTS5 has them
_OFTEN = 2  # what the row of often said words adds to the first
_PREFIX_WEIGHT = 0.6
_LOOKED_UP = 120  # words of a very long question that are looked up at all

PROJECT_SHIFT = PLACE_BITS + SESSION_BITS
Range = tuple[int, int]
"""First and last turn number of a project, or of everything."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the index knows of a turn: its record's arrival, its words, when it was said."""

    number: int
    arrival: int
    words: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Window:
    """`turns` are the middle one, the one before and the one after, where they are.

    `share` says how much of the question the window holds, 0 to 1: rare words count more, and words
    that no turn holds count as rare. `held` is the number of its words it holds.
    """

    score: float
    share: float
    held: int
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class _Word:
    """`turns`: turn number -> how often (1, or 3 for often). `weight` is its idf."""

    text: str
    turns: dict[int, int]
    weight: float = 0.0
    windows: int = 0


@dataclass(slots=True)
class _Found:
    """`missing` words are in no turn."""

    words: list[_Word] = field(default_factory=list)
    missing: int = 0


def rank(
    connection: sqlite3.Connection, words: Sequence[str], ranges: Sequence[Range], most: int = SEEDS
) -> list[Window]:
    """The best windows, best first; among equals the newest."""
    total, length = _sizes(connection, ranges)
    if not words or not total:
        return []
    found = _find(connection, words, ranges)
    if not found.words:
        return []
    for word in found.words:
        word.windows = _windows_with(word.turns)
        word.weight *= _idf(total, word.windows)
    everything = sum(word.weight for word in found.words) + found.missing * _idf(total, 0)
    seeds = _seeds(found.words, most)
    turns = _turns(connection, {turn + step for turn in seeds for step in (-2, -1, 0, 1, 2)})
    average = max(3 * length / total, 1.0)
    middles = sorted({turn + step for turn in seeds for step in (-1, 0, 1)}.intersection(turns))
    windows = [_weigh(middle, turns, found.words, average, everything) for middle in middles]
    return sorted(
        (window for window in windows if window.score > 0),
        key=lambda window: (-window.score, -window.turns[0].at_ms, -window.turns[0].number),
    )


def _sizes(connection: sqlite3.Connection, ranges: Sequence[Range]) -> tuple[int, int]:
    """Turns of the projects in the ranges, and their words."""
    total = length = 0
    for first, last in ranges:
        query = (
            "SELECT coalesce(sum(turns), 0), coalesce(sum(words), 0) FROM recall_projects"
            " WHERE number BETWEEN ? AND ?"
        )
        turns, words = connection.execute(query, (first >> PROJECT_SHIFT, last >> PROJECT_SHIFT)).fetchone()
        total, length = total + turns, length + words
    return total, length


def _find(connection: sqlite3.Connection, words: Sequence[str], ranges: Sequence[Range]) -> _Found:
    """The turns of each word, rarest words first, frequent ones left out where there are others."""
    found, frequent = _Found(), []
    for text in words[:_LOOKED_UP]:
        rows = _rows(connection, f'"{text}"', ranges, MOST_TURNS + 1)
        weight = 1.0
        if not rows and len(text) >= 5 and text.isalpha():
            rows = _rows(connection, f'"{text[: max(4, len(text) - 2)]}" *', ranges, MOST_TURNS + 1)
            weight = _PREFIX_WEIGHT
        if len(rows) > MOST_TURNS:
            frequent.append(text)
        elif rows:
            found.words.append(_Word(text, _counted(rows), weight))
        else:
            found.missing += 1
    found.words.sort(key=lambda word: len(word.turns))
    found.words = _different(found.words)[:MOST_WORDS]
    if found.words:
        read = 0
        for position, word in enumerate(found.words):
            read += len(word.turns)
            if read > MOST_READ and position:
                del found.words[position:]
                break
    elif frequent:
        found.words = _of_frequent(connection, frequent, ranges)
    return found


def _of_frequent(
    connection: sqlite3.Connection, words: Sequence[str], ranges: Sequence[Range]
) -> list[_Word]:
    """Where every word is frequent: the turns that hold most of them, and the newest of each."""
    words = words[:8]
    together = _rows(connection, " AND ".join(f'"{word}"' for word in words), ranges, MOST_TURNS)
    found = []
    for word in words:
        newest = _rows(connection, f'"{word}"', ranges, MOST_TURNS // len(words), newest=True)
        found.append(_Word(word, _counted([*newest, *together]), 1.0))
    return found


def _rows(
    connection: sqlite3.Connection, match: str, ranges: Sequence[Range], most: int, newest: bool = False
) -> list[int]:
    rows: list[int] = []
    query = (
        "SELECT rowid FROM recall_index WHERE recall_index MATCH ? AND rowid BETWEEN ? AND ?"
        f"{' ORDER BY rowid DESC' if newest else ''} LIMIT ?"
    )
    for first, last in ranges:
        left = most - len(rows)
        if left <= 0:
            break
        rows += [row for (row,) in connection.execute(query, (match, 2 * first, 2 * last + 1, left))]
    return rows


def _counted(rows: Sequence[int]) -> dict[int, int]:
    turns: dict[int, int] = {}
    for row in rows:
        turn = row >> 1
        turns[turn] = 1 + _OFTEN if row & 1 else turns.get(turn, 1)
    return turns


def _different(words: Sequence[_Word]) -> list[_Word]:
    """One of those with the same turns: forms of one word share their stem."""
    kept: list[_Word] = []
    for word in words:
        if not any(other.turns == word.turns and _alike(other.text, word.text) for other in kept):
            kept.append(word)
    return kept


def _alike(one: str, other: str) -> bool:
    return one[:3] == other[:3]


def _windows_with(turns: dict[int, int]) -> int:
    """In how many windows the turns stand."""
    count, last = 0, -3
    for turn in sorted(turns):
        count += min(3, turn - last)
        last = turn
    return count


def _idf(total: int, windows: int) -> float:
    windows = min(windows, total)
    return math.log(1 + (total - windows + 0.5) / (windows + 0.5))


def _seeds(words: Sequence[_Word], most: int) -> list[int]:
    """The turns that hold most, their neighbours counted in."""
    held: dict[int, float] = {}
    for word in words:
        weight = word.weight
        for turn in word.turns:
            held[turn] = held.get(turn, 0.0) + weight
    if len(held) <= most:
        return list(held)
    best = sorted(held, key=held.__getitem__, reverse=True)[: 4 * most]
    get = held.get
    return heapq.nlargest(
        most, best, key=lambda turn: held[turn] + 0.7 * max(get(turn - 1, 0.0), get(turn + 1, 0.0))
    )


def _turns(connection: sqlite3.Connection, numbers: set[int]) -> dict[int, Turn]:
    query = (
        "SELECT turn, arrival, words, at_ms FROM recall_turns WHERE turn IN (SELECT value FROM json_each(?))"
    )
    rows = connection.execute(query, (json.dumps(sorted(numbers)),))
    return {row[0]: Turn(*row) for row in rows}


def _weigh(
    middle: int, turns: dict[int, Turn], words: Sequence[_Word], average: float, everything: float
) -> Window:
    numbers = [number for number in (middle, middle - 1, middle + 1) if number in turns]
    # At the end of a session a window counts as if an average turn followed, or it would win for being short.
    length = sum(turns[number].words for number in numbers) + (3 - len(numbers)) * average / 3
    norm = _K1 * (1 - _B + _B * length / average)
    score = share = 0.0
    held = 0
    for word in words:  # the loop that a question spends most of its time in
        get, weight = word.turns.get, word.weight
        if count := get(middle, 0) + get(middle - 1, 0) + get(middle + 1, 0):
            score += weight * count * (_K1 + 1) / (count + norm)
            share += weight
            held += 1
    return Window(score, share / everything, held, tuple(turns[number] for number in numbers))
