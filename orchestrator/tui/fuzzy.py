"""Fuzzy matching of file paths and names, quick at 100,000 of them, in slices that stall nobody.

Candidates travel in blocks: paths between NUL characters, which no path holds, so that a regular
expression looks through a thousand of them at once. Every pattern is linear in the length of a path.

Better is, in this order: the name itself; a name that begins with the query; a word of the name; inside
the name; a word of the path; inside the path; letters in order in the name, then in the path, the fewer
and the better placed their runs. Among equals the shorter name, then the shorter path, comes first. A
query with a capital letter matches case, another does not.
"""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import TypeVar

BLOCK = 1000
"""Paths in a block, at most: a few tenths of a millisecond for one pattern."""
_BLOCK_CHARACTERS = 150_000
SLICE_S = 0.002
"""How long the event loop is held at a time."""
_PAUSE_S = 0.001  # a pause of zero would give a key press one hop through the loop per slice
_ALIGNED_AT_A_TIME = 50
_PLACES_TRIED = 16
_WORD = r"(?:(?<![^\W_])|(?<=[a-z0-9])(?=[A-Z]))"
_IN_NAME = (
    r"(?:[^\0]*/)?+{query}(?:\.[^\0/]*+)?",
    r"(?:[^\0]*/)?+{query}[^\0/]*+",
    r"(?:[^\0]*/)?+[^\0/]*?" + _WORD + r"{query}[^\0/]*+",
    r"(?:[^\0]*/)?+[^\0/]*?{query}[^\0/]*+",
)
_NAMES_A_FOLDER = (r"(?:[^\0]*/)?{query}(?:\.[^\0/]*+)?",)
_IN_PATH = (r"[^\0]*?" + _WORD + r"{query}[^\0]*+", r"[^\0]*?{query}[^\0]*+")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best paths, the best first; how many matched; and those in blocks, for a longer query."""

    query: str
    paths: tuple[str, ...]
    matches: int
    blocks: tuple[str, ...]


def pack(paths: Iterable[str]) -> Iterator[str]:
    """Blocks of up to `BLOCK` paths. No path may hold a NUL."""
    part: list[str] = []
    size = 0
    for path in paths:
        part.append(path)
        size += len(path)
        if len(part) == BLOCK or size > _BLOCK_CHARACTERS:
            yield _block(part)
            part, size = [], 0
    if part:
        yield _block(part)


def _block(paths: Sequence[str]) -> str:
    return "\0" + "\0".join(paths) + "\0"


def rank(query: str, candidates: Iterable[str], limit: int) -> list[str]:
    """The best `limit` candidates that hold the query's letters in order, the best first."""
    work = ranking(query, tuple(pack(candidates)), limit)
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return list(stop.value.paths)


def ranking(query: str, blocks: Sequence[str], limit: int) -> Generator[None, None, Ranked]:
    """The same as steps of about a millisecond each."""
    if not query:
        return (yield from _shallowest(blocks, limit))
    kept: list[str] = []
    matches = 0
    find = _pattern(_in_order(query, r"\0")).findall
    for one in blocks:
        if hits := find(one):
            matches += len(hits)
            kept.append(_block(hits))
        yield
    found: dict[str, None] = {}
    for pattern in _substrings(query):
        best: list[str] = []
        for one in kept:
            if hits := pattern.findall(one):
                best = heapq.nsmallest(limit, [*best, *hits], key=_shortness)
            yield
        found.update(dict.fromkeys(best))
        if len(found) >= limit:
            break
    else:
        for shape in (r"(?:[^\0]*/)?+" + _in_order(query, r"\0/"), r"[^\0]*+"):
            if len(found) < limit:
                found.update(dict.fromkeys((yield from _best_aligned(query, _pattern(shape), kept, limit))))
    return Ranked(query, tuple(found)[:limit], matches, tuple(kept))


async def in_slices(work: Generator[None, None, Result], slice_s: float = SLICE_S) -> Result:
    """Do the work without holding the event loop longer than a slice; cancel the task to stop it."""
    while True:
        pause_at = perf_counter() + slice_s
        try:
            while perf_counter() < pause_at:
                next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        await asyncio.sleep(_PAUSE_S)


class Ranker:
    """Ranks as the query grows: a longer query looks only at what the shorter one found."""

    def __init__(self, limit: int = 50) -> None:
        self._limit = limit
        self._source: Sequence[str] = ()
        self._last: Ranked | None = None

    async def rank(self, query: str, blocks: Sequence[str]) -> Ranked:
        """`blocks` is the same object as long as the candidates are."""
        last, within = self._last, blocks
        if last and last.query and blocks is self._source and query.startswith(last.query):
            within = last.blocks
        ranked = await in_slices(ranking(query, within, self._limit))
        self._source, self._last = blocks, ranked
        return ranked


def positions(query: str, text: str) -> tuple[int, ...]:
    """Where the query's letters are best seen in the text; empty when they are not all there."""
    if not query:
        return ()
    literal = re.compile("".join(_either(letter) for letter in _letters(query)))
    word = re.compile(_WORD + literal.pattern)
    name = text.rfind("/") + 1
    for start in (name, 0):
        if found := word.search(text, start) or literal.search(text, start):
            return tuple(range(found.start(), found.end()))
    return _aligned(_letters(query), text, name) or _aligned(_letters(query), text, 0)


# --- patterns -----------------------------------------------------------------------------------


def _letters(query: str) -> list[str]:
    """What may stand for each letter."""
    if any(letter.isupper() for letter in query):
        return list(query)
    return ["".join({c for c in (x, x.lower(), x.upper()) if len(c) == 1}) for x in query]


def _either(letters: str) -> str:
    return f"[{re.escape(letters)}]" if len(letters) > 1 else re.escape(letters)


def _in_order(query: str, without: str) -> str:
    """The letters with anything between them but `without`."""
    parts = (f"[^{without}{re.escape(letters)}]*+{_either(letters)}" for letters in _letters(query))
    return "".join(parts) + f"[^{without}]*+"


def _substrings(query: str) -> Iterator[re.Pattern[str]]:
    literal = "".join(_either(letter) for letter in _letters(query))
    for shape in (*(_NAMES_A_FOLDER if "/" in query else _IN_NAME), *_IN_PATH):
        yield _pattern(shape.replace("{query}", literal))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(rf"\0({path})(?=\0)")


# --- keys: smaller is better --------------------------------------------------------------------


def _shortness(path: str) -> tuple[int, int, str]:
    size = len(path)
    return size - path.rfind("/"), size, path


def _shallowest(blocks: Sequence[str], limit: int) -> Generator[None, None, Ranked]:
    best: list[str] = []
    count = 0
    for one in blocks:
        paths = one[1:-1].split("\0")
        count += len(paths)
        best = heapq.nsmallest(limit, [*best, *paths], key=lambda path: (path.count("/"), path))
        yield
    return Ranked("", tuple(best), count, tuple(blocks))


def _best_aligned(
    query: str, pattern: re.Pattern[str], blocks: Sequence[str], limit: int
) -> Generator[None, None, list[str]]:
    letters = _letters(query)
    best: list[tuple[int, int, int, int, str]] = []
    for one in blocks:
        paths = iter(pattern.findall(one))
        while part := [_looseness(letters, path) for path in islice(paths, _ALIGNED_AT_A_TIME)]:
            best = heapq.nsmallest(limit, [*best, *part])
            yield
    return [path for *_, path in best]


def _looseness(letters: Sequence[str], path: str) -> tuple[int, int, int, int, str]:
    """Each run of letters counts, more so one that begins no word; then how far apart they are."""
    found = _aligned(letters, path, path.rfind("/") + 1) or _aligned(letters, path, 0)
    starts = [at for at, before in zip(found, (-2, *found), strict=False) if at != before + 1]
    loose = sum(not _begins_word(path, at) for at in starts)
    return 2 * loose + len(starts), found[-1] - found[0], *_shortness(path)


def _aligned(letters: Sequence[str], text: str, start: int) -> tuple[int, ...]:
    """Letters in order from `start`: next to the last, else at the beginning of a word, else the first."""
    latest: list[int] = []
    at = len(text)
    for either in reversed(letters):
        at = max(text.rfind(letter, start, at) for letter in either)
        if at < 0:
            return ()
        latest.append(at)
    found: list[int] = []
    at = start
    for either, last in zip(letters, reversed(latest), strict=True):
        if not (found and text[at] in either):
            at = _next(text, either, at, last)
        found.append(at)
        at += 1
    return tuple(found)


def _next(text: str, either: str, start: int, last: int) -> int:
    """The first place of a letter that begins a word, among the first few; else the first place."""
    first = at = _find(text, either, start, last)
    for _ in range(_PLACES_TRIED):
        if _begins_word(text, at):
            return at
        if (at := _find(text, either, at + 1, last)) < 0:
            break
    return first


def _find(text: str, either: str, start: int, last: int) -> int:
    places = [at for letter in either if (at := text.find(letter, start, last + 1)) >= 0]
    return min(places, default=-1)


def _begins_word(text: str, at: int) -> bool:
    if not at or not text[at - 1].isalnum():
        return True
    return text[at].isupper() and (text[at - 1].islower() or text[at - 1].isdigit())
