"""`orch model`: list, get, choose and test models."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands import snapshots
from orchestrator.commands.complete import complete_models
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.models.trial import Tried
    from orchestrator.ports import Backend

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="List, get, choose and test models.",
    epilog="Example: orch model pull qwen2.5-coder-0.5b",
)
app.add_typer(snapshots.app, name="snapshots")


def _complete_known(incomplete: str) -> list[tuple[str, str]]:
    from orchestrator.models import catalog

    return [(m.name, m.title) for m in catalog.models() if m.name.startswith(incomplete)]


def _complete_installed(incomplete: str) -> list[str]:
    from orchestrator.models import installed
    from orchestrator.paths import home

    return [one.name for one in installed.listing(home()) if one.name.startswith(incomplete)]


@app.command("list", epilog="Example: orch model list --json")
def list_(json_: Annotated[bool, typer.Option("--json", help="As a JSON array.")] = False) -> None:
    """Show the models: those here, those that can be pulled, and which one is used."""
    from orchestrator.commands.model_list import rows, show
    from orchestrator.paths import home

    found = rows(home())
    if json_:
        typer.echo(json.dumps(found, indent=2))
    else:
        show(found)


@app.command(epilog="Example: orch model pull qwen2.5-coder-1.5b")
def pull(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `orch model list`; `auto` gets what suits this machine; `ollama:NAME` by Ollama.",
            autocompletion=_complete_known,
        ),
    ],
) -> None:
    """Get a model: from Ollama or this disk if it is there, else over the network. Resumes."""
    from orchestrator.commands.progress import Bar
    from orchestrator.models import catalog, installed
    from orchestrator.models.download import pull as download
    from orchestrator.models.select import suited
    from orchestrator.paths import home

    if name.startswith("ollama:"):
        return _pull_by_ollama(name.removeprefix("ollama:"))
    where = home()
    name = suited() if name == "auto" else name
    model = catalog.find(name)
    if model is None:
        if installed.is_name(name) and (one := installed.find(where, name)):
            installed.verify(where, one)
            typer.echo(f"{one.name} is here: {plain(str(one.path))}")
            return
        raise catalog.unknown(name)
    try:
        with Bar(model.name) as bar:
            pulled = download(model, where, progress=bar.update, say=bar.say)
    except KeyboardInterrupt:
        print(f"Stopped. `orch model pull {name}` goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None
    state = "is here" if pulled.already else "is here now, checksum verified"
    if pulled.pinned:
        state = f"is here now; no checksum was known, so this one is pinned: {pulled.model.sha256}"
    typer.echo(f"{model.name} {state}: {plain(str(pulled.model.path))}")


def _pull_by_ollama(name: str) -> None:
    from orchestrator.commands.progress import Bar
    from orchestrator.models.elsewhere import ollama_url
    from orchestrator.models.ollama_pull import pull as fetch

    try:
        with Bar(name) as bar:
            asyncio.run(fetch(name, ollama_url(), bar.update, bar.say))
    except KeyboardInterrupt:
        print(f"Stopped. `orch model pull ollama:{name}` goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None
    typer.echo(f"Ollama has {plain(name)} now. `orch model use ollama:{plain(name)}` chooses it.")


@app.command(epilog="Example: orch model use qwen2.5-coder-0.5b")
def use(
    name: Annotated[
        str,
        typer.Argument(
            help="A model that is here, `auto`, `ollama:NAME`, `openai:NAME`, or a path to a GGUF.",
            autocompletion=complete_models,
        ),
    ],
) -> None:
    """Choose the model for every session from now on."""
    from orchestrator import config
    from orchestrator.errors import NoModel
    from orchestrator.models.select import choose
    from orchestrator.paths import home
    from orchestrator.wiring import RUNNABLE

    where = home()
    choice = None
    try:
        choice = choose(name, where, kinds=RUNNABLE)
    except NoModel:
        if name != "auto":
            raise
    if choice and choice.why == "the file was asked for":
        name = str(choice.path)  # it is to be found from any folder
    config.store(where.config, "model.name", name)
    now = f" Now that is {choice.name}: {choice.why}." if choice and name == "auto" else ""
    typer.echo(plain(f"Sessions use {name}.{now}"))


@app.command(epilog="Example: orch model rm qwen2.5-coder-0.5b")
def rm(
    name: Annotated[str, typer.Argument(help="A model that is here.", autocompletion=_complete_installed)],
) -> None:
    """Delete a model from this disk, with any partial download of it."""
    from orchestrator import config
    from orchestrator.models import catalog, installed
    from orchestrator.models.machine import size_text
    from orchestrator.paths import home

    where = home()
    there = installed.is_name(name) and (installed.find(where, name) or installed.partial_bytes(where, name))
    if not there:
        if catalog.find(name):
            typer.echo(f"{name} is not on this disk; nothing to delete.")
            return
        raise catalog.unknown(name, (one.name for one in installed.listing(where)))
    freed = installed.remove(where, name)
    held = "" if freed else " Its bytes stay, because another file on this disk shares them."
    typer.echo(f"{name} is deleted, {size_text(freed)} freed.{held}")
    if (pin := installed.pin_of(where, name)).exists():
        typer.echo(plain(f"The checksum it must have stays in {pin}; delete that too to trust another file."))
    if config.load(where.config).model.name == name:
        typer.echo(f"It was the one in use: run `orch model use auto`, or pull {name} again.")


@app.command(epilog="Example: orch model add ~/Downloads/my-model.gguf --name mine")
def add(
    file: Annotated[Path, typer.Argument(help="A GGUF file.", dir_okay=False)],
    name: Annotated[str, typer.Option(help="Its name here (default: from the file).")] = "",
) -> None:
    """Register a GGUF of your own. It is linked where the disk allows, else copied."""
    from orchestrator.commands.progress import Bar
    from orchestrator.models.adopt import add as register
    from orchestrator.paths import home

    with Bar(file.name) as bar:
        one = register(home(), file.expanduser(), name, bar.update)
    typer.echo(f"{one.name} is here: {plain(str(one.path))}")


@app.command(epilog="Example: orch model tune qwen2.5-coder-0.5b")
def tune(
    name: Annotated[
        str, typer.Argument(help="A model on this disk, or `auto`.", autocompletion=complete_models)
    ] = "auto",
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Find how a model runs quickest on this machine: threads, batch, flash attention, cache, GPU layers.

    Takes a minute or two. What it finds is kept for sessions, until the machine or llama.cpp changes.
    """
    from orchestrator.commands import model_tune
    from orchestrator.paths import home

    model_tune.run(name, home(), as_json=json_)


@app.command("test", epilog="Example: orch model test qwen2.5-coder-0.5b")
def try_(
    name: Annotated[
        str,
        typer.Argument(
            help="A model that is here, `auto`, `ollama:NAME` or `openai:NAME`.",
            autocompletion=complete_models,
        ),
    ] = "auto",
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object (models on servers).")] = False,
) -> None:
    """Load a model and try it: times, tokens a second, and whether it chooses the right tool.

    A model on a server is tried in every way that it can be asked for calls, and the best is kept.
    """
    from orchestrator import backends, config, wiring
    from orchestrator.models import installed
    from orchestrator.models.select import choose
    from orchestrator.paths import home

    where = home()
    choice = choose(name, where, kinds=wiring.RUNNABLE)
    if choice.path.parent == where.models and (one := installed.find(where, choice.name)):
        installed.verify(where, one, again=True)  # a bit that rotted changes neither size nor time
        _show("checksum", "right")
    settings = config.load(where.config)
    if choice.kind in ("ollama", "openai"):
        from orchestrator.commands import model_probe

        model = backends.served(choice, settings, where)
        asyncio.run(model_probe.run(model, backends.abilities(where), as_json=json_))
        return
    asyncio.run(_try(wiring.backend(name, settings, where)))


async def _try(backend: Backend) -> None:
    from orchestrator.models.trial import Tried, generation_rate, trial

    tried: list[Tried] = []
    try:
        async for part in trial(backend):
            if isinstance(part, Tried):
                tried.append(part)
                typer.echo(_line(part))
            else:
                _show("model", f"{plain(part.name)}, {part.context_size} tokens of context")
                _show("load", f"{part.load_ms / 1000:.2f} s")
    finally:
        await backend.close()
    first, last = tried[0].usage, tried[-1].usage
    _show("first token, cold", f"{first.time_to_first_token_ms / 1000:.2f} s")
    _show("first token, warm", f"{last.time_to_first_token_ms / 1000:.2f} s")
    _show("generation", f"{generation_rate(tried):.1f} tokens/s")
    _show("tool choice", f"{sum(one.right for one in tried)} of {len(tried)}")


def _line(one: Tried) -> str:
    if one.right:
        return f"  ok  {one.prompt} -> {one.wanted}"
    return f"  no  {one.prompt} -> {one.wanted}, not {plain(one.chosen) or 'half a call'}"


def _show(what: str, value: str) -> None:
    typer.echo(f"{what:<20}{value}")
