"""`orch doctor`: what is there, what is missing, what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from orchestrator.terminal import one_line

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_MARKS = {"ok": "ok  ", "warning": "warn", "missing": "MISS"}
_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "missing": typer.colors.RED}


@app.command(epilog="Example: orch doctor --json")
def doctor(json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Say what is there, what is missing and what to do. Exit code 1 when sessions cannot work."""
    from orchestrator.commands.checks import Finding, findings
    from orchestrator.paths import home

    found: list[Finding] = []
    for one in findings(home()):
        found.append(one)
        if not json_:
            _show(one.what, one.state, one.text, one.remedy)
    works = all(one.state != "missing" for one in found)
    if json_:
        typer.echo(json.dumps({"works": works, "checks": [asdict(one) for one in found]}, indent=2))
    else:
        typer.echo("Sessions can work." if works else "Sessions cannot work until what is missing is there.")
    if not works:
        sys.exit(1)


def _show(what: str, state: str, text: str, remedy: str) -> None:
    # click takes the colour away when stdout is not a terminal
    typer.echo(f"{typer.style(_MARKS[state], fg=_COLOURS[state])}  {what:<10} {one_line(text)}")
    if remedy:
        typer.echo(f"{'':18}{one_line(remedy)}")
