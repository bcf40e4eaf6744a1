"""Reasoning elsewhere, memory here: what leaves the machine, and what never does.

The address 0.0.0.0 reaches this machine and is no loopback address, so it counts as elsewhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import config, wiring
from orchestrator.agent.approval import Never
from orchestrator.errors import ModelError
from orchestrator.events import Answer, Event, Notice, Serving
from orchestrator.journal.store import SqliteJournal
from orchestrator.models.outbound import PrivateTurn, leaving
from orchestrator.paths import Home
from orchestrator.types import GenerateRequest, Message, ToolCall
from orchestrator.wiring import Desktop, Options
from tests.commands.orch import run as orch
from tests.commands.orch import script
from tests.models.model_server import SSE, ModelServer, as_json, model_server, recorded
from tests.models.model_server import Answer as Sent

MODEL = "qwen2.5-7b-instruct"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
SALARY = "81,234"


@pytest.fixture
def server() -> Any:
    with model_server() as running:
        running.answers["/v1/models"] = [
            as_json({"data": [{"id": MODEL, "owned_by": "vllm", "max_model_len": 8192}]})
        ]
        running.answers["/v1/chat/completions"] = [Sent(recorded("openai_answer.sse"), SSE)]
        yield running


def elsewhere(server: ModelServer, home: Home, fallback: str = "") -> None:
    for key, value in (
        ("server.url", f"http://0.0.0.0:{server.port}/v1"),
        ("model.name", f"openai:{MODEL}"),
        ("model.fallback", fallback),
    ):
        config.store(home.config, key, value)


async def events(source: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in source]


def with_session(project: Path, use: Callable[[Desktop, list[Event]], Any]) -> Any:
    async def whole() -> Any:
        async with wiring.desktop(Options(project=project), Never()) as desktop:
            opened = await events(desktop.session.open())
            try:
                return await use(desktop, opened)
            finally:
                await desktop.session.close("done")

    return asyncio.run(whole())


def bodies(server: ModelServer) -> list[dict[str, Any]]:
    return [asked.body for asked in server.to("/v1/chat/completions")]


def test_it_is_said_that_prompts_leave_and_where_to(
    server: ModelServer, orch_home: Home, tmp_path: Path
) -> None:
    elsewhere(server, orch_home)

    async def opened(desktop: Desktop, opened: list[Event]) -> list[Event]:
        return opened

    found = with_session(tmp_path, opened)
    where = f"0.0.0.0:{server.port}"
    assert [event.sent_to for event in found if isinstance(event, Serving)] == [where]
    assert f"Prompts leave this machine: {MODEL} runs at {where}." in [
        e.text for e in found if isinstance(e, Notice)
    ]
    doctor = orch("doctor", "--json", cwd=tmp_path)
    check = next(one for one in json.loads(doctor.stdout)["checks"] if one["what"] == "prompts")
    assert check["state"] == "warning"
    assert where in check["text"]
    servers = next(one for one in json.loads(doctor.stdout)["checks"] if one["what"] == "servers")
    assert servers["state"] == "ok"
    assert f"has {MODEL}, with a window of 8,192 tokens" in servers["text"]


def test_what_would_be_sent_is_what_is_sent_and_holds_no_secret(
    server: ModelServer, orch_home: Home, tmp_path: Path
) -> None:
    elsewhere(server, orch_home)
    (tmp_path / "PROJECT_CONTEXT.md").write_text(f"# Heron\n\nDeploy with {TOKEN}.\n")
    prompt = f"Is {TOKEN} still valid?"

    async def shown_then_sent(desktop: Desktop, opened: list[Event]) -> Any:
        shown = await desktop.session.outbound(prompt)
        await events(desktop.session.turn(prompt))
        return shown

    shown = with_session(tmp_path, shown_then_sent)
    assert bodies(server) == [shown]
    text = json.dumps(shown)
    assert TOKEN not in text
    assert text.count("[redacted:") == 2
    assert "Heron" in text


def test_a_command_shows_what_would_be_sent_and_sends_nothing(
    server: ModelServer, orch_home: Home, tmp_path: Path
) -> None:
    elsewhere(server, orch_home)
    (tmp_path / "PROJECT_CONTEXT.md").write_text(f"# Heron\n\nDeploy with {TOKEN}.\n")
    done = orch("context", "--outbound", f"Is {TOKEN} valid?", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert bodies(server) == []
    assert TOKEN not in done.stdout
    assert "Is [redacted:" in shown["messages"][-1]["content"]
    asked = with_session(tmp_path, lambda desktop, _: events(desktop.session.turn(f"Is {TOKEN} valid?")))
    assert asked
    assert bodies(server) == [shown]


def test_a_private_turn_and_its_records_stay(server: ModelServer, orch_home: Home, tmp_path: Path) -> None:
    elsewhere(server, orch_home, script(tmp_path / "local.json", {"answer": "That is above the median."}))

    async def three_turns(desktop: Desktop, opened: list[Event]) -> list[Event]:
        session = desktop.session
        await events(session.turn("Hello"))
        private = await events(session.turn(f"/private I earn {SALARY} a year. Is that much?"))
        await events(session.turn("Which port?"))
        return private

    private = with_session(tmp_path, three_turns)
    assert [event.text for event in private if isinstance(event, Answer)] == ["That is above the median."]
    assert any("on this machine" in event.text for event in private if isinstance(event, Notice))
    assert len(bodies(server)) == 2
    assert SALARY not in json.dumps(bodies(server))
    assert "median" not in json.dumps(bodies(server))
    assert len([m for m in bodies(server)[1]["messages"] if m["content"] == "Hello"]) == 1
    for name in ("SESSION_LOG.md", "SESSION_BRIEFING.md"):
        assert SALARY not in (tmp_path / name).read_text()
    journal = SqliteJournal.open(orch_home)
    try:
        mine = [
            r for r in journal.records(kinds=["message"]) if SALARY in str(r.body) or "median" in str(r.body)
        ]
    finally:
        journal.close()
    assert [record.stream for record in mine] == ["private", "private"]


def test_a_private_turn_without_a_model_here_is_refused(
    server: ModelServer, orch_home: Home, tmp_path: Path
) -> None:
    elsewhere(server, orch_home)

    async def refused(desktop: Desktop, opened: list[Event]) -> None:
        with pytest.raises(PrivateTurn, match=r"This turn is private, and .* runs at"):
            await events(desktop.session.turn("/private secret"))
        with pytest.raises(PrivateTurn):
            await desktop.session.outbound("/private secret")

    with_session(tmp_path, refused)
    assert bodies(server) == []
    elsewhere(server, orch_home, f"openai:{MODEL},phi-3-mini")

    async def no_local(desktop: Desktop, opened: list[Event]) -> None:
        with pytest.raises(ModelError, match="no model of this machine"):
            await events(desktop.session.turn("/private secret"))

    with_session(tmp_path, no_local)


def test_a_model_on_this_machine_gets_everything(
    server: ModelServer, orch_home: Home, tmp_path: Path
) -> None:
    elsewhere(server, orch_home)
    config.store(orch_home.config, "server.url", f"http://127.0.0.1:{server.port}/v1")
    done = orch("ask", f"/private I earn {SALARY}, and {TOKEN} is my token", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "leave this machine" not in done.stderr
    assert SALARY in json.dumps(bodies(server))
    assert TOKEN in json.dumps(bodies(server))


def test_calls_and_answers_are_redacted_too_and_the_same_text_always_alike() -> None:
    call = ToolCall("write", {"path": "a", "content": f"token = '{TOKEN}'"})
    messages = (
        Message("user", "write it"),
        Message("assistant", json.dumps(dict(call.arguments)), call=call, ids=(1, 2)),
        Message("tool", f"wrote {TOKEN}", name="write"),
        Message("user", "mine", private=True),
        Message("user", "and now?"),
    )
    left = leaving(GenerateRequest(messages, ()))
    assert TOKEN not in str(left)
    assert [message.role for message in left.messages] == ["user", "assistant", "tool", "user"]
    assert left.messages[1].ids == (), "ids would be the secret again"
    assert leaving(GenerateRequest(messages, ())) == left
    assert left.messages[0] is messages[0]
