"""`orch run`: a goal pursued alone, in a worktree and a sandbox; and what becomes of its result."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.commands.run_ids import complete_runs
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.autonomy.wish import Wish

app = typer.Typer(rich_markup_mode=None, add_completion=False)
EXAMPLE = "Example: orch run 'Make the failing test pass' --check 'python -m pytest -q' --max-minutes 20"


@app.command(epilog=EXAMPLE)
def run(
    goal: Annotated[str | None, typer.Argument(help="What is to be reached; - reads it from stdin.")] = None,
    check: Annotated[
        str, typer.Option(metavar="COMMAND", help="One line of shell: exit 0 means that the goal is reached.")
    ] = "",
    max_steps: Annotated[int, typer.Option(min=1, help="Most steps, each by a fresh instance.")] = 20,
    max_minutes: Annotated[float, typer.Option(min=0.1, help="Most minutes.")] = 30,
    max_tokens: Annotated[int, typer.Option(min=1, help="Most tokens read anew or written.")] = 200_000,
    step: Annotated[
        list[str] | None, typer.Option(help="A step of your own plan; may be given several times.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Folder to work for (default: this one).", show_default=False, readable=False),
    ] = None,
    apply: Annotated[
        str | None, typer.Option(metavar="ID", help="Merge a run's work.", autocompletion=complete_runs)
    ] = None,
    discard: Annotated[
        str | None, typer.Option(metavar="ID", help="Remove a run.", autocompletion=complete_runs)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before merging or removing.")] = False,
    no_handoff: Annotated[
        bool,
        typer.Option(
            "--no-handoff", help="Tell no instance what others left: to measure what the handoff is worth."
        ),
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON event a line.")] = False,
) -> None:
    """Pursue a goal alone: on a branch in a worktree, in a sandbox, within budgets.

    Your own files are not touched; what is not committed is not in it. Exit code 0: the goal counts as
    reached; 3: it ended without; 1: it could not work; 130: interrupted, and can be resumed.
    """
    where = project or Path()
    if sum(bool(one) for one in (goal, apply, discard)) > 1:
        raise UsageError("GOAL, --apply and --discard exclude each other.", "Give one of them.")
    if apply:
        _apply(where, apply, yes=yes)
    elif discard:
        _discard(where, discard, yes=yes)
    else:
        from orchestrator.autonomy.ending import Budget
        from orchestrator.autonomy.wish import Wish
        from orchestrator.commands.ask import prompt_text

        budget = Budget(max_steps, max_minutes, max_tokens)
        wish = Wish(prompt_text(goal, "orch run"), where, check, budget, model, tuple(step or ()))
        wish = replace(wish, handoff="off" if no_handoff else "on")
        raise typer.Exit(asyncio.run(_run(wish, json_=json_)))


async def _run(wish: Wish, *, json_: bool) -> int:
    from orchestrator.auto_node import starting
    from orchestrator.commands.run_show import played

    async with starting(wish) as run:
        return await played(run, as_json=json_)


def _apply(where: Path, prefix: str, *, yes: bool) -> None:
    from orchestrator.auto_node import runs_of
    from orchestrator.terminal import plain

    with runs_of(where) as runs:
        run = runs.find(prefix)
        diff = runs.diff(run)
        if not diff.strip():
            raise UsageError(f"Run {run.run[:8]} changed nothing.", f"`orch run --discard {run.run[:8]}`.")
        typer.echo(plain(diff))
        if not (yes or _agreed(f"Merge this into {run.facts.into or 'the branch checked out'}?", "--apply")):
            typer.echo("Nothing was merged.", err=True)
            raise typer.Exit(1)
        typer.echo(runs.apply(run))


def _discard(where: Path, prefix: str, *, yes: bool) -> None:
    from orchestrator.auto_node import runs_of

    with runs_of(where) as runs:
        run = runs.find(prefix)
        commits = len(runs.work(run).commits)
        unmerged = bool(commits) and run.phase != "applied"
        if (
            unmerged
            and not yes
            and not _agreed(f"Remove {commits} commits that are not merged?", "--discard")
        ):
            raise typer.Exit(1)
        runs.discard(run)
        typer.echo(f"Run {run.run[:8]} is gone.")


def _agreed(question: str, option: str) -> bool:
    """A person's yes; a script says it beforehand."""
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody is there to be asked: {question}", f"Say `orch run {option} ID --yes`.")
    return typer.confirm(question, err=True)
