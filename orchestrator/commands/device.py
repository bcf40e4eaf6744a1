"""`orch device`: which devices this hub knows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.errors import UsageError
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.hub.devices import Devices

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Pair devices with this hub, list and revoke them.",
    epilog="Example: orch device add phone --url http://192.168.1.5:8765",
)
_PROJECT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ALL = "chat,sync"


def complete_devices(incomplete: str) -> list[str]:
    with _devices() as devices:
        names = [device.name for device in devices.listing() if device.revoked is None]
    return [name for name in names if name.startswith(incomplete)]


@app.command(epilog="Example: orch device add phone --url http://192.168.1.5:8765")
def add(
    name: Annotated[str, typer.Argument(help="What this hub calls the device.")],
    projects: Annotated[
        str | None, typer.Option(help="Ids of the projects it may see, with commas (default: all).")
    ] = None,
    scopes: Annotated[str, typer.Option(help="What it may do: chat, sync, or both.")] = _ALL,
    url: Annotated[
        str | None, typer.Option(help="How the device reaches this hub (default: where it listens).")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Print a QR code and a text that pair one device within ten minutes."""
    from orchestrator.hub.devices import SCOPES
    from orchestrator.remote.invitation import Invitation, hub_url

    if not re.fullmatch(r"[\w.-]{1,64}", name):
        raise UsageError("A device's name has letters, digits, - and _, at most 64.", "Choose another one.")
    asked = tuple(dict.fromkeys(part.strip() for part in scopes.split(",")))
    if not asked or not set(asked) <= set(SCOPES):
        raise UsageError(f"There is no scope {scopes!r}.", f"Choose from: {', '.join(SCOPES)}.")
    place = hub_url(url) if url else _served()
    listed = None if projects is None else [part.strip().lower() for part in projects.split(",")]
    if listed and (wrong := [part for part in listed if not _PROJECT.fullmatch(part)]):
        raise UsageError(f"{wrong[0]!r} is no project's id.", "It stands in .orchestrator/project.toml.")
    with _devices() as devices:
        secret = devices.invite(name, asked, listed)
    text = Invitation(place, secret, name).text()
    if json_:
        typer.echo(json.dumps({"name": name, "url": place, "text": text}))
        return
    if sys.stdout.isatty():
        import segno

        segno.make(text, error="l").terminal(compact=True)
    typer.echo("On the device, within ten minutes:\n", err=True)
    typer.echo(f"orch pair '{text}'")


@app.command("list", epilog="Example: orch device list --json")
def list_(json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Devices, when they were last seen, and what they may do."""
    with _devices() as devices:
        found = devices.listing()
    for device in found:
        if json_:
            typer.echo(json.dumps(asdict(device)))
            continue
        state = "revoked" if device.revoked else f"seen {_time(device.last_seen)}"
        projects = "all projects" if device.projects is None else f"{len(device.projects)} projects"
        scopes = "+".join(device.scopes)
        typer.echo(f"{one_line(device.name):<16} {device.id[:8]}  {scopes:<10} {projects:<13} {state}")
    if not found and not json_:
        typer.echo("No device is paired. Run `orch device add NAME`.", err=True)


@app.command(epilog="Example: orch device revoke phone")
def revoke(
    name: Annotated[str, typer.Argument(help="Its name or id.", autocompletion=complete_devices)],
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Take a device's token back: it may ask nothing more, and what it has open ends."""
    with _devices() as devices:
        gone = devices.revoke(name)
    if json_:
        typer.echo(json.dumps({"revoked": [device.id for device in gone]}))
    else:
        typer.echo(f"{one_line(name)} may ask no more.")


@contextmanager
def _devices() -> Iterator[Devices]:
    from orchestrator.hub.devices import Devices
    from orchestrator.hub.sqlite import HubDatabase
    from orchestrator.journal.clock import SystemClock
    from orchestrator.paths import home

    with HubDatabase(home()) as database:
        yield Devices(database, SystemClock())


def _served() -> str:
    """Where the hub of this home listens now."""
    from orchestrator import durable
    from orchestrator.commands.serve import PORT
    from orchestrator.paths import home
    from orchestrator.remote.invitation import hub_url

    try:
        return hub_url(str(json.loads(durable.read(home().run / "serve.json"))["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return f"http://127.0.0.1:{PORT}"


def _time(ms: int | None) -> str:
    if ms is None:
        return "never"
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(" ", "minutes")
