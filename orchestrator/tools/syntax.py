"""Whether a file still parses: a change that breaks one is better not made. Pure."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import warnings
from pathlib import Path

_FOLDED = re.compile(
    r"(\s*(?:async )?(?:def|class|for|while|if|with|try)\b[^:]*:)\s+((?:for|while|if|with|try)\b.+)"
)


def error(source: str, path: Path) -> str:
    """What the parser of this kind of file says, e.g. "line 7: invalid syntax"; empty if it parses.

    Empty, too, for kinds that are not known here.
    """
    try:
        match path.suffix.lower():
            case ".py":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # invalid escapes are no error
                    ast.parse(source)
            case ".json":
                json.loads(source.removeprefix("\ufeff"))
            case ".yaml" | ".yml":
                return _yaml(source)
            case ".toml":
                tomllib.loads(source.replace("\r\n", "\n"))
    except SyntaxError as found:
        return f"line {found.lineno}: {found.msg}"
    except (ValueError, RecursionError, MemoryError) as found:
        return str(found) or type(found).__name__
    return ""


def _yaml(source: str) -> str:
    import yaml  # type: ignore[import-untyped]  # comes with detect-secrets

    try:
        for _ in yaml.compose_all(source):  # tags of others are no error
            pass
    except yaml.MarkedYAMLError as found:
        at = f"line {found.problem_mark.line + 1}: " if found.problem_mark else ""
        return f"{at}{found.problem}"
    except yaml.YAMLError as found:
        return str(found).partition("\n")[0]
    return ""


def unclosed(source: str, path: Path) -> str:
    """`source` without what models close too much at its end: the end of their call, once more. As it was
    where it parses, or where that does not mend it.
    """
    bare = source.rstrip()
    for tail in ('"}', "'}", "}", '"'):
        if not bare.endswith(tail):
            continue
        shorter = bare.removesuffix(tail) + source[len(bare) :]
        if path.suffix.lower() in (".py", ".json", ".toml", ".yaml", ".yml"):
            if error(source, path) and not error(shorter, path):
                return shorter
        elif tail == "}" and bare.count("}") == bare.count("{") + 1:
            return shorter
    return source


def unfolded(source: str) -> str:
    """Python with blocks that stand behind a colon on lines of their own: `def f(): for x in y: z`."""
    lines = []
    for line in source.split("\n"):
        depth = line[: len(line) - len(line.lstrip())]
        while match := _FOLDED.fullmatch(line):
            lines.append(match[1])
            depth += "    "
            line = depth + match[2]
        lines.append(line)
    return "\n".join(lines)


def breaks(old: str | None, new: str, path: Path) -> str:
    """What is wrong with `new` when nothing was with `old`; empty otherwise."""
    if old is None or not old.strip() or error(old, path):
        return ""
    return error(new, path)
