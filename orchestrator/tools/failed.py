"""What helps on after a command has failed: small models explain the failure and stop. Reads files only.

A failing test names the test and not the code that it tests; a script that wants an argument does not say
which; a KeyError does not say what the file looks like. All of it stands in the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.tools import files, walk
from orchestrator.tools.text import clean, shorten

_SUFFIXES = (
    "",
    ".py",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".jsx",
    ".tsx",
    ".sh",
    ".rb",
    ".go",
    ".rs",
    "/__init__.py",
    "/index.js",
)
_TEST = re.compile(r"(^|/)(tests?|specs?|__tests__)/|(^|/)test_[^/]*$|[._-](test|spec)\.[^/]+$")
_IMPORT = re.compile(r"\b(?:import|from|require|include|source|use)\b|[\w)}\"'$/]/\w")
_ARGUMENTS = re.compile(r"sys\.argv|\busage:|argv|\bargument|unbound variable|parameter null", re.IGNORECASE)
_SHAPE = re.compile(r"KeyError|TypeError|AttributeError|IndexError|JSONDecodeError|ValueError")
_DATA = frozenset({".json", ".csv", ".tsv", ".toml", ".yaml", ".yml", ".ini", ".txt"})
_CHARS = 160
_SOURCES = 3


def hint(root: Path, command: str, output: str) -> str:
    """Lines to read below the output of a command, or of Python code, that failed; often none."""
    found = list(walk.project_files(root))
    lines = [_tested(root, path) for path in _mentioned(found, output) if is_test(path)][:1]
    if wrongly_called(output):
        lines += _usage(root, found, command)
    return "\n".join(line for line in lines if line)


def wrongly_called(output: str) -> bool:
    """Whether a script failed because its arguments were not what it wants."""
    return _ARGUMENTS.search(output) is not None


def misjudged(root: Path, code: str, output: str) -> str:
    """The data file whose shape the code was wrong about, if that is why it failed; else empty."""
    if not _SHAPE.search(output):
        return ""
    found = _mentioned(list(walk.project_files(root)), code)
    return next((path for path in found if Path(path).suffix in _DATA), "")


def is_test(path: str) -> bool:
    """Whether a relative path is that of a test, by its name."""
    return _TEST.search(path) is not None


def sources(root: Path, test: str) -> list[str]:
    """The files of the project that a test imports, requires or runs."""
    base = root.resolve()
    known = set(walk.project_files(root))
    found = []
    for word in _words(_text(root, test)):
        for name in (word, word.replace(".", "/") if "/" not in word else word):
            for folder in (base, (base / test).parent, base / "src"):
                for suffix in _SUFFIXES:
                    try:
                        path = (folder / (name + suffix)).resolve().relative_to(base).as_posix()
                    except (ValueError, OSError):
                        continue
                    if path in known and not is_test(path):
                        found.append(path)
    return list(dict.fromkeys(found))[:_SOURCES]


def _words(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if _IMPORT.search(line):
            yield from (word.lstrip("/") for word in re.findall(r"[\w./-]{3,100}", line))


def _mentioned(found: list[str], text: str) -> list[str]:
    return [path for path in found if re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w-])", text)]


def _tested(root: Path, test: str) -> str:
    tested = sources(root, test)
    return f"What {test} tests is in {' and '.join(tested)}." if tested else ""


def _usage(root: Path, found: list[str], command: str) -> list[str]:
    """Lines of documents that show how the script of the command is called."""
    scripts = [path for path in found if re.search(rf"(?<![\w-]){re.escape(Path(path).name)}(?!\w)", command)]
    said = []
    for path in (one for one in found if Path(one).suffix in (".md", ".rst", ".txt")):
        for number, line in enumerate(_text(root, path).split("\n"), 1):
            if any(Path(script).name in line for script in scripts):
                said.append(f"{path}:{number}: {shorten(clean(line.strip()), _CHARS)}")
    return ["It wants an argument. How it is called:", *said[:2]] if said else []


def _text(root: Path, path: str) -> str:
    try:
        return files.decode(files.read_bytes(root.resolve() / path, path, 200_000)).content
    except ToolError:
        return ""
