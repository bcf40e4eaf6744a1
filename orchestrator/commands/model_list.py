"""The rows of `orch model list`, and how they look."""

from __future__ import annotations

import sys
from typing import Any

from orchestrator.paths import Home
from orchestrator.terminal import one_line


def rows(home: Home) -> list[dict[str, Any]]:
    """One object a model: the catalogue in its order, then models that were added, then others of Ollama.

    `state` is "installed", "partial", "ollama" or "available"; `downloaded` is in bytes; `used`
    is true for the one that the next session would run.
    """
    from orchestrator import config
    from orchestrator.errors import NoModel, UsageError
    from orchestrator.models import catalog, elsewhere, installed, select
    from orchestrator.wiring import RUNNABLE

    here = {one.name: one for one in installed.listing(home)}
    by_ollama = elsewhere.ollama_listing() or ()
    served = {one.name for one in by_ollama}
    setting = config.load(home.config).model.name
    try:
        choice = select.locate(setting, home, kinds=RUNNABLE, served=lambda: tuple(served))
        used = _row_of(choice.kind, choice.name)
    except (NoModel, UsageError):
        used = ""
    found = [
        _row(model, here.pop(model.name, None), installed.partial_bytes(home, model.name), served)
        for model in catalog.models()
    ]
    found += [_added(one) for one in here.values()]
    known = {tag for model in catalog.models() for tag in model.ollama}
    found += [_on_ollama(one) for one in by_ollama if one.name not in known]
    return [{**row, "used": row["name"] == used, "by": setting} for row in found]


def _row_of(kind: str, name: str) -> str:
    """The row that a choice is; empty for a model of an OpenAI-style server."""
    from orchestrator.models import catalog

    if kind == "ollama":
        tag = name if ":" in name else f"{name}:latest"
        return next((model.name for model in catalog.models() if tag in model.ollama), f"ollama:{tag}")
    return "" if kind == "openai" else name


def _row(model: Any, one: Any, partial: int, served: set[str]) -> dict[str, Any]:
    state = "installed" if one else "partial" if partial else "available"
    if state == "available" and served.intersection(model.ollama):
        state = "ollama"
    return {
        "name": model.name,
        "title": model.title,
        "family": model.family,
        "parameters": model.parameters,
        "quantisation": model.quantisation,
        "context": model.context,
        "licence": model.licence,
        "bytes": one.bytes if one else model.bytes,
        "sha256": (one.sha256 if one else "") or model.sha256,
        "dialect": model.dialect,
        "state": state,
        "downloaded": one.bytes if one else partial,
        "path": str(one.path) if one else "",
    }


def _added(one: Any) -> dict[str, Any]:
    from orchestrator.errors import BadModelFile
    from orchestrator.models import gguf

    try:
        head = gguf.read(one.path)
    except BadModelFile:
        head = gguf.Head()
    return {
        "name": one.name,
        "title": head.name,
        "family": head.architecture,
        "parameters": head.parameters,
        "quantisation": "",
        "context": head.context,
        "licence": head.licence,
        "bytes": one.bytes,
        "sha256": one.sha256,
        "dialect": "",
        "state": "installed" if head.architecture else "damaged",
        "downloaded": one.bytes,
        "path": str(one.path),
    }


def _on_ollama(one: Any) -> dict[str, Any]:
    return {
        "name": f"ollama:{one.name}",
        "title": one.name,
        "family": one.family,
        "parameters": one.parameters,
        "quantisation": one.quantisation,
        "context": 0,
        "licence": "",
        "bytes": one.bytes,
        "sha256": "",
        "dialect": "",
        "state": "ollama",
        "downloaded": 0,
        "path": "",
    }


def show(found: list[dict[str, Any]]) -> None:
    """A table in a terminal, aligned columns elsewhere."""
    from orchestrator.models.machine import size_text

    titles = ("", "name", "parameters", "size", "licence", "state")
    lines: list[tuple[str, ...]] = [
        (
            "*" if row["used"] else "",
            one_line(row["name"], 60),
            one_line(row["parameters"], 12) or "?",
            size_text(row["bytes"]),
            one_line(row["licence"], 20) or "?",
            f"partial {row['downloaded'] * 100 // row['bytes']} %"
            if row["state"] == "partial"
            else row["state"],
        )
        for row in found
    ]
    if sys.stdout.isatty():
        _table(titles, lines)
    else:
        widths = [max(len(line[i]) for line in (titles, *lines)) for i in range(len(titles))]
        for line in (titles, *lines):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if any(row["used"] for row in found):
        print(f"* used by the next session (model.name is {one_line(found[0]['by'])})")
    elif found and found[0]["by"].startswith(("ollama:", "openai:")):
        print(f"The next session uses {one_line(found[0]['by'])} (model.name).")
    else:
        print("None is used yet: `orch model pull NAME`, then `orch model use NAME` or leave it to auto.")


def _state(row: dict[str, Any]) -> str:
    if row["state"] != "partial":
        return str(row["state"])
    return f"partial {row['downloaded'] * 100 // row['bytes']} %"


def _table(titles: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title == "size" else "left", no_wrap=title == "name")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line), style="bold" if line[0] else "")
    Console().print(table)
