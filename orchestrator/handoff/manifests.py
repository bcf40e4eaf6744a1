"""What manifests and other well-known files of a repository say about it: pure, from their text.

Each parser takes a file's text and the name it is cited by, and returns `Found`s. A file that does
not parse says nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.documents.plain import code, prose

Topic = Literal["about", "commands", "entry points", "ports", "licence", "dependencies"]
_MOST_DEPENDENCIES = 12
_MOST_SCRIPTS = 10
_LICENCES = (
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"),
    ("GNU GENERAL PUBLIC LICENSE", "GPL"),
    ("Apache License", "Apache-2.0"),
    ("Mozilla Public License", "MPL-2.0"),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Permission to use, copy, modify, and/or distribute", "ISC"),
    ("Redistribution and use in source and binary forms", "BSD"),
    ("This is free and unencumbered software", "Unlicense"),
)
_PORT = re.compile(
    r"""(?:\bport["']?\s*[:=]\s*|\.listen\(\s*|--port[ =]|localhost:|127\.0\.0\.1:)(\d{2,5})\b""", re.I
)


@dataclass(frozen=True, slots=True)
class Found:
    """One fact of a file, as a plain line without its citation."""

    topic: Topic
    text: str
    source: str


def readme(text: str, source: str) -> list[Found]:
    """Title and first paragraph."""
    lines = [re.sub(r"<[^>]{0,400}>|!?\[!\[.*", "", line).strip() for line in text[:20_000].splitlines()]
    fenced = False
    title, paragraph = "", []
    for index, line in enumerate(lines):
        fenced ^= line.startswith("```")
        under = lines[index + 1] if index + 1 < len(lines) else ""
        if not title and (line.startswith("# ") or (line and re.fullmatch(r"[=~#*]{3,}", under))):
            title = line.lstrip("# ")
        elif _is_words(line) and not fenced:
            paragraph.append(line)
        elif paragraph:
            break
    said = [prose(title, 100), prose(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph)), 400)]
    body = ": ".join(part for part in said if part)
    return [Found("about", body, source)] if body else []


def pyproject(text: str, source: str) -> list[Found]:
    data = _toml(text)
    project, tool = _table(data, "project"), _table(data, "tool")
    poetry = _table(tool, "poetry")
    found = _described(project or poetry, source)
    if version := _str(project.get("requires-python")):
        found.append(Found("about", f"Needs Python {code(version, 40)}", source))
    scripts = {**_table(project, "scripts"), **_table(poetry, "scripts")}
    found += [_entry(name, _str(target), source) for name, target in _some(scripts)]
    if "pytest" in tool:
        found.append(Found("commands", "test: `pytest`", source))
    found += [
        Found("commands", f"{name}: configured", source) for name in ("ruff", "mypy", "black") if name in tool
    ]
    wanted = project.get("dependencies") or list(_table(poetry, "dependencies"))
    return found + _dependencies(wanted, source) + _licence(project.get("license"), source)


def package_json(text: str, source: str) -> list[Found]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(data, dict):
        return []
    found = _described(data, source)
    for name, script in _some(_table(data, "scripts")):
        run = f"npm {name}" if name in ("test", "start") else f"npm run {name}"
        found.append(Found("commands", f"{code(run, 60)} runs {code(_str(script), 100)}", source))
    if isinstance(main := data.get("main"), str):
        found.append(Found("entry points", f"main: {code(main, 100)}", source))
    found += [_entry(name, _str(path), source) for name, path in _some(_table(data, "bin"))]
    wanted = list(_table(data, "dependencies"))
    return found + _dependencies(wanted, source) + _licence(data.get("license"), source)


def cargo(text: str, source: str) -> list[Found]:
    data = _toml(text)
    package = _table(data, "package")
    found = _described(package, source)
    if data:
        found += [Found("commands", f"{what}: `cargo {what}`", source) for what in ("build", "test")]
    binaries = data.get("bin")
    for item in binaries if isinstance(binaries, list) else []:
        if isinstance(item, dict):
            found.append(_entry(_str(item.get("name")), _str(item.get("path")), source))
    wanted = list(_table(data, "dependencies"))
    return found + _dependencies(wanted, source) + _licence(package.get("license"), source)


def go_mod(text: str, source: str) -> list[Found]:
    found = [
        Found("about", f"Go module {code(match[1], 100)}", source)
        for match in re.finditer(r"^module\s+(\S+)", text, re.MULTILINE)
    ][:1]
    if found:
        found += [Found("commands", f"{what}: `go {what} ./...`", source) for what in ("build", "test")]
    wanted = re.findall(r"^(?:require\s+|\t)([\w.\-/]+) v\S+(?!.*// indirect)\s*$", text, re.MULTILINE)
    return found + _dependencies(wanted, source)


def makefile(text: str, source: str) -> list[Found]:
    targets = dict.fromkeys(re.findall(r"^([A-Za-z][\w-]*)\s*:(?!=)", text, re.MULTILINE))
    shown = ", ".join(code(f"make {target}", 50) for target in list(targets)[:_MOST_SCRIPTS])
    more = f" and {len(targets) - _MOST_SCRIPTS} more" if len(targets) > _MOST_SCRIPTS else ""
    return [Found("commands", f"{shown}{more}", source)] if shown else []


def dockerfile(text: str, source: str) -> list[Found]:
    found = []
    for match in re.finditer(r"^\s*(EXPOSE|CMD|ENTRYPOINT)\s+(.+)$", text, re.MULTILINE | re.IGNORECASE):
        if match[1].upper() == "EXPOSE":
            found.append(Found("ports", f"exposes {code(match[2], 40)}", source))
        else:
            found.append(Found("entry points", f"container runs {code(match[2], 120)}", source))
    return found


def procfile(text: str, source: str) -> list[Found]:
    rows = re.findall(r"^([\w-]+):\s*(.+)$", text, re.MULTILINE)
    return [_entry(name, command, source) for name, command in rows[:_MOST_SCRIPTS]]


def licence(text: str, source: str) -> list[Found]:
    flat = " ".join(text[:4000].split())
    for words, name in _LICENCES:
        if words.lower() in flat.lower():
            return [Found("licence", name, source)]
    return []


def ports(text: str, source: str) -> list[Found]:
    """Ports that a line states as a number, each with its line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) < 400 and (match := _PORT.search(line)) and 1 <= int(match[1]) <= 65535:
            found.append(Found("ports", f"{match[1]}: {code(line, 100)}", f"{source}:{number}"))
    return found[:2]


PARSERS: Mapping[str, Callable[[str, str], list[Found]]] = {
    "pyproject.toml": pyproject,
    "package.json": package_json,
    "Cargo.toml": cargo,
    "go.mod": go_mod,
    "Makefile": makefile,
    "makefile": makefile,
    "GNUmakefile": makefile,
    "Dockerfile": dockerfile,
    "Procfile": procfile,
    **dict.fromkeys(("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"), licence),
}


def _described(table: Mapping[str, Any], source: str) -> list[Found]:
    name, about = code(_str(table.get("name")), 60), prose(_str(table.get("description")), 200)
    version = code(_str(table.get("version")), 20)
    if not _str(table.get("name")):
        return []
    text = f"Package {name}" + (f" {version}" if _str(table.get("version")) else "")
    return [Found("about", f"{text}: {about}" if about else text, source)]


def _dependencies(wanted: Any, source: str) -> list[Found]:
    rows = [item for item in wanted if isinstance(item, str)] if isinstance(wanted, list) else []
    names = [match[0] for row in rows if (match := re.match(r"[@\w][\w.\-/@]*", row)) and row != "python"]
    if not names:
        return []
    shown = ", ".join(code(name, 50) for name in names[:_MOST_DEPENDENCIES])
    more = f" and {len(names) - _MOST_DEPENDENCIES} more" if len(names) > _MOST_DEPENDENCIES else ""
    return [Found("dependencies", shown + more, source)]


def _licence(value: Any, source: str) -> list[Found]:
    if isinstance(value, dict):
        value = value.get("text") or value.get("file")
    return [Found("licence", prose(value, 60), source)] if isinstance(value, str) and value else []


def _entry(name: str, target: str, source: str) -> Found:
    return Found("entry points", f"{code(name, 60)} runs {code(target, 120)}", source)


def _is_words(line: str) -> bool:
    plain = not line.startswith(("#", "```", "---", "===", "|", "![", "[![", "..", ":", ">", "- ", "* "))
    return plain and bool(re.search(r"\w", line))


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _some(table: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return list(table.items())[:_MOST_SCRIPTS]


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
