"""Runs over real HTTP: resumed, cancelled, queued, killed. The model is scripted, all else is real."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import httpx
import pytest

from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from tests.commands.orch import run
from tests.hub.served import Served, answers, heard, said, served

LONG = " ".join(f"word{n}" for n in range(40))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "hub")


def until(client: httpx.Client, prompt: str, kind: str) -> tuple[str, list[tuple[int, str, dict]]]:
    """Ask, listen up to the first event of a type, and leave; the run, and what was heard."""
    text = ""
    with client.stream("POST", "/chat/stream", json={"prompt": prompt}) as response:
        for piece in response.iter_text():
            text += piece
            events = heard(text[: text.rfind("\n\n") + 2])
            if any(name == kind for _, name, _ in events):
                return response.headers["x-run-id"], events
    raise AssertionError(text)


def test_a_run_outlives_its_listener_and_is_resumed_without_a_gap(home: Home, tmp_path: Path) -> None:
    model = answers(tmp_path / "s.json", {"answer": LONG, "tokens_per_second": 60})
    with served(home, model) as hub, hub.pair() as client:
        identity, first = until(client, "tell me", "token")
        last = max(number for number, _, _ in first)
        rest = heard(client.get(f"/runs/{identity}/events", headers={"Last-Event-ID": str(last)}).text)
        kept = [event for event in first if event[0]] + [event for event in rest if event[0]]
        assert [number for number, _, _ in kept] == list(range(1, len(kept) + 1))
        assert said(first) + said(rest) == LONG
        assert [(kind, data.get("status")) for _, kind, data in rest][-1] == ("end", "done")
        again = heard(client.get(f"/runs/{identity}/events").text)
        assert said(again) == LONG
        with hub.pair("other") as other:  # another device's runs are none of its business
            assert other.get(f"/runs/{identity}/events").status_code == 404


def test_cancelled_waiting_and_running_runs_keep_what_was_said(home: Home, tmp_path: Path) -> None:
    model = answers(tmp_path / "s.json", {"pause": "I begin"}, {"answer": "after"})
    with served(home, model) as hub, hub.pair() as client:
        running, _ = until(client, "first", "token")
        waiting, events = until(client, "second", "queued")
        assert events[0][2] == {"position": 1}
        assert client.delete(f"/runs/{waiting}").json()["status"] == "interrupted"
        gone = client.delete(f"/runs/{running}").json()
        assert gone["status"] == "interrupted"
        assert "I begin".startswith(gone["text"])
        assert gone["text"]
        assert client.post("/chat", json={"prompt": "third"}).json()["text"] == "after"
        device = client.headers["x-device"]
        pages, before = [], None
        while True:  # history, a page at a time
            page = client.get(
                f"/device/{device}/history", params={"limit": 2, "before": before or 2**53}
            ).json()
            pages += page["messages"]
            if (before := page["next"]) is None:
                break
        assert {"first", "second", "third", "after", gone["text"]} == {one["content"] for one in pages}
        assert [one["role"] for one in pages][:2] == ["assistant", "user"]


def test_the_same_key_is_the_same_run_and_never_another_question(home: Home, tmp_path: Path) -> None:
    with served(home, answers(tmp_path / "s.json", {"answer": "once"})) as hub, hub.pair() as client:
        key = {"Idempotency-Key": "k1"}
        first = client.post("/chat", json={"prompt": "hi"}, headers=key).json()
        assert client.post("/chat", json={"prompt": "hi"}, headers=key).json() == first
        assert said(heard(client.post("/chat/stream", json={"prompt": "hi"}, headers=key).text)) == "once"
        assert client.post("/chat", json={"prompt": "else"}, headers=key).status_code == 409


def test_too_many_questions_of_one_device_are_told_when_to_come_back(home: Home, tmp_path: Path) -> None:
    with served(home, answers(tmp_path / "s.json", {"pause": "I begin"})) as hub, hub.pair() as client:
        _running, _ = until(client, "first", "token")
        asked = [client.post("/chat", json={"prompt": f"q{n}", "wait": False}) for n in range(9)]
        assert [one.status_code for one in asked] == [202] * 8 + [429]
        assert int(asked[-1].headers["retry-after"]) > 0
        with hub.pair("other") as other:
            one = other.post("/chat", json={"prompt": "mine", "wait": False}).json()
            assert one["position"] <= 2  # and not the ninth


def test_a_killed_hub_closes_its_runs_with_what_was_said(home: Home, tmp_path: Path) -> None:
    model = answers(tmp_path / "s.json", {"pause": "As far as this"}, {"answer": "fresh"})
    with served(home, model) as hub, hub.pair() as client:
        running, events = until(client, "a question", "token")
        waiting = client.post("/chat", json={"prompt": "one that waits", "wait": False}).json()["run"]
        heard_before = said(events)
        token = client.headers["authorization"]
        hub.kill()
    with served(home, answers(tmp_path / "s.json", {"answer": "fresh"})) as hub:
        assert hub.told["interrupted"] == 2
        client = httpx.Client(base_url=hub.url, headers={"Authorization": token})
        after = heard(client.get(f"/runs/{running}/events").text)
        assert after[-1][2] == {"status": "interrupted"}
        answer = next(data for _, kind, data in after if kind == "answer")
        assert answer["interrupted"] is True
        assert answer["text"] == said(after)
        assert answer["text"].startswith(heard_before)
        assert client.delete(f"/runs/{waiting}").json()["status"] == "interrupted"
        client.close()
    with SqliteJournal.open(home) as journal:
        texts = [record.body["text"] for record in journal.records(kinds=["message"]) if record.body]
        assert sorted(texts) == sorted(["a question", answer["text"], "one that waits"])
        ends = [
            record.body["reason"] for record in journal.records(kinds=["session"]) if "reason" in record.body
        ]
        assert ends == ["killed"]


def test_a_polite_end_interrupts_runs_closes_sessions_and_exits_cleanly(home: Home, tmp_path: Path) -> None:
    with served(home, answers(tmp_path / "s.json", {"pause": "I begin"})) as hub, hub.pair() as client:
        with client.stream("POST", "/chat/stream", json={"prompt": "hi"}) as response:
            text = ""
            for piece in response.iter_text():
                begun, text = "event: token" in text, text + piece
                if not begun and "event: token" in text:
                    hub.process.terminate()
        assert heard(text)[-1][2] == {"status": "interrupted"}
        assert hub.process.wait(timeout=30) == 0
    with sqlite3.connect(home.journal) as db:  # what the user's document promises, in plain SQL
        rows = db.execute("SELECT device_id, role, content, model FROM messages ORDER BY arrival").fetchall()
        assert [row[1] for row in rows] == ["user", "assistant"]
        assert rows[0][0] == client.headers["x-device"]
        assert rows[0][3] == "scripted:s.json"
        end = db.execute("SELECT body FROM records WHERE kind = 'session' ORDER BY arrival DESC").fetchone()
        assert json.loads(end[0])["event"] == "end"
    db.close()


def test_a_home_has_one_hub(home: Home, tmp_path: Path) -> None:
    model = answers(tmp_path / "s.json")
    with served(home, model):
        second = run("serve", "--port", "0", "--model", model, cwd=home.root, ORCH_HOME=str(home.root))
        assert second.returncode == 1
        assert "Another `orch serve` runs" in second.stderr


def test_a_hundred_streams_at_once_are_each_complete(home: Home, tmp_path: Path) -> None:
    texts = [f"answer number {n} of many" for n in range(100)]
    model = answers(tmp_path / "s.json", *({"answer": text} for text in texts))

    async def ask(hub: Served, client: httpx.AsyncClient, headers: dict[str, str]) -> str:
        response = await client.post(f"{hub.url}/chat/stream", json={"prompt": "go"}, headers=headers)
        events = heard(response.text)
        kept = [number for number, _, _ in events if number]
        assert kept == list(range(1, len(kept) + 1))
        assert events[-1][2] == {"status": "done"}
        return said(events)

    async def all_at_once(hub: Served, tokens: list[str]) -> list[str]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            asked = [ask(hub, client, {"Authorization": token}) for token in tokens for _ in range(5)]
            return await asyncio.gather(*asked)

    with served(home, model) as hub:
        tokens = []
        for number in range(20):
            with hub.pair(f"device{number}") as client:
                tokens.append(client.headers["authorization"])
        assert sorted(asyncio.run(all_at_once(hub, tokens))) == sorted(texts)
