"""Whether a file still parses: a change that breaks one is better not made. Pure."""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
from pathlib import Path


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
            case ".toml":
                tomllib.loads(source.replace("\r\n", "\n"))
    except SyntaxError as found:
        return f"line {found.lineno}: {found.msg}"
    except (ValueError, RecursionError, MemoryError) as found:
        return str(found) or type(found).__name__
    return ""


def breaks(old: str | None, new: str, path: Path) -> str:
    """What is wrong with `new` when nothing was with `old`; empty otherwise."""
    if old is None or not old.strip() or error(old, path):
        return ""
    return error(new, path)
