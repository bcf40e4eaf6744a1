"""Which files a step is about: those that the check's words, or the goal's, lead to. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.wishes import code_words, is_test

MOST = 2
"""Files that an instance is given to read at once; each costs its prefill."""
READ_LINES = 160
"""Of a longer file parts are given."""
PLACES, APART = 2, 16
"""Parts of one file, and lines between two of them at least."""
NEARLY = 0.6
"""Share of the likeliest file's score from which another is worth its prefill."""
_DEFINED = re.compile(
    r"^\s*(?:export\s+|async\s+|pub\s+|static\s+)*(?:def|class|function|func|fn)\s+(\w+)", re.M
)
_IMPORTED = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))", re.M)
_PLACE = re.compile(r'([^\s":]+\.\w+)(?::|", line )(\d+)')
_CALLED = re.compile(r"\b([A-Za-z_]\w+)\b")
_TEST = re.compile(r"::(?:\w+::)?(\w+)|\bin (test\w*)|FAIL: (\w+)")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A file, and the lines that it is probably about, likeliest first; none in particular: empty."""

    path: str
    lines: tuple[int, ...] = ()


def suspects(goal: str, outcome: Outcome | None, texts: Mapping[str, str]) -> tuple[Suspect, ...]:
    """At most `MOST`, likeliest first. `texts` are the project's files by their paths."""
    scores: dict[str, float] = defaultdict(float)
    lines: dict[str, list[int]] = defaultdict(list)
    for path in texts:
        if path in goal or PurePosixPath(path).name in goal:
            scores[path] += 6
    spoken = list(code_words(goal))
    if outcome is not None and not outcome.ok:
        for path in outcome.files:
            scores[path] += 1 if is_test(path) else 4
        for path, number in (place for one in outcome.lines for place in _PLACE.findall(one)):
            lines[next((known for known in texts if path.endswith(known)), path)].append(int(number))
        spoken += _spoken(outcome, texts)
        for path in _imported(outcome, texts):
            scores[path] += 1
    wanted = list(dict.fromkeys(spoken))
    for path, text in texts.items():
        defined = {found[1]: text.count("\n", 0, found.start(1)) + 1 for found in _DEFINED.finditer(text)}
        for name in (name for name in wanted if name in defined):
            scores[path] += 0.5 if is_test(path) else 2
            lines[path].append(defined[name])
        if not outcome or outcome.ok:
            scores[path] += sum(0.25 for name in wanted if name in text)
    ranked = sorted((path for path in texts if scores[path] > 0), key=lambda path: (-scores[path], path))
    near = [path for path in ranked[:MOST] if scores[path] >= NEARLY * scores[ranked[0]]]
    return tuple(Suspect(path, _apart(lines[path])) for path in near)


def _apart(numbers: Iterable[int]) -> tuple[int, ...]:
    """The first of them, without those that the part around another shows anyway."""
    chosen: list[int] = []
    for number in numbers:
        if all(abs(number - one) > APART for one in chosen):
            chosen.append(number)
    return tuple(chosen[:PLACES])


def _spoken(outcome: Outcome, texts: Mapping[str, str]) -> Iterable[str]:
    """Names in the deciding lines, and in the bodies of the tests that failed."""
    yield from _CALLED.findall(" ".join(outcome.lines))
    names = {
        next(filter(None, groups))
        for one in (*outcome.lines, *outcome.tests)
        for groups in _TEST.findall(one)
    }
    for path in outcome.files:
        text = texts.get(path, "")
        for name in names if is_test(path) else ():
            if found := re.search(
                rf"^([ \t]*)(?:def|async def) {re.escape(name)}\b.*\n((?:\1[ \t]+.*\n|\s*\n)*)", text, re.M
            ):
                yield from _CALLED.findall(found[2])


def _imported(outcome: Outcome, texts: Mapping[str, str]) -> Iterable[str]:
    """Files that the failing tests import."""
    for test in outcome.files:
        for groups in _IMPORTED.findall(texts.get(test, "") if is_test(test) else ""):
            tail = next(filter(None, groups)).replace(".", "/")
            ends = (f"{tail}.py", f"{tail}/__init__.py")
            yield from (
                path for path in texts if any(path == end or path.endswith("/" + end) for end in ends)
            )
