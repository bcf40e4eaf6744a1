"""The link over HTTP: what passes is tried again, what does not is one sentence, nothing is believed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.errors import OrchError
from orchestrator.sync import wire
from orchestrator.sync.client import HttpLink
from orchestrator.sync.exchange import exchange
from orchestrator.sync.wire import decode_page, decode_vector, encode_page
from tests.sync.nodes import Node

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    made = Node(tmp_path, "client"), Node(tmp_path, "server")
    yield made
    for node in made:
        node.close()


def link(answer: Answer, waits: list[float] | None = None) -> HttpLink:
    def streamed(request: httpx.Request) -> httpx.Response:  # as from a socket: not read yet
        made = answer(request)
        if made.is_stream_consumed:
            made = httpx.Response(
                made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content)
            )
        return made

    waited = [] if waits is None else waits
    return HttpLink("http://hub", "secret", transport=httpx.MockTransport(streamed), wait=waited.append)


def hub(node: Node) -> Answer:
    """As the hub's endpoints answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer secret"
        if request.method == "GET":
            page = node.engine.page(decode_vector(request.url.params["vector"]))
            return httpx.Response(200, stream=httpx.ByteStream(encode_page(page)))
        received = node.engine.receive(decode_page(request.content))
        return httpx.Response(409 if received.forked else 200, json=received.to_json())

    return answer


def test_a_sync_through_failures_that_pass_and_a_limit_on_bodies(nodes: tuple[Node, Node]) -> None:
    client, server = nodes
    for number in range(40):
        client.append("note", f"{number} {'lamp' * number}", "p1")
    server.append("note", "there", "p1")
    honest, calls = hub(server), 0

    def flaky(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        if calls == 1:
            return httpx.Response(503, headers={"Retry-After": "7"})
        if calls == 2:
            raise httpx.ReadTimeout("too slow")
        return httpx.Response(413) if len(request.content) > 2000 else honest(request)

    waits: list[float] = []
    done = exchange(client.engine, link(flaky, waits))
    assert (done.pulled, done.pushed) == (1, 40)
    assert client.shared() == server.shared()
    assert 3.5 <= waits[0] <= 7
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda _: httpx.Response(401), "Pair it again"),
        (lambda _: httpx.Response(403), "sync"),
        (lambda _: httpx.Response(404), "no hub"),
        (lambda _: httpx.Response(302, headers={"Location": "http://elsewhere"}), "302"),
        (lambda _: httpx.Response(500, json={"message": "full\x1b[31m"}), "full"),
        (lambda _: httpx.Response(200, stream=httpx.ByteStream(b"<html>")), "gzip"),
        (
            lambda _: httpx.Response(
                200, stream=httpx.ByteStream(gzip.compress(bytes(wire.MAX_PAGE_BYTES * 2)))
            ),
            "more than",
        ),
        (lambda _: httpx.Response(200, stream=httpx.ByteStream(bytes(wire.MAX_PAGE_BYTES + 1))), "end"),
    ],
)
def test_what_the_peer_refuses_or_gets_wrong_is_one_sentence(answer: Answer, sentence: str) -> None:
    with pytest.raises(OrchError, match=sentence) as error:
        link(answer).pull({})
    assert "\x1b" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_record_that_no_limit_lets_through_is_told(nodes: tuple[Node, Node]) -> None:
    nodes[0].append("note", "lamp", "p1")
    empty = encode_page(wire.Page())
    answers: Answer = lambda request: httpx.Response(  # noqa: E731
        413 if request.method == "POST" else 200, stream=httpx.ByteStream(empty)
    )
    with pytest.raises(OrchError, match="client_max_body_size"):
        exchange(nodes[0].engine, link(answers))


def test_a_peer_that_sends_the_same_page_for_ever_is_left(nodes: tuple[Node, Node]) -> None:
    page = encode_page(wire.Page(more=True))
    with pytest.raises(OrchError, match="again and again"):
        exchange(nodes[0].engine, link(lambda _: httpx.Response(200, stream=httpx.ByteStream(page))))


def test_sync_loads_nothing_that_a_phone_lacks() -> None:
    code = (
        "import sys, orchestrator.sync.client, orchestrator.sync.exchange, orchestrator.journal.store\n"
        "import httpx\n"
        "heavy = {'textual', 'git', 'ollama', 'llama_cpp', 'pydantic', 'starlette', 'uvicorn'}\n"
        "bad = heavy & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
