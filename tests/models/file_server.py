"""A real HTTP server on loopback that gives one file, with the faults a test asks for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """`cuts` are byte counts after which an answer's connection is dropped, one an answer.

    `gate`, when set, is waited for before the last byte of an answer. `ranges` are the Range
    headers that came ("" for none).
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.etag = '"one"'
        self.status = 200
        self.takes_ranges = True
        self.cuts: list[int] = []
        self.gate: threading.Event | None = None
        self.ranges: list[str] = []
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.ranges.append(request.headers.get("Range", ""))
        if self.status != 200:
            request.send_error(self.status)
            return
        start = self._start(request)
        if start and start >= len(self.data):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.data)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.data[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        cut = self.cuts.pop(0) if self.cuts else len(body)
        request.wfile.write(body[: min(cut, len(body) - 1)])
        request.wfile.flush()
        if self.gate:
            self.gate.wait(300)
        if cut >= len(body):
            request.wfile.write(body[-1:])

    def _start(self, request: BaseHTTPRequestHandler) -> int:
        wanted = request.headers.get("Range", "")
        same = request.headers.get("If-Range", self.etag) == self.etag
        return int(wanted[6:-1]) if wanted and same and self.takes_ranges else 0


@contextmanager
def serving(data: bytes) -> Iterator[FileServer]:
    files = FileServer(data)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files.answer(self)

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    files.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
