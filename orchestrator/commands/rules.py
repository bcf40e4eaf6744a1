"""`orch rules`: what a person decided about tools in a project, listed, made and removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.errors import UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.workspaces import Project, Registry

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="What is always allowed, asked or denied in a project.\n\n"
    "A rule may be stricter than the mode. It allows only what the mode would ask for, and no command "
    "outside the sandbox; read-only stays read-only.",
    epilog="Example: orch rules add deny shell",
)


def _complete_tool(incomplete: str) -> list[str]:
    return [name for name in _tools() if name.startswith(incomplete)]


def _complete_decision(incomplete: str) -> list[str]:
    from orchestrator.types import DECISIONS

    return [name for name in DECISIONS if name.startswith(incomplete)]


Place = Annotated[
    Path, typer.Option("--project", metavar="PATH", help="A folder of the project.", readable=False)
]
Tool = Annotated[str, typer.Argument(help="The tool's name.", autocompletion=_complete_tool)]


@app.command("list", epilog="Example: orch rules list --json")
def list_(
    project: Place = Path("."),
    as_json: bool = typer.Option(False, "--json", help="As one JSON object, tool by tool."),
) -> None:
    """Print the rules of a project."""
    here, registry = _here(project)
    rules = registry.rules(here.id)
    if as_json:
        typer.echo(json.dumps(rules))
        return
    for tool, decision in sorted(rules.items()):
        typer.echo(plain(f"{decision:<6} {tool}"))
    if not rules:
        typer.echo(f"{here.name} has no rules: the mode decides.", err=True)


@app.command("add", epilog="Example: orch rules add allow edit")
def add(
    decision: Annotated[str, typer.Argument(help="allow, ask or deny.", autocompletion=_complete_decision)],
    tool: Tool,
    project: Place = Path("."),
) -> None:
    """Make a rule, or change it."""
    from orchestrator.types import DECISIONS

    chosen = next((one for one in DECISIONS if one == decision), None)
    if chosen is None:
        raise UsageError(f"There is no decision {decision!r}.", f"Choose from: {', '.join(DECISIONS)}.")
    if tool not in _tools():
        raise UsageError(f"There is no tool {tool!r}.", f"Choose from: {', '.join(_tools())}.")
    here, registry = _here(project)
    registry.set_rule(here.id, tool, chosen)
    typer.echo(plain(f"{chosen} {tool} in {here.name}"))


@app.command("rm", epilog="Example: orch rules rm edit")
def rm(tool: Tool, project: Place = Path(".")) -> None:
    """Remove a rule: the mode decides again."""
    here, registry = _here(project)
    if not registry.drop_rule(here.id, tool):
        raise UsageError(f"There is no rule for {tool!r} in {here.name}.", "See `orch rules list`.")
    typer.echo(plain(f"no rule for {tool} in {here.name}"))


def _here(project: Path) -> tuple[Project, Registry]:
    from orchestrator.paths import home
    from orchestrator.workspaces import Registry, open_project

    return open_project(project), Registry(home())


def _tools() -> tuple[str, ...]:
    from orchestrator.config import Settings
    from orchestrator.wiring import tool_names

    return tool_names(Settings())
