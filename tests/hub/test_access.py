"""Who may ask, and what is refused: over real HTTP."""

from __future__ import annotations

import contextlib
import gzip
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis

from orchestrator.hub.openapi import OPERATIONS
from orchestrator.hub.server import MOST_CONNECTIONS
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.sync.engine import SyncEngine
from orchestrator.sync.wire import CONTENT_TYPE, MAX_PAGE_BYTES, Received, decode_page, encode_page
from orchestrator.types import Entry
from tests.commands.orch import run
from tests.hub.served import Served, answers, heard, served

PAGE = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}
PROJECT, OTHER = "0e3f4a52-6f57-4b40-9a7e-2f3c1f0a9d11", "5d1f7c3e-1b1a-4d6e-8f7e-9c2b3a4d5e6f"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hub")
    with served(Home(folder / "home"), answers(folder / "s.json", *[{"answer": "yes"}] * 400)) as hub:
        yield hub


@pytest.fixture(scope="module")
def client(hub: Served) -> Iterator[httpx.Client]:
    with hub.pair("tester") as client:
        yield client


@schemathesis.serializer(CONTENT_TYPE)
def page(context: object, value: object) -> bytes:
    """What is not a page is sent as it comes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def test_a_secret_pairs_once(hub: Served) -> None:
    invitation = hub.invite("once")
    body = {"secret": invitation.secret, "device": secrets.token_hex(16)}
    assert httpx.post(f"{hub.url}/pair", json=body).status_code == 200
    again = httpx.post(f"{hub.url}/pair", json=body | {"device": secrets.token_hex(16)})
    assert again.status_code == 403
    assert "used" in again.json()["error"]


def test_only_health_and_pair_answer_without_a_token_and_guessing_is_slowed_down(tmp_path: Path) -> None:
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json")) as hub:
        wrong = {"Authorization": f"Bearer {secrets.token_hex(32)}"}
        for one in OPERATIONS:
            path = one.path.format(run="0" * 32, device="0" * 32)
            if path not in ("/health", "/pair"):
                response = httpx.request(one.method, hub.url + path, headers=wrong)
                assert response.status_code == 401, one.name
        guess = {"secret": secrets.token_hex(16), "device": secrets.token_hex(16)}
        guesses = [httpx.post(f"{hub.url}/pair", json=guess) for _ in range(3)]
        assert guesses[0].status_code == 403
        assert guesses[-1].status_code == 429
        assert int(guesses[-1].headers["retry-after"]) > 0


def test_revoking_takes_effect_at_once_on_open_streams(tmp_path: Path) -> None:
    home = Home(tmp_path / "hub")
    with served(home, answers(tmp_path / "s.json", {"pause": "I begin"})) as hub, hub.pair("lost") as client:
        with client.stream("POST", "/chat/stream", json={"prompt": "hi"}) as response:
            text = ""
            for piece in response.iter_text():
                begun, text = "event: token" in text, text + piece
                if not begun and "event: token" in text:
                    done = run("device", "revoke", "lost", cwd=tmp_path, ORCH_HOME=str(home.root))
                    assert done.returncode == 0, done.stderr
        assert not any(kind == "end" for _, kind, _ in heard(text))
        assert client.get("/openapi.json").status_code == 401


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"prompt": "\xff"}', {}, 400),
        (b'{"prompt": "\\ud800"}', {}, 400),
        (b'{"prompt": NaN}', {}, 400),
        (b'{"prompt": 1' + b"0" * 5000 + b"}", {}, 400),
        (b'{"prompt": ""}', {}, 422),
        (b'{"prompt": "/private x"}', {}, 422),
        (b'{"prompt": "x", "prject": ""}', {}, 422),
        (b'{"prompt": "x", "project": "nowhere"}', {}, 404),
        (b" " * 300_000, {}, 413),
        (gzip.compress(b'{"prompt": "x"}'), {"Content-Encoding": "gzip"}, 415),
        (b"prompt=x", {"Content-Type": "text/plain"}, 415),
    ],
    ids=[
        "cut off",
        "a list",
        "deep",
        "not UTF-8",
        "half a surrogate",
        "NaN",
        "long number",
        "empty",
        "private",
        "misspelt",
        "unknown project",
        "too large",
        "packed",
        "another type",
    ],
)
def test_bad_questions_are_refused(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = client.post("/chat", content=content, headers={"Content-Type": "application/json"} | headers)
    assert response.status_code == status, response.text
    assert response.json()["remedy"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"no gzip", 400),
        (gzip.compress(b"\xff\xfe\n"), 400),
        (gzip.compress(b"[" * 100_000 + b"\n"), 400),
        (gzip.compress(b"\0" * (MAX_PAGE_BYTES + 1)), 413),
    ],
    ids=["empty", "not packed", "not text", "deep", "bomb"],
)
def test_bad_pages_are_refused(client: httpx.Client, content: bytes, status: int) -> None:
    assert client.post("/sync/push", content=content, headers=PAGE).status_code == status
    assert client.get("/health").json()["status"] == "ok"


def test_a_device_syncs_the_projects_it_was_given_and_asks_about_what_it_synced(
    hub: Served, tmp_path: Path
) -> None:
    with (
        SqliteJournal.open(Home(tmp_path / "device")) as journal,
        hub.pair("worker", "--projects", PROJECT) as client,
    ):
        for project in (PROJECT, OTHER):
            body = {"text": "use Go", "by": "user", "status": "confirmed"}
            journal.append([Entry("decision", body, project, secrets.token_hex(16))])
        engine = SyncEngine(journal)
        for _ in range(2):  # the second time nothing is new
            for page in engine.pages({}):
                response = client.post("/sync/push", content=encode_page(page), headers=PAGE)
                received = Received.from_json(response.json())
                assert [one.reason for one in received.rejected] == ["this stream is not open to the sender"]
        assert received.stored == 0
        raw = client.send(client.build_request("GET", "/sync/pull"), stream=True)
        page = decode_page(b"".join(raw.iter_raw()))
        assert {key.stream for key in page.heads} <= {PROJECT, "node"}
        assert client.post("/chat", json={"prompt": "hi", "project": PROJECT}).json()["status"] == "done"
        assert client.post("/chat", json={"prompt": "hi", "project": OTHER}).status_code == 404
    briefing = hub.home.projects / PROJECT / "SESSION_BRIEFING.md"
    assert "use Go" in briefing.read_text(encoding="utf-8")


def test_a_client_that_never_ends_its_head_is_let_go(hub: Served) -> None:
    parts = urlsplit(hub.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_who_is_slow_on_purpose_keeps_nobody_out(hub: Served, client: httpx.Client) -> None:
    parts = urlsplit(hub.url)
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 50):
            slow = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=60))
            with contextlib.suppress(ConnectionResetError):  # let go already
                slow.sendall(b"GET /health HTTP/1.1\r\nX: ")
        assert client.get("/openapi.json").status_code == 200


def test_listening_wider_needs_tls_or_the_word_for_it(tmp_path: Path) -> None:
    done = run("serve", "--host", "0.0.0.0", cwd=tmp_path, ORCH_HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert "--insecure" in done.stderr


def test_the_document_drives_every_operation_without_a_server_error(
    hub: Served, client: httpx.Client
) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    headers = {name: client.headers[name] for name in ("authorization",)}
    identity = client.post("/chat", json={"prompt": "hi"}).json()["run"]
    device = client.headers["x-device"]
    empty = SyncEngine(SqliteJournal.open(Home(hub.home.root.parent / "empty"))).page({})
    good = {
        "health": {},
        "pair": {"body": {"secret": hub.invite("fuzz").secret, "device": secrets.token_hex(16)}},
        "chat": {"body": {"prompt": "hi"}},
        "chat_stream": {"body": {"prompt": "hi"}},
        "run_events": {"path_parameters": {"run": identity}},
        "cancel": {"path_parameters": {"run": identity}},
        "state": {"body": {"status": "idle", "context_version": "1"}},
        "history": {"path_parameters": {"device": device}},
        "push": {},
        "pull": {},
        "openapi": {},
    }
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name == "push":
            status = client.post("/sync/push", content=encode_page(empty), headers=PAGE).status_code
        else:
            status = operation.Case(**good[name]).call(base_url=hub.url, headers=headers).status_code
        assert 200 <= status < 300, name
        _fuzz(operation, hub.url, headers)
    assert client.get("/health").json()["status"] == "ok"


def _fuzz(operation: object, url: str, headers: dict[str, str]) -> None:
    from hypothesis import HealthCheck, given, settings

    @given(case=operation.as_strategy())  # type: ignore[attr-defined]
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def no_server_error(case: object) -> None:
        response = case.call(base_url=url, headers=headers)  # type: ignore[attr-defined]
        assert response.status_code < 500, response.text

    no_server_error()
