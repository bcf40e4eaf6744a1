"""Files that hold commands: Makefile, justfile, Taskfile, Dockerfile, compose file, Procfile."""

from __future__ import annotations

import re
from itertools import islice

from orchestrator.documents.plain import code
from orchestrator.handoff.manifests.found import MOST_ROWS, Found, Source, command, entry, rank

_TARGET = r"^([A-Za-z][\w.\-]*(?:[ \t]+[A-Za-z][\w.\-]*)*)[ \t]*:(?![=:])[^\n]*\n((?:\t[^\n]*\n?){0,3})"
_KEPT_TARGETS = 6


def makefile(text: str, name: str) -> list[Found]:
    """The targets that a newcomer wants, each with what its recipe does first; the others by name."""
    source = Source(text, name)
    below = f" -C {name.rpartition('/')[0]}" if "/" in name else ""
    rows: dict[str, Found] = {}
    for match, line in islice(source.rows(_TARGET), 400):
        for target in match[1].split()[:20]:
            if not rows and target in ("all", "default"):
                rows[target] = command(f"make{below}", line, 1, _first(match[2]))
            if "." not in target and target not in rows:
                rows[target] = command(f"make{below} {target}", line, rank(target), _first(match[2]))
    best = sorted(rows.values(), key=lambda found: found.rank)
    shown, others = (
        best[:_KEPT_TARGETS],
        [target for target, found in rows.items() if found not in best[:_KEPT_TARGETS]],
    )
    if others:
        names = ", ".join(code(target, 40) for target in others[:8])
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        shown.append(Found("commands", f"other targets of make{below}: {names}{more}", name, 8))
    return shown


def _first(recipe: str) -> str:
    """The first line of a recipe that does something, where it says anything by itself."""
    for line in recipe.splitlines():
        said = line.strip().lstrip("@-+").strip()
        if said and not said.startswith(("#", "$(", "echo", "mkdir", "printf", "if ", "set ", "export ")):
            return "" if said.count("$(") > 1 else said.rstrip("\\").strip()
    return ""


def justfile(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(
        r"^@?([A-Za-z][\w\-]*)(?:[ \t][^:\n]*)?:(?!=)[^\n]*\n(?:[ \t]+@?([^\n#]*))?"
    )
    return [
        command(f"just {match[1]}", line, rank(match[1]), (match[2] or "").strip())
        for match, line in islice(rows, MOST_ROWS * 2)
        if match[1] not in ("set", "alias", "export", "import", "mod")
    ]


def taskfile(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    start = re.search(r"^tasks:[ \t]*$", source.text, re.MULTILINE)
    rows = source.rows(r"^  ([A-Za-z][\w\-]*):[ \t]*$")
    return [
        command(f"task {match[1]}", line, rank(match[1]))
        for match, line in islice(rows, MOST_ROWS * 2)
        if start and match.start() > start.end()
    ]


def dockerfile(text: str, name: str) -> list[Found]:
    source = Source(text, name)
    found = []
    for match, line in islice(
        source.rows(r"^[ \t]*(EXPOSE|CMD|ENTRYPOINT)[ \t]+([^\n]+)$", re.M | re.I), MOST_ROWS
    ):
        if match[1].upper() == "EXPOSE":
            found.append(Found("ports", f"exposes {code(match[2], 40)}", line))
        else:
            found.append(Found("entry points", f"container runs {code(match[2], 120)}", line, 2))
    return found


def compose(text: str, name: str) -> list[Found]:
    """Services of a compose file: the names below `services`, and the ports that are published."""
    source = Source(text, name)
    block = re.search(r"^services:[ \t]*\n((?:(?:[ \t]+|#)[^\n]*\n?|[ \t]*\n)*)", source.text, re.MULTILINE)
    if block is None:
        return []
    indent = re.search(r"^( +)[\w.\-]+:", block[1], re.MULTILINE)
    if indent is None:
        return []
    names = re.findall(rf"^{indent[1]}([\w.\-]+):", block[1], re.MULTILINE)[:8]
    line = source.line(block.start())
    found = [command("docker compose up", line, 3, f"services {', '.join(names)}")]
    for match, where in islice(
        source.rows(r"^[ \t]+-[ \t]*[\"']?((?:[\d.]+:)?\d{2,5}:\d{2,5})[\"']?[ \t]*$"), 3
    ):
        found.append(Found("ports", f"published {code(match[1], 40)}", where))
    return found


def procfile(text: str, name: str) -> list[Found]:
    rows = Source(text, name).rows(r"^([\w\-]+):[ \t]*(\S[^\n]*)$")
    return [entry(match[1], match[2], line) for match, line in islice(rows, MOST_ROWS)]
