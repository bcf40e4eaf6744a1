"""`orch model test` for a model that a server runs: every dialect tried, the best one kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.models.abilities import AbilityStore, Known
    from orchestrator.models.probe import Trial
    from orchestrator.models.served import ServedBackend
    from orchestrator.types import ModelInfo

_TITLES = ("dialect", "thinking", "right tool", "first token", "tokens/s", "")
_NAMES = {
    "grammar": "JSON under a grammar",
    "schema": "JSON under a schema",
    "native": "tool calls of the server",
}


async def run(backend: ServedBackend, store: AbilityStore, *, as_json: bool) -> None:
    """Try it, print what was found, and keep it. Raises `ModelError`."""
    from orchestrator.models.probe import Trial, known, probe
    from orchestrator.models.trial import PROMPTS, Tried
    from orchestrator.types import ModelInfo

    trials: list[Trial] = []
    info: ModelInfo | None = None
    done = 0
    try:
        async for part in probe(backend):
            if isinstance(part, ModelInfo):
                info = part
            elif isinstance(part, Trial):
                trials.append(part)
                done = 0
            elif isinstance(part, Tried):
                done += 1
                _waiting(f"trying {backend.dialect}: {done}/{len(PROMPTS)} ")
    finally:
        _waiting("")
        await backend.close()
    assert info is not None
    served = (backend.wire.server, backend.wire.model, backend.digest)
    found = known(
        trials,
        info.context_size,
        store.get(*served).factor,
        datetime.now().astimezone().isoformat("T", "seconds"),
    )
    store.put(*served, found)
    if as_json:
        typer.echo(json.dumps(_as_json(info, trials, found), indent=2))
    else:
        _show(info, trials, found)


def _as_json(info: ModelInfo, trials: Sequence[Trial], found: Known) -> dict[str, Any]:
    about = {"model": info.name, "server": info.server, "sent_to": info.sent_to}
    return {**about, **asdict(found), "trials": [asdict(one) for one in trials]}


def _show(info: ModelInfo, trials: Sequence[Trial], found: Known) -> None:
    rows = [("model", one_line(info.name)), ("server", one_line(info.server))]
    rows += [
        ("prompts", f"leave this machine for {info.sent_to}" if info.sent_to else "stay on this machine")
    ]
    rows += [("window", f"{info.context_size:,} tokens")]
    if found.thinking:
        rows.append(("thinking", found.thinking))
    for name, value in rows:
        typer.echo(f"{name:<20}{value}")
    _table([_row(one) for one in trials])
    if found.dialect is None:
        typer.echo("No dialect works with this model; sessions try the first.")
    else:
        typer.echo(f"Sessions use {found.dialect}: {_name(found.dialect)}.")


def _row(one: Trial) -> tuple[str, ...]:
    return (
        one.dialect,
        "yes" if one.thinking else "no",
        f"{one.right} of {one.asked}",
        f"{one.first_token_ms / 1000:.2f} s",
        f"{one.tokens_per_second:.1f}",
        one_line(one.error, 60),
    )


def _name(dialect: str) -> str:
    return _NAMES.get(dialect, "JSON without a constraint")


def _table(rows: list[tuple[str, ...]]) -> None:
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*_TITLES, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(line[i]) for line in (_TITLES, *rows)) for i in range(len(_TITLES))]
    for line in (_TITLES, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _waiting(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60}\r{text}", end="", file=sys.stderr, flush=True)
