"""The server: uvicorn, patient with answers and impatient with clients that never finish asking."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.errors import HubError

HEAD_S = 15.0
"""From the first byte of a connection, or of a request, until its head is whole."""
MOST_CONNECTIONS = 512
MOST_WAITING = 128
"""Connections that have asked nothing yet: of more, the oldest is let go, so that who is slow on purpose
keeps nobody out."""
GRACE_S = 10


class ImpatientProtocol(H11Protocol):
    """uvicorn waits for ever for the head of a request; this one lets go.

    `waiting` are the server's connections without one, oldest first.
    """

    _patience: asyncio.TimerHandle | None = None

    def __init__(self, waiting: dict[ImpatientProtocol, None], **more: Any) -> None:
        super().__init__(**more)
        self._waiting = waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        # asyncio does so only for sockets that were made with a protocol number. Else each answer, and each
        # piece of one, waits up to 40 ms for the acknowledgement of what was sent before it.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._patience is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_S, self._give_up)
        self._waiting[self] = None
        if len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting))._give_up()

    def _stop_waiting(self) -> None:
        self._waiting.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._stop_waiting()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class HubServer(uvicorn.Server):
    """Ends runs before it waits for the connections that listen to them."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def end() -> None:
            self.force_exit = self.should_exit  # the second one does not wait
            self.should_exit = True

        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        signs = [getattr(signal, name) for name in names if hasattr(signal, name)]
        previous = {sign: signal.getsignal(sign) for sign in signs}
        for sign in signs:
            signal.signal(sign, lambda *_: loop.call_soon_threadsafe(end))
        try:
            yield
        finally:
            for sign, handler in previous.items():
                signal.signal(sign, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._stop()
        await super().shutdown(sockets)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `HubError` where the address cannot be used."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise HubError(
            f"{host}:{port} cannot be listened to: {error.strerror or error}.",
            "Choose another --port, or end what listens there.",
        ) from error


def configured(app: Any, cert: str | None = None, key: str | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=partial(ImpatientProtocol, {}),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
