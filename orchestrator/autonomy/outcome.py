"""What one run of a check says: exit code, counted tests, the lines that decide, the files named. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from orchestrator.autonomy.plan import line
from orchestrator.terminal import plain

Verdict = Literal["better", "same", "worse"]
TIMED_OUT = 124
MOST_LINES, MOST_NAMED, LINE_CHARS, MOST_FILES = 14, 2, 180, 12
_COUNTED = {
    "failed": re.compile(
        r"\b(\d+) (?:failed|failing|failures?|errors?)\b|\b(?:failures|errors)[=:] ?(\d+)", re.I
    ),
    "passed": re.compile(r"\b(\d+) (?:passed|passing)\b", re.I),
}
_SUMMARY = re.compile(
    r"\d+ (?:passed|failed|failing|passing|error)|^(?:FAILED|OK)\b.*|^Ran \d+|^test result:", re.I
)
_RAN = re.compile(r"^Ran (\d+) tests?\b", re.M)
_TELLING = re.compile(
    r"""^E\s | ^(?:FAILED|ERROR|FAIL)\b | ^\s*File\ ".+",\ line\ \d+ | ^\S+\.\w+:\d+(?::\d+)?:
    | \b\w*(?:Error|Exception)\b | ^---\s*FAIL | ^not\ ok\b | \bpanicked\ at\b | \berror(?:\[\w+\])?:
    | ^\s*(?:Expected|Received|expected|actual|got)\b | ^[+-]\s | ^\s*assert""",
    re.VERBOSE,
)
_PLACE = re.compile(r'([^\s":]+\.\w+)(?::|", line )(\d+)')
_ERROR = re.compile(r"\b(\w+(?:Error|Exception))\b")
_EARLY = (
    "SyntaxError",
    "IndentationError",
    "ModuleNotFoundError",
    "ImportError",
    "NameError",
    "AttributeError",
)
"""Errors in the order in which code gets past them; any other comes later."""
_PATH = re.compile(r"(?<![\w/.-])(/?(?:[\w.-]+/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7})(?:[:,\"(]|\", line )?")
_NAMED_TEST = re.compile(r"^(?:FAILED|ERROR)\s+([^\s(]\S*)", re.M)
_NOISE = re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds)\b|0x[0-9a-f]{6,}|/tmp/[\w./-]+|\b\d{2}:\d{2}:\d{2}\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failed` and `passed` are tests, None where the output does not count them. `lines` are what decides,
    `files` paths of the project that the output names, in their order; `tests` names of those that failed.
    `print` is the same for two runs that said the same but for times and addresses."""

    exit_code: int
    failed: int | None = None
    passed: int | None = None
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    print: str = ""

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def short(self) -> str:
        """For people and commits: "exit 1, 2 failed, 40 passed"."""
        said = [f"exit {self.exit_code}"]
        said += ["stopped, its time was up"] if self.exit_code == TIMED_OUT else []
        said += [f"{self.failed} failed"] if self.failed else []
        return ", ".join([*said, *([f"{self.passed} passed"] if self.passed else [])])


def read(exit_code: int, output: str, known: Collection[str]) -> Outcome:
    """`known` are the project's files: only those count as named. The output is untrusted text."""
    text = plain(output)
    rows = text.splitlines()
    failed, passed = _counts(rows, exit_code)
    lines = _deciding(rows) if exit_code else ()
    essence = "\n".join([str(exit_code), str(failed), *(_NOISE.sub("", one) for one in lines)])
    return Outcome(
        exit_code,
        failed,
        passed,
        lines,
        _files(text, known),
        tuple(dict.fromkeys(found[:200] for found in _NAMED_TEST.findall(text)))[:MOST_FILES],
        hashlib.sha256(essence.encode("utf-8", "replace")).hexdigest()[:12],
    )


def to_json(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def of_json(value: object) -> Outcome | None:
    """None for what is none."""
    if not isinstance(value, Mapping) or not isinstance(code := value.get("exit_code"), int):
        return None

    def count(name: str) -> int | None:
        return number if isinstance(number := value.get(name), int) else None

    def texts(name: str) -> tuple[str, ...]:
        return tuple(map(str, found)) if isinstance(found := value.get(name), list | tuple) else ()

    printed = str(value.get("print") or "")
    return Outcome(
        code, count("failed"), count("passed"), texts("lines"), texts("files"), texts("tests"), printed
    )


def verdict(before: Outcome, after: Outcome) -> Verdict:
    """How the check stands after a step, compared with before it. A test that is gone passes no more."""
    if before.ok != after.ok:
        return "better" if after.ok else "worse"
    if before.failed is not None and after.failed is None and not after.ok:
        return "worse"  # it cannot even count them any more
    failed, passed = (
        ((after.failed or 0) - (before.failed or 0)),
        ((after.passed or 0) - (before.passed or 0)),
    )
    if passed < 0 or failed + passed < 0 or (failed > 0 and passed == 0):
        return "worse"
    if passed > 0 or failed < 0:
        return "better"
    return "better" if not after.ok and _farther(before, after) else "same"


def measured(outcome: Outcome) -> bool:
    """Whether it says more than pass or fail: else a step in the right direction cannot be told."""
    return outcome.failed is not None or bool(outcome.lines)


def _farther(before: Outcome, after: Outcome) -> bool:
    """As many tests fail, but one gets to a later line of its file, or past an error that stands earlier."""
    if before.failed is None and after.failed is None and len(after.lines) != len(before.lines):
        return len(after.lines) < len(before.lines)  # nothing is counted but complaints
    was, now = _stage(before), _stage(after)
    if was != now:
        return now > was
    old, new = _lines_reached(before), _lines_reached(after)
    both = old.keys() & new.keys()
    return any(new[path] > old[path] for path in both) and all(new[path] >= old[path] for path in both)


def _stage(outcome: Outcome) -> int:
    names = [name for one in outcome.lines for name in _ERROR.findall(one)]
    return min((_EARLY.index(name) if name in _EARLY else len(_EARLY) for name in names), default=len(_EARLY))


def _lines_reached(outcome: Outcome) -> dict[str, int]:
    """In files of tests: those stay as they are."""
    found = [place for one in outcome.lines for place in _PLACE.findall(one)]
    return {path: int(number) for path, number in found if "test" in path.lower()}


def _counts(rows: list[str], exit_code: int) -> tuple[int | None, int | None]:
    """From the last lines that sum up; unittest counts all that ran."""
    summaries = [row for row in rows[-40:] if _SUMMARY.search(row.strip(" ="))]
    counted: dict[str, int | None] = {"failed": None, "passed": None}
    for row in summaries[-3:]:
        for name, pattern in _COUNTED.items():
            numbers = [int(next(filter(None, found.groups()))) for found in pattern.finditer(row)]
            if numbers:
                counted[name] = sum(numbers)
    failed, passed = counted["failed"], counted["passed"]
    ran = _RAN.findall("\n".join(rows[-40:]))
    if ran and passed is None:
        passed = max(0, int(ran[-1]) - (failed or 0))
    return (0 if failed is None and passed is not None and exit_code == 0 else failed), passed


def _deciding(rows: list[str]) -> tuple[str, ...]:
    """The lines that name an error, with what stands before the first of each; else the last ones."""
    told = [row for row in rows if row.strip() and not set(row.strip()) <= set("=-_ .")]
    chosen = [row for row in told if _TELLING.search(row)] or told[-6:]
    lines = list(dict.fromkeys(line(row.replace("\t", "  "), LINE_CHARS) for row in chosen))
    named = [one for one in lines if _NAMED_TEST.match(one)]
    why = [one for one in lines if one not in named]
    half = (MOST_LINES - MOST_NAMED) // 2
    return (*why[:half], *why[half:][-half:], *named[:MOST_NAMED])


def _files(text: str, known: Collection[str]) -> tuple[str, ...]:
    names = dict.fromkeys(found.removeprefix("./") for found in _PATH.findall(text[-60_000:]))
    found: list[str] = []
    for name in names:
        match = name if name in known else next((one for one in known if name.endswith("/" + one)), "")
        if match and match not in found:
            found.append(match)
    return tuple(found[:MOST_FILES])
