"""`orch` alone: the terminal app."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.session_mode import SessionMode, mode_of
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.tui.app import OrchApp
    from orchestrator.tui.node import Wish

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example: orch app --project ~/code/heron --mode workspace")
def open_app(
    project: Annotated[
        Path | None,
        typer.Option(help="Folder to work in (default: this one).", show_default=False, readable=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    mode: Annotated[SessionMode | None, typer.Option(help="What may happen without a question.")] = None,
) -> None:
    """Open the terminal app: chat, tool trace, terminal, memory log, projects."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The app needs a terminal.", 'Without one, use `orch ask "PROMPT"`.')
    gc.disable()  # until everything is loaded: a tenth of the start would go into looking for garbage
    from orchestrator.tui.node import Wish

    error = asyncio.run(_run(Wish(project or Path(), model, mode_of(mode))))
    if error is not None:
        raise error


async def _run(wish: Wish) -> Exception | None:
    """Run the app to its end, then the session to its: the terminal is free while the log is written."""
    from orchestrator.config import load
    from orchestrator.local_node import LocalNode
    from orchestrator.paths import home
    from orchestrator.tui.app import OrchApp

    theme = load(home().config).app.theme
    node = LocalNode()
    try:
        app = OrchApp(node, wish, theme=theme)
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name) and sys.platform != "win32":
                loop.add_signal_handler(getattr(signal, name), app.exit)
        collecting = asyncio.create_task(_collect_garbage(app))
        try:
            await app.run_async()
        finally:
            collecting.cancel()
            await app.dialogs.close()
            await app.conductor.close()
        return app.defect or app.conductor.unwritten
    finally:
        node.close()


async def _collect_garbage(app: OrchApp) -> None:
    """From now on; seldom of what is old: looking through all of it takes longer than a key may wait."""
    await app.main.furnished.wait()
    gc.freeze()
    gc.set_threshold(2_000, 4, 200)
    gc.enable()
