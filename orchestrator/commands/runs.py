"""`orch runs`: what autonomous runs do and did, from any terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.run_ids import complete_runs

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    epilog="Example: orch runs stop 3f9c2a1b",
)
Identity = Annotated[
    str, typer.Argument(metavar="ID", help="First characters of a run's id.", autocompletion=complete_runs)
]
Project = Annotated[
    Path | None,
    typer.Option(help="Folder of the project (default: this one).", show_default=False, readable=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]


@app.callback()
def runs(context: typer.Context, project: Project = None, as_json: AsJson = False) -> None:
    """List the runs of this project, and see to them."""
    if context.invoked_subcommand is None:
        _list(project, as_json)


@app.command("list", epilog="Example: orch runs list --json")
def list_(project: Project = None, as_json: AsJson = False) -> None:
    """List them, the newest first."""
    _list(project, as_json)


@app.command(epilog="Example: orch runs show 3f9c2a1b")
def show(identity: Identity, project: Project = None, as_json: AsJson = False) -> None:
    """The report: what was done, on which evidence, what the check said, what is left."""
    from orchestrator.auto_node import runs_of
    from orchestrator.autonomy.state import to_body
    from orchestrator.terminal import plain

    with runs_of(project or Path()) as known:
        run = known.find(identity)
        if as_json:
            work = known.work(run)
            commits = [{"id": one, "subject": subject} for one, subject in work.commits]
            told = {"run": run.run, **to_body(run, "run"), "alive": work.alive, "commits": commits}
            print(json.dumps(told))
        else:
            typer.echo(plain(known.report(run)), nl=False)


@app.command(epilog="Example: orch runs stop 3f9c2a1b")
def stop(identity: Identity, project: Project = None) -> None:
    """End a run at its next safe point; its work stays on its branch."""
    _ask(identity, project, "stop")


@app.command(epilog="Example: orch runs pause 3f9c2a1b")
def pause(identity: Identity, project: Project = None) -> None:
    """Let a run rest; you may work in its worktree meanwhile, and `resume` takes that over."""
    _ask(identity, project, "pause")


@app.command(epilog="Example: orch runs resume 3f9c2a1b")
def resume(
    identity: Identity,
    project: Project = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON event a line.")] = False,
) -> None:
    """Go on here with a run that was paused or killed, or that ended and got another budget."""

    async def go_on() -> int:
        from orchestrator.auto_node import resuming
        from orchestrator.commands.run_show import played

        async with resuming(project or Path(), identity, model) as run:
            return await played(run, as_json=as_json)

    raise typer.Exit(asyncio.run(go_on()))


@app.command(epilog="Example: orch runs edit 3f9c2a1b")
def edit(
    identity: Identity,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take this text instead of an editor; - reads stdin.")
    ] = None,
    project: Project = None,
) -> None:
    """Change a run's goal, check, budget or steps; it goes on with that at its next safe point."""
    from orchestrator.auto_node import runs_of
    from orchestrator.autonomy.plan import render
    from orchestrator.commands.editor import edited
    from orchestrator.errors import UsageError

    with runs_of(project or Path()) as known:
        run = known.find(identity)
        before = render(run.plan)
        if file is None:
            text = edited(before)
        else:
            try:
                text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"{file} cannot be read: {error}.", "Name a text file.") from error
        if text is None or text.strip() in ("", before.strip()):
            typer.echo("Nothing was changed.")
            return
        known.edit(run.run, text)
        typer.echo(f"The plan of run {run.run[:8]} is as you wrote it.")


def _ask(identity: str, project: Path | None, wanted: str) -> None:
    from orchestrator.auto_node import runs_of

    with runs_of(project or Path()) as known:
        run = known.find(identity)
        known.ask(run.run, "stop" if wanted == "stop" else "pause")
        alive = known.work(run).alive
        typer.echo(
            f"Run {run.run[:8]} will {wanted} at its next safe point."
            if alive
            else f"Run {run.run[:8]} is not at work; it will {wanted} should it go on."
        )


def _list(project: Path | None, as_json: bool) -> None:
    from orchestrator.auto_node import runs_of
    from orchestrator.autonomy.report import Work, standing
    from orchestrator.terminal import one_line

    with runs_of(project or Path()) as known:
        found = known.all()
    for one in found:
        state = one.state
        stands = standing(state, Work(alive=one.alive, here=one.here))
        if as_json:
            told = {"run": state.run, "goal": state.plan.goal, "phase": state.phase, "alive": one.alive}
            why = state.ending.why if state.ending else ""
            print(
                json.dumps({**told, "ending": why, "steps": state.spent.steps, "branch": state.facts.branch})
            )
            continue
        began = one_line(state.facts.began[:16]).replace("T", " ")
        typer.echo(f"{state.run[:8]}  {began}  {one_line(state.plan.goal, 80)}")
        typer.echo(f"          {one_line(stands, 100)}")
    if not found and not as_json:
        typer.echo('There are no runs here. Start one: orch run "GOAL" --check COMMAND')
