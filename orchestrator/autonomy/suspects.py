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
"""A longer file is named with the line, and not given whole."""
_DEFINED = re.compile(
    r"^\s*(?:export\s+|async\s+|pub\s+|static\s+)*(?:def|class|function|func|fn)\s+(\w+)", re.M
)
_IMPORTED = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))", re.M)
_CALLED = re.compile(r"\b([A-Za-z_]\w+)\b")
_TEST = re.compile(r"::(?:\w+::)?(\w+)|\bin (test\w*)|FAIL: (\w+)")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A file, and the line that it is probably about; 0: none in particular."""

    path: str
    line: int = 0


def suspects(goal: str, outcome: Outcome | None, texts: Mapping[str, str]) -> tuple[Suspect, ...]:
    """At most `MOST`, likeliest first. `texts` are the project's files by their paths."""
    scores: dict[str, float] = defaultdict(float)
    lines: dict[str, int] = {}
    for path in texts:
        if path in goal or PurePosixPath(path).name in goal:
            scores[path] += 6
    spoken = set(code_words(goal))
    if outcome is not None and not outcome.ok:
        for path in outcome.files:
            scores[path] += 1 if is_test(path) else 4
        spoken |= set(_spoken(outcome, texts))
        for path in _imported(outcome, texts):
            scores[path] += 1
    for path, text in texts.items():
        for found in _DEFINED.finditer(text):
            if found[1] in spoken:
                scores[path] += 0.5 if is_test(path) else 2
                lines.setdefault(path, text.count("\n", 0, found.start(1)) + 1)
        if not outcome or outcome.ok:
            scores[path] += sum(0.25 for name in spoken if name in text)
    ranked = sorted((path for path in scores if scores[path] > 0), key=lambda path: (-scores[path], path))
    return tuple(Suspect(path, lines.get(path, 0)) for path in ranked[:MOST])


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
