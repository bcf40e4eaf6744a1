"""Who answers a prompt on the edge, and why. Pure, but for the race."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from orchestrator.workspaces.peers import Peer

HEAD_START_S = 0.25
"""What a peer of this network, or else the better one, is given before the next is tried."""
RACE_S = 2.0
"""After so long a peer that has not answered cannot be reached."""
SMALL_TASK = 32
"""Tokens of a prompt up to which the local model is good enough where it is also `MUCH_FASTER`."""
MUCH_FASTER = 2.0
"""So many times as quick must another way be to go before the one that is better otherwise."""
LOCAL = "local"
"""The local model's name among the measured speeds; peers have their device's id."""


@dataclass(frozen=True, slots=True)
class Route:
    """Peers to try, best first; then the local model. `local_first`: no peer is asked before it.

    `peers` is empty where nothing may leave this machine.
    """

    peers: tuple[Peer, ...]
    local_first: bool
    why: str


def near(peer: Peer) -> bool:
    """Whether its address is one of this network (private, link-local, loopback, or a name without dots)."""
    host = (urlsplit(peer.url).hostname or "").lower().rstrip(".")
    try:
        return ipaddress.ip_address(host).is_private or ipaddress.ip_address(host).is_link_local
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa"))


def route(tokens: int, peers: Sequence[Peer], speeds: Mapping[str, float], *, private: bool) -> Route:
    """The way of a prompt of so many tokens. `speeds`: measured tokens/s by `Peer.device`, or `LOCAL`."""
    if private:
        return Route((), True, "it is private")
    if not peers:
        return Route((), True, "this node has no peer")
    ranked = tuple(sorted(peers, key=lambda peer: _rank(peer, speeds)))
    here, best = speeds.get(LOCAL, 0.0), speeds.get(ranked[0].device, 0.0)
    if tokens <= SMALL_TASK and here and best and here >= MUCH_FASTER * best:
        return Route(ranked, True, f"the prompt is short, and this machine much faster ({here:.0f} tokens/s)")
    return Route(ranked, False, "")


def _rank(peer: Peer, speeds: Mapping[str, float]) -> tuple[float, str]:
    """Lower is better. One that was never measured is taken for a slow one, so it is not preferred unseen."""
    return (-(speeds.get(peer.device) or 1.0) * (MUCH_FASTER if near(peer) else 1.0), peer.name)


def why_peer(peer: Peer, speeds: Mapping[str, float]) -> str:
    """What speaks for a peer that answered the race."""
    where = "on this network" if near(peer) else "reached over the internet"
    speed = speeds.get(peer.device)
    return f"{where}, {speed:.0f} tokens/s measured" if speed else f"{where}, not measured yet"


async def race(
    peers: Sequence[Peer],
    reach: Callable[[Peer], Awaitable[bool]],
    head_start_s: float = HEAD_START_S,
    most_s: float = RACE_S,
) -> Peer | None:
    """The first that can be reached, each a head start after the one before it; None: none can be.

    As in RFC 8305, one that fails at once lets the next begin at once.
    """
    running: dict[asyncio.Task[bool], Peer] = {}
    waiting = list(peers)
    try:
        async with asyncio.timeout(most_s):
            while waiting or running:
                if waiting:
                    peer = waiting.pop(0)
                    running[asyncio.ensure_future(reach(peer))] = peer
                done, _ = await asyncio.wait(
                    running,
                    timeout=head_start_s if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    peer = running.pop(task)
                    if not task.exception() and task.result():
                        return peer
    except TimeoutError:
        pass
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return None
