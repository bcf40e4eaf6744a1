"""Which definition a line stands in, by indentation and a glance at each line above it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PYTHON = r"(?:async\s+)?(?P<word>def|class)\s+(?P<name>\w+)"
_SCRIPT = (
    r"(?:export\s+)?(?:default\s+)?(?:async\s+)?(?P<word>function\*?|class|interface|enum|namespace)\s+(?P<name>\w+)"
    r"|(?:export\s+)?(?:const|let|var)\s+(?P<name2>\w+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>)"
    r"|(?:(?:public|private|protected|static|async|get|set)\s+)*(?P<name3>[\w#$]+)\s*\([^;]*\)\s*(?::[^{;]+)?\{"
)
_GO = r"func\s+(?:\([^)]*\)\s*)?(?P<name>\w+)|type\s+(?P<name2>\w+)\s+(?P<word>struct|interface)"
_RUST = (
    r"(?:pub(?:\([^)]*\))?\s+)?(?:default\s+|const\s+|async\s+|unsafe\s+|extern\s+\"[^\"]*\"\s+)*"
    r"(?:(?P<word>fn|struct|enum|trait|mod|impl)\b(?:<[^>]*>)?\s+(?:\w+(?:<[^>]*>)?\s+for\s+)?(?P<name>\w+))"
)
_C_LIKE = (
    r"(?:(?:public|private|protected|static|final|abstract|inline|extern|const|unsigned|virtual)\s+)*"
    r"(?:(?P<word>class|interface|enum|struct|namespace|record)\s+(?P<name>\w+)"
    r"|[\w:<>,\[\]*&\s]*?[\w>\]*&]\s+[*&]*(?P<name2>[\w:~]+)\s*\([^;]*$)"
)
_NOT_NAMES = frozenset(
    {"if", "for", "while", "switch", "return", "else", "catch", "function", "do", "sizeof", "throw"}
)
_TYPES = frozenset({"class", "interface", "enum", "struct", "namespace", "trait", "mod", "impl", "record"})
_BY_SUFFIX = {
    suffix: re.compile(pattern)
    for suffixes, pattern in (
        ("py pyi", _PYTHON),
        ("js jsx mjs cjs ts tsx", _SCRIPT),
        ("go", _GO),
        ("rs", _RUST),
        ("c h cc cpp hpp java cs kt", _C_LIKE),
    )
    for suffix in suffixes.split()
}
_LOOK_BACK = 2000


def known(suffix: str) -> bool:
    """Whether this kind of file is code whose definitions are found here; its dot may be missing."""
    return suffix.lower().lstrip(".") in _BY_SUFFIX


def block(lines: Sequence[str], number: int, most: int) -> int:
    """The last line (from 1) of what line `number` begins: those deeper than it, and what closes them."""
    if number > len(lines):  # the file has changed since, or breaks its lines otherwise
        return len(lines)
    depth, last = _indent(lines[number - 1]), number
    for at in range(number, min(len(lines), number - 1 + most)):
        line = lines[at]
        if line.strip() and _indent(line) <= depth:
            return at + 1 if last > number and line.strip()[0] in "})]" else last
        last = at + 1 if line.strip() else last
    return last


def enclosing(lines: Sequence[str], number: int, suffix: str) -> str:
    """`charge()`, `Quota.charge()`, `class Quota` or "" for line `number` (from 1).

    `suffix` is the file's, without a dot. A line that is itself a definition is in the outer one.
    """
    pattern = _BY_SUFFIX.get(suffix.lower())
    if pattern is None or not 1 <= number <= len(lines):
        return ""
    indent = _indent(lines[number - 1])
    found: list[tuple[str, bool]] = []
    for line in reversed(lines[max(0, number - 1 - _LOOK_BACK) : number - 1]):
        if indent == 0:
            break
        bare = line.strip()
        if not bare or bare[0] in "{)]}#@" or _indent(line) >= indent:
            continue
        indent = _indent(line)
        if definition := _definition(pattern, bare):
            found.insert(0, definition)
    return _joined(found)


def _joined(found: list[tuple[str, bool]]) -> str:
    if not found:
        return ""
    is_type = found[-1][1]
    path = ".".join(name for name, _ in found)
    return f"class {path}" if is_type else f"{path}()"


def _definition(pattern: re.Pattern[str], bare: str) -> tuple[str, bool] | None:
    match = pattern.match(bare)
    if match is None:
        return None
    groups = match.groupdict()
    name = next((groups[key] for key in ("name", "name2", "name3") if groups.get(key)), "")
    if not name or name in _NOT_NAMES:
        return None
    return name, groups.get("word") in _TYPES


def _indent(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
