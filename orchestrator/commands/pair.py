"""`orch pair`: become a device of a hub."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from orchestrator.errors import UsageError
from orchestrator.terminal import one_line

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Example: orch pair 'orch-pair:1?url=http%3A%2F%2F192.168.1.5%3A8765&secret=…&name=phone'"
)
def pair(
    text: Annotated[
        str | None, typer.Argument(help="What `orch device add` printed; without it, stdin is read.")
    ] = None,
    name: Annotated[str, typer.Option(help="How this node calls the hub (default: its host).")] = "",
    json_: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Use an invitation of a hub: from then on this node may ask it and sync with it."""
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.remote.client import pair_with
    from orchestrator.remote.invitation import read_invitation
    from orchestrator.workspaces.peers import Peers

    if text in (None, "-"):
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("There is no pairing text.", "Paste what `orch device add` printed.")
        text = sys.stdin.read(10_000)
    assert text is not None
    where = home()
    invitation = read_invitation(text.strip().removeprefix("orch pair").strip().strip("'\""))
    with SqliteJournal.open(where) as journal:
        device = journal.device[0]
    peer = pair_with(invitation, device, name)
    Peers(where).add(peer)
    if json_:
        told = {"name": peer.name, "url": peer.url, "device": peer.device, "projects": peer.projects}
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"Paired with {one_line(peer.name)} ({peer.url}).")
