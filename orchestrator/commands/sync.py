"""`orch sync`: exchange records with a peer, and bring the documents up to date with what came."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.complete import complete_peers
from orchestrator.errors import OrchError
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.sync.exchange import Exchanged
    from orchestrator.workspaces.peers import Peer

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_WATCH_S = 30.0
_SHOWN = 5


@app.command(epilog="Example: orch sync vps --watch")
def sync(
    peer: Annotated[
        str,
        typer.Argument(
            help="Name of the peer; not needed while there is one.", autocompletion=complete_peers
        ),
    ] = "",
    watch: bool = typer.Option(False, "--watch", help="Go on, every half minute, until Ctrl+C."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a sync."),
) -> None:
    """Exchange records with a paired peer. Private records stay here; cut off, the next sync goes on."""
    from orchestrator.paths import home
    from orchestrator.workspaces.peers import Peers

    where = home()
    named = Peers(where).find(peer)
    pause = threading.Event()
    behind = True  # the last one may have been cut off before the documents were written
    try:
        while True:
            try:
                _once(named, where, behind=behind, as_json=as_json)
                behind = False
            except OrchError as error:
                if not watch:
                    raise
                _say(str(error))
            if not watch:
                return
            pause.wait(_WATCH_S)
    except KeyboardInterrupt:
        _say("Stopped. What came so far is kept; the next sync goes on from there.")
        raise SystemExit(0 if watch else 130) from None


def _once(peer: Peer, where: Home, *, behind: bool, as_json: bool) -> None:
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.sync.client import HttpLink
    from orchestrator.sync.engine import SyncEngine
    from orchestrator.sync.exchange import exchange

    shown = _Shown(quiet=as_json)
    with SqliteJournal.open(where) as journal:
        for documents in _documents(journal, where, peer.projects):
            documents.human.keep()
        with HttpLink(peer.url, peer.token, tell=_say) as link:
            done = exchange(SyncEngine(journal), link, peer.projects, shown)
        changed = {}
        for documents in _documents(journal, where, peer.projects if behind else done.streams):
            if names := documents.catch_up():
                changed[str(documents.root)] = names
        conflicts = _conflicts(journal, where, peer.projects)
    _report(peer, done, changed, conflicts, as_json=as_json)


def _documents(
    journal: SqliteJournal, where: Home, projects: Collection[str] | None
) -> list[ProjectDocuments]:
    """Of those of the projects that have a folder here; None: of all."""
    from orchestrator.handoff.writer import ProjectDocuments
    from orchestrator.workspaces import Registry, find_project

    places = {known.id: known.paths for known in Registry(where).projects()}
    if here := find_project(Path(".")):
        places[here.id] = (str(here.root), *places.get(here.id, ()))
    found = []
    for identity, paths in places.items():
        for path in paths if projects is None or identity in projects else ():
            try:
                project = find_project(Path(path))
            except OrchError:
                continue
            if project and project.id == identity:
                found.append(ProjectDocuments(project, journal, where, _say))
                break
    return found


def _conflicts(journal: SqliteJournal, where: Home, projects: Collection[str] | None) -> int:
    from orchestrator.journal.versions import projects_with_versions, versions

    ids = [one for one in projects_with_versions(journal) if projects is None or one in projects]
    return sum(one.conflict for project in ids for one in versions(journal, project))


def _report(
    peer: Peer, done: Exchanged, changed: dict[str, list[str]], conflicts: int, *, as_json: bool
) -> None:
    rejected = [
        {"by": by, "id": one.id, "reason": one.reason}
        for by, ones in (("here", done.rejected_here), (peer.name, done.rejected_there))
        for one in ones
    ]
    if as_json:
        fields = {
            "peer": peer.name,
            "pulled": done.pulled,
            "pushed": done.pushed,
            "clock_suspect": done.suspect,
            "forked": done.forked,
            "rejected": rejected,
            "documents": changed,
            "conflicts": conflicts,
        }
        print(json.dumps(fields), flush=True)
        return
    typer.echo(f"{one_line(peer.name, 60)}: {done.pulled:,} records came, {done.pushed:,} went.")
    for folder, names in changed.items():
        typer.echo(one_line(f"{folder}: {', '.join(names)} brought up to date."))
    if done.suspect:
        _say(f"{done.suspect:,} records come from a clock that is more than five minutes ahead of this one.")
    if done.forked:
        _say("A device was cloned or restored from a backup: its records were put in order, none is lost.")
    for one in rejected[:_SHOWN]:
        _say(f"A record was refused ({one['by']}): {one['reason']}.")
    if len(rejected) > _SHOWN:
        _say(f"… and {len(rejected) - _SHOWN:,} more (--json has them).")
    if conflicts:
        _say(f"{conflicts} documents were changed on two devices: see `orch conflicts`.")


class _Shown:
    """How far it is, on stderr, where it takes more than a page."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._next = 10

    def __call__(self, way: str, done: int, total: int) -> None:
        percent = done * 100 // max(total, 1)
        if percent < self._next - 10:
            self._next = 10
        if not self._quiet and total > 1000 and percent >= self._next:
            self._next = percent - percent % 10 + 10
            _say(f"{way}: {done:,} of {total:,} records")


def _say(text: str) -> None:
    print(one_line(text), file=sys.stderr, flush=True)
