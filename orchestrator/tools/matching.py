"""Finds the one place of a text that a model meant, from exact to tolerant. Pure.

Each step must find exactly one place; with several it stops, since a looser step finds more.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_REGION = 12
_COMPARED_LINES = 4000
_NUMBERED = re.compile(r"^\s*\d+(?::|\||\t| \|) ?")


@dataclass(frozen=True, slots=True)
class Match:
    """Replace `text[start:end]` by `new`. `said` tells how loosely it was found; empty if exactly."""

    start: int
    end: int
    new: str
    said: str = ""


class NoPlace(Exception):
    """`lines` of several places, or the `nearest` region, whose first line has number `first`."""

    def __init__(self, lines: list[int], nearest: list[str], first: int) -> None:
        super().__init__("no unique place")
        self.lines = lines
        self.nearest = nearest
        self.first = first


def find(text: str, old: str, new: str) -> Match:
    """The place of `old` in `text` (both with LF). Raises `NoPlace`."""
    for wanted, instead, said in _readings(old, new):
        for step in (_exact, _by_lines, _by_tokens):
            places = step(text, wanted, instead)
            if len(places) > 1:  # `port = 80` is meant where `port = 8000` stands, too
                places = [one for one in places if _bounded(text, one)] or places
            if len(places) > 1:
                raise NoPlace(_lines_of(text, places), [], 0)
            if places:
                place = places[0]
                return Match(place.start, place.end, place.new, said or place.said)
    first, region = nearest(text, old)
    raise NoPlace([], region, first)


def _bounded(text: str, place: Match) -> bool:
    """Whether the place begins and ends where words do."""
    before, first = text[place.start - 1 : place.start], text[place.start : place.start + 1]
    last, after = text[place.end - 1 : place.end], text[place.end : place.end + 1]
    return not (_joins(before) and _joins(first)) and not (_joins(last) and _joins(after))


def _joins(char: str) -> bool:
    return bool(char) and _word(char)


def _lines_of(text: str, places: list[Match]) -> list[int]:
    """The numbers of the lines in which the places begin, from 1."""
    ends = [found.start() for found in re.finditer("\n", text)]
    return [bisect_left(ends, place.start) + 1 for place in places]


def _readings(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """`old` and `new` as given, then as they may have been meant."""
    yield old, new, ""
    lines = old.split("\n")
    if all(_NUMBERED.match(line) for line in lines if line.strip()):
        yield _unnumbered(old), _unnumbered(new), " (line numbers in old were ignored)"
    fenced = re.fullmatch(r"\s*```\w*\n(.*?)\n?```\s*", old, re.DOTALL)
    if fenced:
        inner = re.fullmatch(r"\s*```\w*\n(.*?)\n?```\s*", new, re.DOTALL)
        yield fenced[1], inner[1] if inner else new, " (the fence around old was ignored)"
    if "\\n" in old and "\n" not in old:
        yield _unescaped(old), _unescaped(new), " (\\n was read as a line end)"


def _unnumbered(text: str) -> str:
    lines = text.split("\n")
    if not all(_NUMBERED.match(line) for line in lines if line.strip()):
        return text
    return "\n".join(_NUMBERED.sub("", line, count=1) for line in lines)


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')


def _exact(text: str, old: str, new: str) -> list[Match]:
    places = []
    at = text.find(old)
    while at >= 0:
        places.append(Match(at, at + len(old), new))
        at = text.find(old, at + 1)
    return places


def _by_lines(text: str, old: str, new: str) -> list[Match]:
    """Whole lines, ignoring spaces at their ends."""
    wanted = [line.rstrip() for line in old.strip("\n").split("\n")]
    lines = text.split("\n")
    bare = [line.rstrip() for line in lines]
    starts = [i for i in range(len(lines) - len(wanted) + 1) if bare[i : i + len(wanted)] == wanted]
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    body = new.strip("\n") if old.strip("\n") != old else new.removesuffix("\n")
    return [
        Match(offsets[i], offsets[i + len(wanted)] - 1, body, " (spaces at line ends were ignored)")
        for i in starts
    ]


def _by_tokens(text: str, old: str, new: str) -> list[Match]:
    """Any white space between words and signs; `new` takes the indentation of the place."""
    tokens = re.findall(r"\w+|[^\w\s]", old)
    if not tokens or len(tokens) > 3000:
        return []
    pattern = re.escape(tokens[0])
    for before, token in pairwise(tokens):
        gap = r"\s+" if _word(before) and _word(token) else r"\s*"
        pattern += gap + re.escape(token)
    pattern = (r"(?<!\w)" if _word(tokens[0]) else "") + pattern + (r"(?!\w)" if _word(tokens[-1]) else "")
    said = " (white space in old was matched loosely)"
    return [
        Match(
            found.start(),
            found.end(),
            _kept(found[0], old, new) or _reindent(text, found.start(), old, new),
            said,
        )
        for found in re.finditer(pattern, text)
    ]


def _kept(there: str, old: str, new: str) -> str:
    """`new` with the file's own white space wherever it says the same as `old`; empty for several lines."""
    if "\n" in there + old.strip() + new.strip():
        return ""
    spans = [list(re.finditer(r"\w+|[^\w\s]", text)) for text in (there, old, new)]
    texts = [[span[0] for span in one] for one in spans]
    if texts[0] != texts[1] or not texts[2]:
        return ""
    most = min(len(texts[0]), len(texts[2]))
    first = next((n for n in range(most) if texts[0][n] != texts[2][n]), most)
    last = next((n for n in range(most - first) if texts[0][-1 - n] != texts[2][-1 - n]), most - first)
    head = there[: spans[0][first - 1].end()] if first else ""
    tail = there[spans[0][-last].start() :] if last else ""
    start = spans[2][first - 1].end() if first else spans[2][0].start()
    end = spans[2][-last].start() if last else spans[2][-1].end()
    middle = new[start:end]
    if first and first < len(spans[0]) - last:  # something else stands there: its gap stays
        middle = there[len(head) : spans[0][first].start()] + middle.lstrip()
    return head + middle + tail


def _word(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_"


def _reindent(text: str, start: int, old: str, new: str) -> str:
    """`new` shifted from the indentation of `old` to that of the line where it goes."""
    lines = new.strip("\n").rstrip().split("\n")
    line_start = text.rfind("\n", 0, start) + 1
    there = text[line_start:start]
    if there.strip():  # inside a line: nothing to align the first line with
        there = there[: len(there) - len(there.lstrip())]
    was = _indent(next(line for line in old.split("\n") if line.strip()))
    base = was if lines[0].startswith(was) else _indent(lines[0])
    shifted = [_shift(line, base, there) for line in lines]
    return "\n".join([shifted[0].removeprefix(there).lstrip() if shifted[0] else "", *shifted[1:]])


def _shift(line: str, base: str, there: str) -> str:
    if not line.strip():
        return ""
    if not line.startswith(base):
        return line if len(_indent(line)) >= len(there) else there + line.lstrip()
    rest = line[len(base) :]
    if "\t" in there and " " not in there:
        deeper = _indent(rest)
        rest = deeper.replace("    ", "\t") + rest[len(deeper) :]
    return there + rest


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def nearest(text: str, old: str) -> tuple[int, list[str]]:
    """Number of the first line, and the lines, that resemble `old` most; none if nothing does."""
    lines = text.removesuffix("\n").split("\n")[:_COMPARED_LINES]
    wanted = [line.strip() for line in old.split("\n") if line.strip()][:5]
    if not wanted:
        return 1, []
    scores = [0.0] * len(lines)
    for depth, line in enumerate(wanted):
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(line[:200])
        for number, other in enumerate(lines):
            matcher.set_seq1(other.strip()[:200])
            if matcher.real_quick_ratio() > 0.4 and matcher.quick_ratio() > 0.4:
                ratio = matcher.ratio()
                at = max(0, number - depth)
                scores[at] = max(scores[at], scores[at] + ratio if depth else ratio)
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] < 0.4:
        return 1, []
    first = max(0, best - 2)
    return first + 1, lines[first : best + max(_REGION - 2, len(wanted) + 2)]
