"""`orch warm`: make the next session's first answer quick."""

from __future__ import annotations

import asyncio
import json
import sys
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.agent.warming import Warmer
    from orchestrator.config import Settings
    from orchestrator.paths import Home
    from orchestrator.types import Warmed
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_QUIET_S = 3  # nobody waited for the model this long
_PATIENCE_S = 600  # a background process that finds no quiet gives up
_WAIT_S = 120
_ROOM = 1.5  # of the model's size must be free


@app.command(epilog="Example: orch warm --project ~/code/heron")
def warm(
    project: Annotated[
        Path | None,
        typer.Option(help="The project's folder (default: this one).", show_default=False, readable=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every project that is known here.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a project.")] = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
) -> None:
    """Prefill a project's documents now, so that the next session answers at once.

    Sessions do the same in the background when they end (setting snapshots.prewarm).
    """
    from orchestrator.config import load
    from orchestrator.paths import home

    if all_ and project:
        raise UsageError("--all and --project exclude each other.", "Leave one of them out.")
    if background:
        _in_background(project or Path(), model)
        return
    where = home()
    settings = load(where.config)
    targets = _known(where) if all_ else [_target(project or Path())]
    name = model or settings.model.name
    try:
        asyncio.run(_warm(targets, name, settings, where, json_=json_))
    except KeyboardInterrupt:
        print("Stopped. What was read so far is kept; `orch warm` goes on from there.", file=sys.stderr)
        raise SystemExit(130) from None


@dataclass(frozen=True)
class _Target:
    """A project, or None for a folder that is none yet: there only the base can be warmed."""

    project: Project | None
    name: str


def _target(folder: Path) -> _Target:
    from orchestrator.workspaces import find_project

    path = folder.expanduser().absolute()
    if not path.is_dir():
        raise UsageError(f"{folder} is not a folder.", "Name an existing folder.")
    project = find_project(path)
    return _Target(project, project.name if project else path.name)


def _known(where: Home) -> list[_Target]:
    from orchestrator.workspaces import Registry

    found = []
    for known in Registry(where).projects():
        there = next((Path(path) for path in known.paths if Path(path).is_dir()), None)
        if there:
            found.append(_target(there))
    return found or [_Target(None, "new projects")]


async def _warm(
    targets: Sequence[_Target], name: str, settings: Settings, where: Home, *, json_: bool
) -> None:
    from orchestrator import wiring
    from orchestrator.journal.lock import FileLock
    from orchestrator.models.busy import Busy

    where.run.mkdir(parents=True, exist_ok=True)
    backend = wiring.backend(name, settings, where)
    try:
        warmer = wiring.warmer(backend, settings)
        # A background process steps aside for whoever holds this, and lets go of the other.
        with Busy(where.busy).held(), FileLock(_lock(where, name), _WAIT_S):
            info = await backend.start()
            for target in targets:
                ended = await _one(warmer, target, where, shown=not json_)
                _say(target, ended, info.name, json_=json_)
    finally:
        await backend.close()


async def _one(
    warmer: Warmer, target: _Target, where: Home, *, shown: bool = False, yields: bool = False
) -> Warmed:
    from orchestrator import wiring
    from orchestrator.commands.token_bar import TokenBar
    from orchestrator.config import load
    from orchestrator.types import EVERYBODY, Owner, Prefill, Warmed

    documents = wiring.readable(target.project, load(where.config), where)
    owner = Owner(target.project.id, str(target.project.root)) if target.project else EVERYBODY
    ended: Warmed | None = None
    with TokenBar(target.name) if shown else nullcontext() as bar:
        async for item in warmer.warm(documents, owner, yields=yields):
            if isinstance(item, Warmed):
                ended = item
            elif isinstance(item, Prefill) and bar and item.total:
                bar.update(item.done, item.total, item.cached)
    assert ended is not None
    return ended


def _say(target: _Target, ended: Warmed, model: str, *, json_: bool) -> None:
    if json_:
        fields = {
            "project": str(target.project.root) if target.project else None,
            "model": model,
            "tokens": ended.tokens,
            "cached": ended.cached,
            "prefilled": ended.tokens - ended.cached,
            "reason": ended.reason,
        }
        print(json.dumps(fields), flush=True)
        return
    what = plain(target.name) if target.project else f"{plain(target.name)} (no documents yet)"
    new = ended.tokens - ended.cached
    done = f"{new:,} of them read now" if new else "as before"
    typer.echo(f"{what}: {ended.tokens:,} tokens are ready for {model}, {done}.")


def _lock(where: Home, *names: str) -> Path:
    """One a model, or one a model and project; names may hold anything."""
    return where.run / f"warm-{zlib.crc32(repr(names).encode('utf-8', 'replace')):08x}.lock"


# --- in the background ------------------------------------------------------------------------------


def _in_background(folder: Path, model: str | None) -> None:
    """What nobody waits for, and nobody hears of."""
    from orchestrator.config import load
    from orchestrator.models.background import step_aside
    from orchestrator.paths import home

    step_aside()
    try:
        where = home()
        settings = load(where.config)
        asyncio.run(_patiently(_target(folder), model or settings.model.name, settings, where))
    except (OrchError, OSError):
        raise SystemExit(1) from None


async def _patiently(target: _Target, name: str, settings: Settings, where: Home) -> None:
    """Wait for quiet, warm, and begin again where somebody came in between."""
    from orchestrator.journal.lock import FileLock
    from orchestrator.models.busy import Busy
    from orchestrator.models.threads import usable_cores

    waiting = FileLock(_lock(where, name, target.project.id if target.project else ""))
    where.run.mkdir(parents=True, exist_ok=True)
    if not waiting.try_acquire():
        return  # another one will read the same documents
    threads = settings.model.threads or usable_cores()  # calibrated here, they would be too few
    settings = replace(settings, model=replace(settings.model, threads=threads))
    busy, warming, quiet = Busy(where.busy), FileLock(_lock(where, name)), 0
    for _ in range(_PATIENCE_S):
        quiet = 0 if busy.somebody() else quiet + 1
        if quiet >= _QUIET_S and warming.try_acquire():
            try:
                if await _once(target, name, settings, where) != "stopped":
                    return
            finally:
                warming.release()
            quiet = 0
        await asyncio.sleep(1)


async def _once(target: _Target, name: str, settings: Settings, where: Home) -> str:
    """The reason why it ended; "done" also where another model in memory would be one too many."""
    from orchestrator import wiring
    from orchestrator.models.llama import LlamaBackend
    from orchestrator.models.machine import free_memory

    backend = wiring.backend(name, settings, where)
    free = free_memory()
    if isinstance(backend, LlamaBackend) and free and free < backend.path.stat().st_size * _ROOM:
        return "done"
    try:
        return (await _one(wiring.warmer(backend, settings), target, where, yields=True)).reason
    finally:
        await backend.close()
