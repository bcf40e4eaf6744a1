"""The places of a project that a prompt is about: lines weighed by its words, rare ones most.

What a person finds with a second and a third search, a small model does not: it searches once, for the
commonest word. Reads files only, and only of small projects.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.journal.words import words
from orchestrator.tools import files, walk
from orchestrator.tools.asked import ABOVE, BELOW, Asked, alike, bounded

_FIGURE = 1.25
"""How much a line with a figure is likelier where one is asked for."""
_FILES, _CHARS, _TOTAL = 400, 60_000, 800_000
"""Files of a project that is looked through; characters of one, and of all."""
_AROUND = 4
"""Lines before and after one that count as its neighbourhood."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, from 1, and how much of the prompt stands in it and near it."""

    path: str
    line: int
    score: float


def knows(root: Path, asked: Asked) -> bool:
    """Whether the prompt names a file of the project, or an identifier that stands in one."""
    found = list(walk.project_files(root, limit=_FILES * 5))
    names = {path.rpartition("/")[2] for path in found} | set(found)
    if any(path in names or (root / path).is_file() for path in asked.wording.paths if ".." not in path):
        return True
    codes = [code for code in asked.wording.code if len(code) > 2]
    return bool(codes) and any(
        any(bounded(code, text) for code in codes) for _, text in texts_of(root, found)
    )


def places(root: Path, paths: Iterable[str], asked: Asked) -> list[Place]:
    """The lines of these files that the prompt's words are about, best first; rare words weigh most."""
    if not asked.words:
        return []
    matched: list[tuple[str, list[frozenset[str]]]] = []
    common: Counter[str] = Counter()
    figures: set[tuple[str, int]] = set()
    total, probe = 0, _probe(asked.words)
    names = [name for name in asked.wording.code if name.lower() not in asked.words]  # too short for a word
    for path, text in texts_of(root, list(paths)):
        name = set(words(path))
        of_file = frozenset(word for word in asked.words if any(alike(word, one) for one in name))
        rows = []
        for line in text.split("\n"):
            maybe = not line.isascii() or probe.search(line)
            found = set(words(line[:400])) if maybe else set()
            row = frozenset(word for word in asked.words if any(alike(word, one) for one in found))
            row |= {name for name in names if bounded(name, line[:400])}
            common.update(row)
            rows.append(row)
            if re.search(r"\d", line):
                figures.add((path, len(rows)))
        total += len(rows)
        matched.append((path, [row | of_file if row else row for row in rows]))
    wanted = (*asked.words, *names)
    worth = {word: math.log(1 + total / (1 + common[word])) * _weight(word, asked) for word in wanted}
    scored = []
    for path, rows in matched:
        for at, row in enumerate(rows):
            if row:
                figure = _FIGURE if asked.wording.figure and (path, at + 1) in figures else 1.0
                scored.append(Place(path, at + 1, figure * _worth(rows, at, worth)))
    return sorted(scored, key=lambda place: -place.score)


def _probe(wanted: Sequence[str]) -> re.Pattern[str]:
    """Finds three letters in a row of one of the words: where there are none, no word is alike."""
    runs = {word[at : at + 3] for word in wanted for at in range(max(1, len(word) - 4))}
    return re.compile("|".join(map(re.escape, sorted(runs))), re.IGNORECASE)


def _worth(rows: Sequence[frozenset[str]], at: int, worth: Mapping[str, float]) -> float:
    """Of a line: its own words, and those of the lines near it, the less the farther. What stands above, as a
    heading does, says more about it than what stands below.
    """
    known, score = rows[at], sum(worth[word] for word in rows[at])
    for distance in range(1, _AROUND + 1):
        for place, share in ((at - distance, ABOVE), (at + distance, BELOW)):
            if 0 <= place < len(rows):
                score += share / math.sqrt(distance) * sum(worth[word] for word in rows[place] - known)
                known |= rows[place]
    return score


def _weight(word: str, asked: Asked) -> float:
    """Numbers and names are meant as they are; other words may be said otherwise."""
    exact = (*asked.wording.code, *asked.wording.literals)
    return 2.0 if word.isdigit() or any(word == one.lower() for one in exact) else 1.0


def texts_of(root: Path, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Small text files; of a large project none, since reading it all would take too long."""
    left = _TOTAL if len(paths) <= _FILES else 0
    for path in paths:
        if left <= 0:
            return
        try:
            data = files.read_bytes(root.resolve() / path, path, _CHARS)
        except ToolError:
            continue
        if not files.is_binary(data):
            left -= len(data)
            yield path, files.decode(data).content
