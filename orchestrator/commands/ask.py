"""`orch ask`: one prompt, headless."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.session_mode import SessionMode, mode_of
from orchestrator.errors import ConfigError, UsageError

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _as_setting(key: str) -> Callable[[float | None], float | None]:
    """The limits of an option are those of the setting it stands for."""

    def check(value: float | None) -> float | None:
        from orchestrator import config

        try:
            if value is not None:
                config.change(config.Settings(), key, value)
        except ConfigError as error:
            raise typer.BadParameter(error.message) from error
        return value

    return check


EXAMPLE = "Example: orch ask 'Which function raises QuotaExceeded?' --project ~/code/heron"


@app.command(epilog=EXAMPLE)
def ask(
    prompt: Annotated[str | None, typer.Argument(help="What to ask; without it, stdin is read.")] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Folder to work in (default: this one).", show_default=False, readable=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    mode: Annotated[SessionMode | None, typer.Option(help="What may happen without a question.")] = None,
    approve: Annotated[
        Literal["never", "always"] | None,
        typer.Option(help="Answer for you what the mode would ask (default: ask in a terminal, else never)."),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(callback=_as_setting("agent.max_steps"), help="Most tool calls before the answer."),
    ] = None,
    context_budget: Annotated[
        int | None,
        typer.Option(callback=_as_setting("context.project"), help="Tokens for the project's documents."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(callback=_as_setting("model.temperature"), help="0 is greedy and repeatable."),
    ] = None,
    cold: Annotated[
        bool, typer.Option("--cold", help="Read and write no snapshot, to compare with a warm start.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON event a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.")] = False,
) -> None:
    """Ask the model once. The answer goes to stdout, tool calls to stderr."""
    from orchestrator.wiring import Options

    text = prompt_text(prompt)
    options = Options(
        project=project or Path(),
        model=model,
        mode=mode_of(mode),
        max_steps=max_steps,
        context_budget=context_budget,
        temperature=temperature,
        cold=cold,
    )
    code = asyncio.run(_ask(text, options, approve, json_=json_, quiet=quiet))
    raise typer.Exit(code)


def prompt_text(prompt: str | None, command: str = "orch ask") -> str:
    """The prompt of the command line, or of stdin. Raises `UsageError`."""
    if prompt in (None, "-"):
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("There is no prompt.", f'Say `{command} "PROMPT"`, or pipe one in.')
        prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    assert prompt is not None
    if not (text := prompt.strip().encode("utf-8", "replace").decode()):
        raise UsageError("The prompt is empty.", f'Say `{command} "PROMPT"`, or pipe one in.')
    return text


async def _ask(text: str, options: object, approve: str | None, *, json_: bool, quiet: bool) -> int:
    """Exit code: 0 answered, 1 failed, 130 interrupted."""
    from orchestrator import wiring
    from orchestrator.commands.approve import approver
    from orchestrator.commands.once import once, renderer

    assert isinstance(options, wiring.Options)
    async with wiring.desktop(options, approver(approve)) as desktop:
        session = desktop.session
        shown = renderer(as_json=json_, quiet=quiet)
        return await once(session, session.turn(text), desktop.notices, shown)
