"""A real HTTP(S) server on loopback that speaks a model server's protocol, faults included.

What it streams are recordings in the documented format (`streams/`), or lines that a test makes.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STREAMS = Path(__file__).parent / "streams"
NDJSON, SSE, JSON, HTML = "application/x-ndjson", "text/event-stream", "application/json", "text/html"


def recorded(name: str) -> list[bytes]:
    """The lines of a recording, each as it came."""
    return (STREAMS / name).read_bytes().splitlines(keepends=True)


@dataclass
class Asked:
    """A request as it came; `client` is the port that it came from: one a connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    client: int = 0


@dataclass
class Answer:
    """What the server sends back. A callable in `body` is run in its place; `drop` ends without an end."""

    body: Iterable[bytes | Callable[[], object]] = ()
    kind: str = JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer([json.dumps(value).encode()], JSON, status, headers)


class ModelServer:
    """`answers` by path: a list is used up in order, its last one stays; or a function of the request.

    `hung_up` is set when a client went away in the middle of an answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.answers: dict[str, list[Answer] | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        self.hung_up = threading.Event()
        self.stop = threading.Event()

    def to(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        raw = request.rfile.read(length)
        asked = Asked(
            request.command,
            request.path,
            {name.lower(): value for name, value in request.headers.items()},
            json.loads(raw) if raw else None,
            request.client_address[1],
        )
        self.asked.append(asked)
        found = self.answers.get(request.path.split("?")[0])
        if callable(found):
            self._send(request, found(asked))
        elif found:
            self._send(request, found.pop(0) if len(found) > 1 else found[0])
        else:
            self._send(request, as_json({"error": "not found"}, 404))

    def hold(self) -> Callable[[], object]:
        """Part of a body: say nothing until the client goes away or the test ends."""
        return lambda: _HOLD

    def _send(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        request.send_response(answer.status)
        request.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            for part in answer.body:
                data = part() if callable(part) else part
                if data is _HOLD:
                    self._wait(request.connection)
                elif isinstance(data, bytes):
                    request.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                    request.wfile.flush()
            if not answer.drop:
                request.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.hung_up.set()
        if answer.drop:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, connection: socket.socket) -> None:
        while not self.stop.is_set():
            if select.select([connection], [], [], 0.02)[0] and not connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError


_HOLD = object()


@contextmanager
def model_server(certificate: Path | None = None) -> Iterator[ModelServer]:
    """`certificate`: a PEM file with key and certificate; then it is https."""
    server = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.answer(self)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            return None

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.handle_error = lambda *args: None  # type: ignore[method-assign]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    server.port = http.server_port
    server.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        http.shutdown()
        http.server_close()
        thread.join()
