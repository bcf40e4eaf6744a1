"""What a hub runs out of, and what runs out in it."""

from __future__ import annotations

import resource
import secrets
import sqlite3
from pathlib import Path

import httpx
import pytest

from orchestrator.hub.limits import MOST_NAMES, Rate
from orchestrator.paths import Home
from orchestrator.sync.wire import CONTENT_TYPE, Page, Received, encode_page
from tests.hub.served import answers, served
from tests.sync.test_pages import line

PAGE = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Only Linux limits another process.")
def test_a_full_disk_refuses_the_page_and_answers_go_on_when_there_is_room(tmp_path: Path) -> None:
    home = Home(tmp_path / "hub")
    page = encode_page(Page(tuple(line(n, body={"text": secrets.token_hex(2000)}) for n in range(1, 200))))
    with served(home, answers(tmp_path / "s.json", {"answer": "yes"})) as hub, hub.pair() as client:
        was = resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (4096, was[1]))
        full = client.post("/sync/push", content=page, headers=PAGE)
        assert full.status_code == 507
        assert int(full.headers["retry-after"]) > 0
        assert "Traceback" not in full.text
        assert client.post("/chat", json={"prompt": "hi"}).status_code in (200, 507)
        assert client.get("/sync/pull").status_code == 200  # reading needs no room
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, was)
        again = client.post("/sync/push", content=page, headers=PAGE)
        assert again.status_code == 200, again.text
        assert Received.from_json(again.json()).stored == 199
        assert client.post("/chat", json={"prompt": "hi"}).json()["text"] == "yes"


def test_a_pairing_secret_ends_after_ten_minutes(tmp_path: Path) -> None:
    home = Home(tmp_path / "hub")
    with served(home, answers(tmp_path / "s.json")) as hub:
        secret = hub.invite().secret
        with sqlite3.connect(home.hub) as database:
            database.execute("UPDATE invitations SET expires = expires - 600 * 1000 - 1")
        answer = httpx.post(f"{hub.url}/pair", json={"secret": secret, "device": secrets.token_hex(16)})
        assert answer.status_code == 403
        assert "ten minutes" in answer.json()["error"]


def test_a_rate_gives_way_with_time_and_its_memory_is_bounded() -> None:
    now = 100.0
    rate = Rate(burst=3, each_s=8, now=lambda: now)
    for _ in range(3):
        assert rate.wait("a") == 0
        rate.spend("a")
    assert rate.wait("a") == 8
    assert rate.wait("b") == 0
    now += 4
    assert rate.wait("a") == 4
    now += 4
    assert rate.wait("a") == 0
    for number in range(2 * MOST_NAMES):
        rate.spend(str(number))
    assert len(rate._used) == MOST_NAMES
