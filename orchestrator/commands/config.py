"""`orch config`: settings, read and changed."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.terminal import plain

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Read and change settings.",
    epilog="Example: orch config set model.context_size 16384",
)


def _complete_key(incomplete: str) -> list[tuple[str, str]]:
    from orchestrator.config import keys

    return [(key, doc) for key, doc in keys().items() if key.startswith(incomplete)]


def _complete_value(context: typer.Context, incomplete: str) -> list[str]:
    from orchestrator.config import CHOICES

    key = context.params.get("key") or ""
    if key == "model.name":
        return complete_models(incomplete)
    choices = CHOICES.get(key, ())
    return [value for value in choices if value.startswith(incomplete)]


Key = Annotated[str, typer.Argument(help="section.name", autocompletion=_complete_key)]


@app.command("get", epilog="Example: orch config get model.name")
def get(
    key: Annotated[
        str, typer.Argument(help="section.name; without it, all settings.", autocompletion=_complete_key)
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print one setting, or all with what they mean."""
    from orchestrator import config
    from orchestrator.paths import home

    settings = config.load(home().config)
    described = {name: _describe(settings, name) for name in ([key] if key else config.keys())}
    if json_:
        typer.echo(json.dumps(described, indent=2))
    elif key:
        typer.echo(plain(str(described[key]["value"])))
        print(_meaning(described[key]), file=sys.stderr)  # the value alone is on stdout, for scripts
    else:
        for name, one in described.items():
            typer.echo(f"{name} = {plain(json.dumps(one['value'], ensure_ascii=False))}\n    {_meaning(one)}")


@app.command("set", epilog="Example: orch config set agent.mode workspace")
def set_(
    key: Key,
    value: Annotated[str, typer.Argument(help="The new value.", autocompletion=_complete_value)],
) -> None:
    """Change one setting. Comments and order of the file stay."""
    from orchestrator import config
    from orchestrator.paths import home

    where = home().config
    config.store(where, key, value)
    stored = config.get(config.load(where), key)
    typer.echo(plain(f"{key} = {json.dumps(stored, ensure_ascii=False)}"))


@app.command("path", epilog='Example: $EDITOR "$(orch config path)"')
def path() -> None:
    """Print where the settings file is, or would be."""
    from orchestrator.paths import home

    typer.echo(plain(str(home().config)))


def _describe(settings: Any, key: str) -> dict[str, Any]:
    from orchestrator import config

    value = config.get(settings, key)  # raises for a key that does not exist
    described = {
        "value": value,
        "default": config.get(config.Settings(), key),
        "doc": config.keys()[key],
    }
    if key in config.CHOICES:
        described["choices"] = list(config.CHOICES[key])
    if key in config.MINIMUM:
        described |= {"minimum": config.MINIMUM[key], "maximum": config.MAXIMUM[key]}
    return described


def _meaning(described: dict[str, Any]) -> str:
    default = "" if described["value"] == described["default"] else f" (default: {described['default']})"
    limits = f", {described['minimum']} to {described['maximum']:,}" if "minimum" in described else ""
    return f"{described['doc']}{limits}{default}"
