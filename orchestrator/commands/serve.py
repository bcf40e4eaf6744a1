"""`orch serve`: answer paired devices over HTTP."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.complete import complete_models
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.hub.guard import Access

app = typer.Typer(rich_markup_mode=None, add_completion=False)
PORT = 8765


@app.command(epilog="Example: orch serve --host 127.0.0.1 --port 8765")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = PORT,
    model: Annotated[
        str | None, typer.Option(help="Model name, or auto.", autocompletion=complete_models)
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), for https.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without TLS.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line, on stdout.")] = False,
) -> None:
    """Be the hub: answer paired devices, and sync with them. Ctrl+C ends it, with all that was said."""
    if (cert is None) != (key is None):
        raise UsageError("TLS needs a certificate and its key.", "Give both --cert and --key.")
    for file in (cert, key):
        if file and not file.is_file():
            raise UsageError(f"There is no file {file}.", "Give the path of a PEM file.")
    if not _is_loopback(host) and not cert and not insecure:
        raise UsageError(
            f"On {host} everybody on the network could read along.",
            "Give --cert and --key, put a proxy with TLS before 127.0.0.1, or say --insecure.",
        )
    asyncio.run(_serve(host, port, model, cert, key, json_=json_))


async def _serve(
    host: str, port: int, model: str | None, cert: Path | None, key: Path | None, *, json_: bool
) -> None:
    from importlib.metadata import version

    from orchestrator import durable
    from orchestrator.hub.app import app as asgi
    from orchestrator.hub.server import HubServer, bound, configured
    from orchestrator.hub_node import hub_node
    from orchestrator.paths import home

    async with hub_node(model, version("orchestrator-agent")) as node:
        with bound(host, port) as sock:
            number = sock.getsockname()[1]
            url = f"{'https' if cert else 'http'}://{f'[{host}]' if ':' in host else host}:{number}"
            config = configured(
                asgi(node.hub, _log(json_)), str(cert) if cert else None, str(key) if key else None
            )
            place = home().run / "serve.json"
            durable.replace(place, json.dumps({"url": url}).encode())  # where `orch device add` finds us
            _say(
                json_,
                {"type": "listening", "url": url, "model": node.model, "interrupted": node.hub.left_behind},
                f"{url} · {node.model}",
            )
            async with node.hub.running():
                try:
                    await HubServer(config, node.hub.runs.stop).serve(sockets=[sock])
                finally:
                    place.unlink(missing_ok=True)
    _say(json_, {"type": "ended"}, "ended")


def _log(json_: bool) -> Callable[[Access], None]:
    def write(access: Access) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = (
            f"{now} {access.client or '-'} {access.device or '-'} {access.method} {access.path}"
            f" {access.status} {access.duration_ms} ms"
        )
        _say(json_, {"type": "request", "time": now, **asdict(access)}, line)

    return write


def _say(json_: bool, value: dict[str, Any], line: str) -> None:
    if json_:
        print(json.dumps(value), flush=True)
    else:
        print(f"orch: {line}", file=sys.stderr, flush=True)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
