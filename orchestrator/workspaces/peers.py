"""The nodes that this one was paired with: where each is, and what it is told to prove who asks.

They stand in the registry, in a table of their own; a file that holds a token is its owner's alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.paths import Home
from orchestrator.workspaces.registry import Registry


@dataclass(frozen=True, slots=True)
class Peer:
    """`url` without a path; `device` is the peer's own id; `token` is secret.

    `projects` are the ids that it lets this node see, None: all.
    """

    name: str
    url: str
    device: str
    token: str
    projects: tuple[str, ...] | None = None

    def __repr__(self) -> str:  # a log or a traceback is no place for a token
        return f"Peer({self.name!r}, {self.url!r}, {self.device!r})"


class Peers:
    """The table `peers`; safe for many processes at once. Raises `ProjectError`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._registry = Registry(home)

    def all(self) -> list[Peer]:
        """By name."""
        rows = self._registry.rows("peers")
        return sorted((peer for row in rows if (peer := _peer(row))), key=lambda peer: peer.name)

    def find(self, name: str = "") -> Peer:
        """The peer of that name or id; without one, the only peer there is. Raises `UsageError`."""
        known = self.all()
        found = [peer for peer in known if not name or name in (peer.name, peer.device)]
        if len(found) == 1:
            return found[0]
        if not known:
            raise UsageError(
                "This node has no peer.", "Run `orch device add NAME` on the hub, and pair here."
            )
        names = ", ".join(peer.name for peer in known)
        raise UsageError(f"There is no peer {name!r}." if name else "Which peer?", f"Choose from: {names}.")

    def add(self, peer: Peer) -> None:
        """Keep a peer; one with the same device id is replaced."""
        with contextlib.suppress(FileNotFoundError):  # a new one is made so
            os.chmod(self._home.registry, 0o600)
        self._registry.put("peers", "device", asdict(peer))

    def remove(self, device: str) -> None:
        self._registry.drop("peers", "device", device)


def _peer(row: Mapping[str, Any]) -> Peer | None:
    texts = [row.get(name) for name in ("name", "url", "device", "token")]
    projects = row.get("projects")
    if not all(isinstance(text, str) for text in texts) or not isinstance(projects, list | tuple | None):
        return None
    name, url, device, token = map(str, texts)
    return Peer(name, url, device, token, None if projects is None else tuple(map(str, projects)))
