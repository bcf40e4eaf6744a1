"""`orch edge`: the light node, in any terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import one_line, plain

if TYPE_CHECKING:
    from orchestrator.edge_node import Edge

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Folder = Annotated[
    Path | None,
    typer.Option("--project", help="Folder to ask about (default: this one).", show_default=False),
]
Model = Annotated[str | None, typer.Option(help="Local model, or auto.", autocompletion=complete_models)]


@app.callback(invoke_without_command=True, epilog="Example: orch edge --project ~/heron")
def edge(context: typer.Context, project: Folder = None, model: Model = None) -> None:
    """Ask from a phone: the desktop of this network, else the hub, else the local model answers.

    /private before a prompt keeps it on this machine; /quit or Ctrl+D leaves. There are no tools here.
    """
    if context.invoked_subcommand is not None:
        return
    from orchestrator.commands.chat import history, leave, take_pastes_whole

    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("A session needs a terminal.", 'Without one, use `orch edge ask "PROMPT"`.')
    take_pastes_whole()
    with asyncio.Runner() as runner, history():
        signal.signal(signal.SIGTERM, leave)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, leave)
        _session(runner, project or Path(), model)


@app.command(epilog="Example: orch edge ask 'What did we decide about the cache?'")
def ask(
    prompt: Annotated[str | None, typer.Argument(help="What to ask; without it, stdin is read.")] = None,
    project: Folder = None,
    model: Model = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON event a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.")] = False,
    sync: Annotated[bool, typer.Option(help="Sync in the background afterwards.")] = True,
) -> None:
    """Ask once. The answer goes to stdout, who gives it and why to stderr."""
    from orchestrator.commands.ask import prompt_text

    text = prompt_text(prompt, "orch edge ask")
    code = asyncio.run(_ask(text, project or Path(), model, json_=json_, quiet=quiet, sync=sync))
    raise typer.Exit(code)


@app.command(epilog="Example: orch edge status --json")
def status(json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Who could answer now, and how quickly each did."""
    from orchestrator.edge_node import ways
    from orchestrator.paths import home

    found = asyncio.run(ways(home()))
    if json_:
        print(json.dumps({"ways": [asdict(way) for way in found]}))
        return
    for way in found:
        speed = f"{way.tokens_per_second:.1f} tokens/s" if way.tokens_per_second else "not measured yet"
        state = "ready" if way.reachable else way.why_not
        typer.echo(one_line(f"{way.name} ({way.kind}{', ' + way.url if way.url else ''}): {state}, {speed}"))


async def _ask(text: str, folder: Path, model: str | None, *, json_: bool, quiet: bool, sync: bool) -> int:
    """Exit code: 0 answered, 1 failed, 130 interrupted."""
    from orchestrator.commands.once import once, renderer
    from orchestrator.edge_node import edge_node

    async with edge_node(folder, model) as node:
        try:
            shown = renderer(as_json=json_, quiet=quiet)
            return await once(node.session, node.turn(text), node.notices, shown)
        finally:
            if sync:
                node.sync(node.backend.reached)


def _session(runner: asyncio.Runner, folder: Path, model: str | None) -> None:
    from orchestrator.commands.console import Plain
    from orchestrator.commands.running import play
    from orchestrator.edge_node import edge_node

    renderer = Plain(sys.stdout, sys.stderr)
    manager = edge_node(folder, model)
    node = runner.run(manager.__aenter__())
    reason = "failed"
    try:
        for notice in node.notices:
            renderer.show(notice)
        runner.run(play(node.session.open(), renderer))
        node.sync()
        _talk(runner, node, renderer)
        reason = "done"
    finally:
        try:
            for event in runner.run(node.session.close(reason)):
                renderer.show(event)
            node.sync(node.backend.reached)
        finally:
            runner.run(manager.__aexit__(None, None, None))


def _talk(runner: asyncio.Runner, node: Edge, renderer: object) -> None:
    """Read prompts until the user leaves."""
    from orchestrator.agent.session import PRIVATE
    from orchestrator.commands.chat import read_prompt

    left = False  # Ctrl+C at an empty prompt: the second one leaves
    while True:
        try:
            line = read_prompt()
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            if left:
                print(file=sys.stderr)
                return
            left = True
            print("\n(Ctrl+C again to leave, or /quit)", file=sys.stderr)
            continue
        left = False
        if not line.strip():
            continue
        if line.strip() in ("/quit", "/exit"):
            return
        if line.startswith("/") and line.split()[0] != PRIVATE.strip():
            print("Here are /private PROMPT and /quit; all else is a prompt.", file=sys.stderr)
            continue
        try:
            runner.run(_turn(node, line, renderer))
        except OrchError as error:
            print(f"orch: {plain(str(error))}", file=sys.stderr)
        node.sync(node.backend.reached)


async def _turn(node: Edge, line: str, renderer: object) -> None:
    from orchestrator.commands.console import Plain
    from orchestrator.commands.running import Interrupts, play

    assert isinstance(renderer, Plain)
    with Interrupts(node.session).caught(), contextlib.suppress(asyncio.CancelledError):
        try:
            await play(node.turn(line), renderer)
        finally:
            renderer.end_line()
