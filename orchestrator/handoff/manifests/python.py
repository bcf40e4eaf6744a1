"""Python's manifests: pyproject.toml, setup.cfg, setup.py, requirements.txt, tox, nox."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from orchestrator.handoff.manifests.found import (
    MOST_ROWS,
    MOST_WANTED,
    Found,
    Source,
    command,
    described,
    entry,
    licence_named,
    needs,
    rank,
    string,
    strings,
    table,
    toml,
    wanted,
)

_TOOLS = {
    "pytest": ("pytest", 0),
    "ruff": ("ruff check", 3),
    "mypy": ("mypy", 3),
    "pyright": ("pyright", 3),
    "black": ("black", 4),
    "tox": ("tox", 1),
    "hatch": ("hatch", 5),
}
_NAME = re.compile(r"^[A-Za-z0-9][\w.\-]*")


def pyproject(text: str, name: str) -> list[Found]:
    source, data = Source(text, name), toml(text)
    project, poetry = table(data, "project"), table(data, "tool", "poetry")
    head = project or poetry
    about = string(head.get("description"))
    found = described(head.get("name"), head.get("version"), about, source.of("name"))
    found += _package(string(head.get("name")), source.of("name"))
    versions = string(project.get("requires-python")) or string(table(poetry, "dependencies").get("python"))
    found += needs("Python", versions, source.at(r"^[ \t]*(requires-python|python)[ \t]*="))
    for script, target in _some({**table(project, "scripts"), **table(poetry, "scripts")}):
        found.append(entry(script, string(target), source.of("scripts", script)))
    for tool, (line, order) in _TOOLS.items():
        if tool in table(data, "tool"):
            found.append(command(line, source.at(rf"^[ \t]*\[+tool\.{tool}\b"), order))
    for script, does in _some(table(data, "tool", "poe", "tasks")):
        found.append(command(f"poe {script}", source.of("tasks", script), rank(script), string(does)))
    rows = strings(project.get("dependencies")) or [one for one in table(poetry, "dependencies")]
    found += wanted("python", _named(rows, source), source.at(r"^[ \t]*(\[[^\n]*)?dependencies\b"))
    for extra in table(project, "optional-dependencies").values():
        found += wanted("python", _named(strings(extra), source), name, say=False)
    for group in table(data, "dependency-groups").values():
        found += wanted("python", _named(strings(group), source), name, say=False)
    found += _paths({**table(data, "tool", "uv", "sources"), **table(poetry, "dependencies")}, source)
    for member in strings(table(data, "tool", "uv", "workspace").get("members"))[:MOST_ROWS]:
        found.append(Found("parts", member, source.at(r"^[ \t]*members\b")))
    return found + licence_named(head.get("license"), source.of("license"))


def setup_cfg(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    values = {
        match[1]: (match[2].strip(), line) for match, line in source.rows(r"^([\w.\-]+)[ \t]*=[ \t]*(.*)$")
    }
    title, line = values.get("name", ("", name))
    version, about = (values.get(key, ("", ""))[0] for key in ("version", "description"))
    found = described(title, version, about, line) + _package(title, line)
    if "[tool:pytest]" in source.text:
        found.append(command("pytest", source.at(r"^\[tool:pytest\]"), 0))
    found += needs("Python", *values.get("python_requires", ("", name)))
    found += wanted("python", _below(source, r"^install_requires[ \t]*=", MOST_ROWS * 20), name)
    return found + licence_named(*values.get("license", ("", name)))


def setup_py(text: str, name: str) -> list[Found]:
    """By the words of a plain call; nothing is run."""
    source = Source(text, name)
    values = {
        match[1]: (match[2], line)
        for match, line in source.rows(
            r"\b(name|version|description|python_requires|license)\s*=\s*[\"']([^\"'\n]{1,200})[\"']"
        )
    }
    title, line = values.get("name", ("", name))
    version, about = (values.get(key, ("", ""))[0] for key in ("version", "description"))
    found = described(title, version, about, line) + _package(title, line)
    found += needs("Python", *values.get("python_requires", ("", name)))
    if block := re.search(r"install_requires\s*=\s*\[([^\]]{0,8000})\]", source.text):
        rows = re.findall(r"[\"']([^\"'\n]+)[\"']", block[1])
        found += wanted("python", _named(rows, source), source.line(block.start()))
    return found + licence_named(*values.get("license", ("", name)))


def requirements(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    names, found = [], []
    for match, line in source.rows(r"^[ \t]*([^#\s].*)$"):
        row = match[1].strip()
        if path := re.match(r"(?:-e|--editable)?[ =]*((?:\.\.?/|file:)\S*)", row):
            found.append(Found("wants", "", line, path=path[1].removeprefix("file:")))
        elif package := _NAME.match(row):
            names.append((package[0], line))
    return wanted("python", names, name) + found


def tox(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found = [command("tox", source.at(r"^\[tox\]|^\[testenv"), 1)]
    rows = source.rows(r"^commands[ \t]*=[ \t]*\n?[ \t]*(\S.*)$")
    for match, line in islice(rows, MOST_ROWS):
        section = re.findall(r"^\[testenv:?([^\]\n]*)\]", source.text[: match.start()], re.MULTILINE)
        run = f"tox -e {section[-1]}" if section and section[-1] else "tox"
        found.append(command(run, line, rank(section[-1]) if section and section[-1] else 1, match[1]))
    return found[1:][:MOST_ROWS] or (found if "[tox" in source.text or "[testenv" in source.text else [])


def noxfile(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(r"^@(?:nox\.)?session\b[^\n]*\n(?:@[^\n]*\n){0,4}(?:async )?def (\w+)")
    return [command(f"nox -s {match[1]}", line, rank(match[1])) for match, line in rows][:MOST_ROWS]


def _package(name: str, source: str) -> list[Found]:
    return [Found("package", f"python:{_plain(name)}", source)] if name else []


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _named(rows: Iterable[str], source: Source) -> Iterator[tuple[str, str]]:
    for row in islice(rows, MOST_WANTED):
        if (found := _NAME.match(row.strip())) and found[0].lower() != "python":
            yield _plain(found[0]), source.at(rf"(?<![\w.\-]){re.escape(found[0])}(?![\w.\-])")


def _below(source: Source, pattern: str, most: int) -> list[tuple[str, str]]:
    """Names in the indented lines below a key."""
    found = re.compile(pattern, re.MULTILINE).search(source.text)
    names = []
    if found:
        for match in list(re.finditer(r"[^\n]*\n?", source.text[found.end() :]))[:most]:
            if match.start() and match[0].strip() and not match[0][0].isspace():
                break
            if package := _NAME.match(match[0].strip()):
                names.append((_plain(package[0]), source.line(found.end() + match.start())))
    return names


def _paths(sources: dict[str, Any], source: Source) -> list[Found]:
    return [
        Found("wants", f"python:{_plain(name)}", source.of(name), path=value["path"])
        for name, value in _some(sources)
        if isinstance(value, dict) and isinstance(value.get("path"), str)
    ]


def _some(rows: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(rows.items())[:MOST_ROWS]
