"""`orch context`: what a session started now would have in its window."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.agent.prefix import Reading
    from orchestrator.config import Settings
    from orchestrator.paths import Home
    from orchestrator.ports import Backend
    from orchestrator.types import Owner
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: orch context --json --project ~/code/heron")
def context(
    project: Annotated[
        Path | None,
        typer.Option(help="The project's folder (default: this one).", show_default=False, readable=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    outbound: Annotated[
        str | None,
        typer.Option(
            metavar="PROMPT", help="Instead: what this prompt would send, exactly.", show_default=False
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show what is in the model's window: tokens by part, what was left out, and what is cached.

    Writes nothing. In a session, /context says the same with the conversation. With --outbound the request
    that goes to the model's server first is printed as JSON, secrets taken out; {} where nothing is sent.
    """
    if outbound is not None:
        typer.echo(json.dumps(asyncio.run(_sent(project or Path(), model, outbound)), indent=2))
        return
    from orchestrator.config import load
    from orchestrator.paths import home
    from orchestrator.workspaces import find_project

    where = home()
    settings = load(where.config)
    found = find_project(project or Path())
    report = asyncio.run(_report(found, model or settings.model.name, settings, where))
    typer.echo(json.dumps(report, indent=2) if json_ else plain("\n".join(_lines(report))))


async def _report(project: Project | None, name: str, settings: Settings, where: Home) -> dict[str, Any]:
    from orchestrator import wiring
    from orchestrator.agent.prefix import read
    from orchestrator.agent.tiers import KnownTiers
    from orchestrator.types import EVERYBODY, Owner

    backend = wiring.backend(name, settings, where)
    try:
        info = await backend.start()
        owner = Owner(project.id, str(project.root)) if project else EVERYBODY
        tiers = KnownTiers(wiring.readable(project, settings, where))
        reading = await read(backend, wiring.fixed(settings), tiers, settings.context, owner)
        start = await _start(backend, reading)
    finally:
        await backend.close()
    return {
        "project": str(project.root) if project else None,
        "model": info.name,
        "size": info.context_size,
        "used": reading.window.used,
        "parts": [asdict(part) for part in reading.window.parts],
        "left_out": [asdict(left) for left in reading.window.left_out],
        "next_session": start,
        "last_turn": _last_turn(owner, where) if project else None,
    }


async def _sent(project: Path, model: str | None, prompt: str) -> dict[str, Any]:
    """The body of the first request of a session with this prompt; its answer is not asked for."""
    from orchestrator import wiring
    from orchestrator.agent.approval import Never

    async with wiring.desktop(wiring.Options(project, model, cold=True), Never()) as desktop:
        return dict(await desktop.session.outbound(prompt))


async def _start(backend: Backend, reading: Reading) -> dict[str, int] | None:
    """What the next session reads before its first prompt; None for a model that keeps no snapshots."""
    from orchestrator.agent.warming import look
    from orchestrator.ports import Warmable

    if not isinstance(backend, Warmable):
        return None
    found = await look(backend, reading)
    cached = min(found.cached, found.tokens)
    return {"tokens": found.tokens, "cached": cached, "new": found.tokens - cached}


def _last_turn(owner: Owner, where: Home) -> dict[str, Any] | None:
    """Of the newest session that ended in this project."""
    from orchestrator.journal.store import SqliteJournal

    journal = SqliteJournal.open(where)
    try:
        ends = journal.records(project=owner.project, kinds=("session",), newest_first=True, limit=8)
        for record in ends:
            turn = (record.body or {}).get("last_turn")
            if isinstance(turn, dict):
                return {"session": journal.cite(record).partition("#")[0], **turn}
    finally:
        journal.close()
    return None


def _lines(report: dict[str, Any]) -> list[str]:
    from orchestrator.agent.window_report import lines, turn_line
    from orchestrator.types import LeftOut, Usage, WindowPart

    parts = [WindowPart(**part) for part in report["parts"]]
    left = [LeftOut(**one) for one in report["left_out"]]
    shown = [
        f"{report['model']} · {report['project'] or 'no project yet'}",
        *lines(parts, left, report["size"]),
    ]
    if start := report["next_session"]:
        shown.append(
            f"next session: {start['tokens']:,} tokens to start from, {start['cached']:,} of them ready, "
            f"{start['new']:,} to read"
        )
    if turn := report["last_turn"]:
        usage = Usage(turn["prompt_tokens"], turn["cached_tokens"], 0, turn["time_to_first_token_ms"])
        shown.append(f"{turn_line(usage)} [{turn['session']}]")
    return shown
