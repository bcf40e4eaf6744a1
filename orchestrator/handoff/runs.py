"""Commands and what their outcome proves: pure.

An exit code belongs to the last command of a line; behind a pipe or `|| true` it says nothing about
the tests, so it is not reported as theirs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from orchestrator.documents.plain import code, flat

_RUNNERS = re.compile(
    r"""^(?:
      (?:python[\d.]*\s+-m\s+)?(?:pytest|py\.test|unittest|nose2|tox|nox)\b
    | cargo\s+(?:\+\S+\s+)?(?:test|nextest|t)\b | (?:go|dotnet|mix|swift)\s+test\b
    | (?:npm|pnpm|yarn|bun|deno)\s+(?:run\s+|-s\s+)*(?:test|t)\b\S*
    | (?:npx\s+)?(?:jest|vitest|mocha|playwright\s+test|ava)\b
    | g?make\s+(?:-\S+\s+)*(?:test|tests|check)\b\S* | ctest\b | (?:\./)?mvnw?\b.*\b(?:test|verify)\b
    | (?:\./)?gradlew?\b.*\b(?:test|check)\b | (?:bundle\s+exec\s+)?(?:rspec|rake\s+test)\b
    | (?:\S*/)?phpunit\b
    )""",
    re.VERBOSE,
)
_PREFIX = re.compile(
    r"^(?:[A-Za-z_]\w*=\S*\s+|(?:uv|poetry|pdm|pipenv|hatch)\s+run\s+|time\s+|timeout\s+\S+\s+|env\s+|\S*/bin/(?=\w))+"
)
_SUMMARIES = (
    re.compile(r"test result: (?:ok|FAILED)\. \d+ passed; \d+ failed"),
    re.compile(r"^Tests?:?\s+(?:\d+ (?:failed|passed|skipped|todo|total)(?:, | \| )?)+", re.MULTILINE),
    re.compile(r"^Ran \d+ tests?\b", re.MULTILINE),
    re.compile(r"^\d+ examples?, \d+ failures?", re.MULTILINE),
    re.compile(r"Tests run: \d+, Failures: \d+, Errors: \d+"),
    re.compile(r"\b(?:\d+ (?:failed|passed|skipped|errors?|xfailed|xpassed|deselected|warnings?)(?:, )?)+"),
)
_FAILURES = (
    re.compile(r"^E +(\w*(?:Error|Exception|Warning|Exit)\b.*)$", re.MULTILINE),
    re.compile(r"^(?:FAILED|ERROR) +(\S*(?:::|/)\S+.*)$", re.MULTILINE),
    re.compile(r"^E +(\S.*)$", re.MULTILINE),
    re.compile(r"^\s*--- FAIL: +(\S+)", re.MULTILINE),
    re.compile(r"^test (\S+ \.\.\. FAILED)$", re.MULTILINE),
    re.compile(r"^\s+(?:● |✕ |✗ |\d+\) )(\S.*)$", re.MULTILINE),
    re.compile(r"^(\w*(?:Error|Exception)\b: .*)$", re.MULTILINE),
)
"""pytest, Go, Rust, Jest and Mocha, unittest."""
_TELLING = re.compile(r"error|exception|fatal|not found|no such|denied|refused|failed", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*(\|\||&&|;|\||\n)\s*")
_PROBES = frozenset({"grep", "rg", "egrep", "fgrep", "test", "[", "diff", "cmp", "which", "ls", "command"})
_COMMANDS = {"shell": "command", "run": "code", "git": "args"}
_TARGETS = ("command", "code", "args", "path", "pattern", "query", "text")


def target(call: Mapping[str, Any]) -> str:
    """What a tool call was about, from its `arguments`: the command, path or pattern."""
    arguments = call.get("arguments")
    if not isinstance(arguments, Mapping):
        return ""
    if call.get("name") == "search":
        pattern, path = (arguments.get(name) for name in ("pattern", "path"))
        if isinstance(pattern, str) and pattern.strip():
            return (
                f"{pattern.strip()} in {path.strip()}"
                if isinstance(path, str) and path.strip()
                else pattern.strip()
            )
    names = (_COMMANDS.get(str(call.get("name"))), *_TARGETS)
    for name in names:
        value = arguments.get(name) if name else None
        if isinstance(value, list):
            value = " ".join(str(item) for item in value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return next((value.strip() for value in arguments.values() if isinstance(value, str)), "")


def is_command(name: str) -> bool:
    return name in _COMMANDS


def shown(name: str, about: str) -> str:
    """A call as inline code: `pytest -q`, `git status`, `read utils/quota.py`."""
    if name == "git" and about.startswith("git "):
        about = about[4:]
    return code(about if name in ("shell", "run") else f"{name} {about}".strip())


def test_run(name: str, about: str) -> bool:
    return name in ("shell", "run") and any(_is_runner(part) for part in _parts(about)[::2])


def own_exit_code(about: str) -> bool:
    """True when the exit code of the line is that of its test runner."""
    parts = _parts(about)
    where = max(index for index, part in enumerate(parts) if index % 2 == 0 and _is_runner(part))
    return where == len(parts) - 1 and "||" not in parts


def single(about: str) -> bool:
    """True where the line is one command: no pipe, no second one behind it, nothing substituted."""
    return len(_parts(about)) == 1 and not re.search(r"[`<>&]|\$\(", about)


def summary(text: str) -> str:
    """The counts that a test runner printed, such as "1 failed, 41 passed"; "" if none."""
    tail = text[-4000:]
    for pattern in _SUMMARIES:
        if found := [match.group() for match in pattern.finditer(tail)]:
            return flat(found[-1].rstrip(", |"), 80)
    return ""


def failure(text: str) -> str:
    """The line of a failed test run that says what is wrong, as its runner marks it; "" if none does."""
    for pattern in _FAILURES:
        if found := pattern.findall(text[-6000:]):
            return str(found[-1]).strip()
    return ""


def probe(about: str) -> bool:
    """True for commands whose failure is an answer (`grep`, `test`), not a dead end."""
    try:
        words = shlex.split(_PREFIX.sub("", _parts(about)[-1]))
    except ValueError:
        return False
    return bool(words) and words[0] in _PROBES


def error_line(text: str) -> str:
    """The line of a failed result that says why: the last one that names an error, else the first."""
    lines = [line for line in text[-6000:].splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines[:1] or [""])[-1]


def _parts(line: str) -> list[str]:
    """Commands and, between them, separators; quoted text is not looked into."""
    masked = re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: "_" * len(match.group()), line.strip()[:4000])
    parts, start = [], 0
    for match in _SEPARATOR.finditer(masked):
        parts += [line.strip()[start : match.start()], match.group(1)]
        start = match.end()
    return [*parts, line.strip()[:4000][start:]]


def _is_runner(part: str) -> bool:
    return bool(_RUNNERS.match(_PREFIX.sub("", part.strip().lstrip("("))))
