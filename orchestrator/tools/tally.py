"""What can be counted in a file, counted: small models cannot. Pure.

Only for a turn that asks how many: entries of a table by their values, keys of a mapping, headings and
points of a list, definitions, lines that begin alike.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.tools.asked import Asked, alike
from orchestrator.tools.text import count, shorten

_MOST = 6
"""Counts of one file."""
_NAMED = 12
"""Names listed behind a count."""
_CHARS = 200_000


def tally(content: str, path: str, asked: Asked) -> str:
    """Lines with counts, what the prompt's words are about last; empty where there is nothing to count."""
    if len(content) > _CHARS:
        return ""
    lines = [line for line in content.split("\n") if line.strip()]
    suffix = Path(path).suffix.lower()
    found = _by_kind(content, lines, suffix, asked)
    if asked.wording.lines or not found:
        remarks = [line for line in lines if line.lstrip().startswith(("#", "//", ";", "--"))]
        said = f"{count(len(lines), 'line')} that are not empty"
        found.append(said + (f", {len(lines) - len(remarks)} of them no comment" if remarks else ""))
    weights = [_about(line, asked) for line in found]
    if best := max(weights, default=0):  # the others would only be mistaken for it
        found = [line for line, weight in zip(found, weights, strict=True) if weight == best]
    return "\n".join(shorten(line, 240) for line in found[-_MOST:])


def _about(line: str, asked: Asked) -> int:
    head = re.findall(r"[^\W_]+", line.lower())
    return sum(any(alike(word, one) for one in head) for word in asked.words)


def _by_kind(content: str, lines: Sequence[str], suffix: str, asked: Asked) -> list[str]:
    if suffix in (".csv", ".tsv"):
        return _table(content, "\t" if suffix == ".tsv" else ",", asked)
    if suffix in (".json", ".toml"):
        try:
            data = json.loads(content) if suffix == ".json" else tomllib.loads(content)
        except (ValueError, RecursionError):
            return []
        return list(_nested(data, ""))
    if suffix in (".yaml", ".yml"):
        return _indented(lines)
    if suffix in (".md", ".markdown", ".rst"):
        return _markdown(lines)
    return [*(_definitions(content) if suffix == ".py" else []), *_alike(lines)]


def _table(content: str, delimiter: str, asked: Asked) -> list[str]:
    try:
        rows = [row for row in csv.reader(io.StringIO(content), delimiter=delimiter) if row]
    except csv.Error:
        return []
    if len(rows) < 2:
        return []
    head, body = rows[0], rows[1:]
    said = [count(len(body), "row")]
    for at, name in enumerate(head):
        values = Counter(row[at].strip() for row in body if len(row) > at)
        named = [value for value in values if any(alike(word, value.lower()) for word in asked.words)]
        if 1 < len(values) <= _NAMED and len(values) < len(body):
            chosen = [(value, values[value]) for value in named] or values.most_common()
            said.append(f"{name}: " + ", ".join(f"{number} × {value}" for value, number in chosen))
    return said


def _nested(data: Any, name: str, depth: int = 0) -> list[str]:
    inside = list(data.items()) if isinstance(data, Mapping) else []
    listed = data if isinstance(data, list) else []
    said = []
    if depth and inside:
        said.append(f"{name}: {len(inside)} ({_names([str(key) for key, _ in inside])})")
    elif depth == 0 and inside:
        said.append(f"{count(len(inside), 'key')} at the top: {_names([str(key) for key, _ in inside])}")
    if listed:
        said.append(f"{name or 'the list'}: {count(len(listed), 'entry').replace('entrys', 'entries')}")
        said += _table_of([one for one in listed if isinstance(one, Mapping)])
    if depth < 2:
        for key, value in inside:
            said += _nested(value, f"{name}.{key}" if name else str(key), depth + 1)
    return said


def _table_of(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    said = []
    for name in dict.fromkeys(key for entry in entries for key in entry):
        values = Counter(
            json.dumps(entry[name])
            for entry in entries
            if name in entry and not isinstance(entry[name], (dict, list))
        )
        if 1 < len(values) <= _NAMED and len(values) < len(entries):
            said.append(
                f"{name}: " + ", ".join(f"{number} × {value}" for value, number in values.most_common())
            )
    return said


def _indented(lines: Sequence[str]) -> list[str]:
    """Keys of YAML below each key of the first two levels, by indentation."""
    below: dict[str, list[str]] = {}
    stack: list[tuple[int, str]] = []
    for line in lines:
        match = re.match(r"( *)(- )?[\"']?([\w./-]+)[\"']?\s*:(?:\s|$)", line)
        if match is None:
            continue
        depth = len(match[1])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        if len(stack) <= 1:
            below.setdefault(stack[-1][1] if stack else "", []).append(match[3])
        stack.append((depth, match[3]))
    return [
        f"{name or 'top level'}: {len(keys)} ({_names(keys)})"
        for name, keys in below.items()
        if len(keys) > 1
    ]


def _markdown(lines: Sequence[str]) -> list[str]:
    heads = [line for line in lines if re.match(r"#{1,6} ", line)]
    boxes = [line for line in lines if re.match(r"\s*[-*+] \[[ xX]\]", line)]
    points = [line for line in lines if re.match(r"\s*([-*+]|\d+[.)]) ", line)]
    said = [f"{count(len(heads), 'heading')}"] if heads else []
    if points:
        said.append(f"{count(len(points), 'point')} in lists")
    if boxes:
        ticked = sum("[ ]" not in line for line in boxes)
        said.append(f"{len(boxes)} boxes, {ticked} ticked")
    return said


def _definitions(content: str) -> list[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return []
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    made = [node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    said = [f"{count(len(made), 'function')} or methods ({_names(made)})"] if made else []
    return said + ([f"{count(len(classes), 'class')} ({_names(classes)})"] if classes else [])


def _alike(lines: Sequence[str]) -> list[str]:
    """Lines that begin with the same call or word, at least three."""
    begins = Counter(
        match[1] for line in lines if (match := re.match(r"\s*(?:\w+ = )?([\w.$]+\(|[A-Za-z]\w+(?= ))", line))
    )
    return [
        f"{number} × {begin}" + ("…)" if begin.endswith("(") else " …")
        for begin, number in begins.most_common(4)
        if number >= 3
    ][::-1]


def _names(names: Sequence[str]) -> str:
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
