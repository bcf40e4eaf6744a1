"""Which way a prompt goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from orchestrator.edge.router import LOCAL, SMALL_TASK, near, race, route
from orchestrator.workspaces.peers import Peer

DESK = Peer("desk", "http://192.168.1.5:8765", "d1", "t")
HUB = Peer("vps", "https://hub.example", "h1", "t")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://10.0.0.2:1", True),
        ("http://desk.local:1", True),
        ("http://desk:1", True),
        ("http://[fe80::1]:1", True),
        ("https://hub.example", False),
        ("https://8.8.8.8", False),
    ],
)
def test_near(url: str, expected: bool) -> None:
    assert near(Peer("x", url, "d", "t")) is expected


@pytest.mark.parametrize(
    ("speeds", "first"),
    [
        ({}, DESK),
        ({"d1": 10.0, "h1": 19.0}, DESK),
        ({"d1": 10.0, "h1": 21.0}, HUB),
    ],
)
def test_this_network_first_unless_another_is_much_faster(speeds: Mapping[str, float], first: Peer) -> None:
    found = route(10, [HUB, DESK], speeds, private=False)
    assert found.peers[0] == first
    assert set(found.peers) == {DESK, HUB}
    assert not found.local_first


def test_private_leaves_by_no_way_and_short_stays_where_that_is_much_faster() -> None:
    speeds = {LOCAL: 30.0, "d1": 10.0}
    assert route(10, [DESK], speeds, private=True).peers == ()
    assert route(SMALL_TASK, [DESK], speeds, private=False).local_first
    assert not route(SMALL_TASK + 1, [DESK], speeds, private=False).local_first
    assert not route(1, [DESK], {LOCAL: 19.0, "d1": 10.0}, private=False).local_first
    assert route(1, [], speeds, private=False).local_first


def test_a_head_start_decides_between_two_that_answer_and_silence_does_not_hold_up_the_next() -> None:
    asyncio.run(races())


async def races() -> None:
    gate = asyncio.Event()

    async def desk_waits(peer: Peer) -> bool:
        if peer is DESK:
            await gate.wait()
        return True

    async def both(peer: Peer) -> bool:
        return True

    async def desk_fails(peer: Peer) -> bool:
        if peer is DESK:
            raise OSError("no route")
        return True

    async def none(peer: Peer) -> bool:
        return False

    assert await race([DESK, HUB], both) is DESK
    assert await race([DESK, HUB], desk_waits, head_start_s=0.0) is HUB
    assert await race([DESK, HUB], desk_fails, head_start_s=60.0, most_s=30.0) is HUB
    assert await race([DESK, HUB], none) is None
    assert await race([DESK], desk_waits, most_s=0.01) is None
