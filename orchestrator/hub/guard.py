"""Before every request: who asks, and how often. After it: one line in the log, without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.errors import HubError, JournalError, OrchError
from orchestrator.hub.answer import error_response
from orchestrator.hub.devices import Device, Devices
from orchestrator.hub.limits import Rate
from orchestrator.terminal import one_line

OPEN = ("/health", "/pair")
"""All that answers without a token."""
DEVICE = "orch.device"
_SENT = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, slots=True)
class Access:
    """A request that was answered. `path` has no query, `device` is a name, "" where none was known."""

    client: str
    device: str
    method: str
    path: str
    status: int
    duration_ms: int


class Guard:
    def __init__(
        self,
        app: ASGIApp,
        devices: Devices,
        log: Callable[[Access], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._devices = devices
        self._log = log
        self.failures = Rate(burst=10, each_s=30, now=now)
        self._strangers = Rate(burst=60, each_s=0.2, now=now)
        self._asked = Rate(burst=400, each_s=0.02, now=now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *_SENT]}
            await send(message)

        client = scope["client"][0] if scope.get("client") else ""
        scope.update({"app": self, DEVICE: None})  # starlette then raises what we answer
        try:
            try:
                scope[DEVICE] = self._admitted(scope, client)
                await self._app(scope, receive, sending)
            except HubError as error:
                if scope["path"] == "/pair" and error.status == 403:
                    self.failures.spend(client)
                await self._refuse(error, scope, receive, sending, status)
            except HTTPException as error:
                refusal = HubError(str(error.detail), "See /openapi.json.", status=error.status_code)
                await self._refuse(refusal, scope, receive, sending, status, error.headers)
            except JournalError as error:
                refusal = HubError(error.message, error.remedy, status=507, retry_after=60)
                await self._refuse(refusal, scope, receive, sending, status)
            except OrchError as error:
                await self._refuse(HubError(error.message, error.remedy), scope, receive, sending, status)
            except Exception:  # one request must not end the hub
                logging.getLogger(__name__).exception("A request failed unexpectedly.")
                refusal = HubError("The hub made a mistake.", "Its log says more.", status=500)
                await self._refuse(refusal, scope, receive, sending, status)
        finally:
            device = scope[DEVICE].name if scope[DEVICE] else ""
            duration = round((time.monotonic() - started) * 1000)
            path = one_line(scope["path"], 200)
            self._log(Access(client, one_line(device, 64), scope["method"][:16], path, status, duration))

    def _admitted(self, scope: Scope, client: str) -> Device | None:
        """Raises `HubError`: 401 without a valid token, 429 for who asks too often."""
        if scope["path"] in OPEN:
            rates = (self._strangers, self.failures) if scope["path"] == "/pair" else (self._strangers,)
            self._wait(max(rate.wait(client) for rate in rates))
            self._strangers.spend(client)
            return None
        device = self._devices.of_token(token) if (token := _token(scope)) else None
        if device is None:
            self._wait(self.failures.wait(client))
            self.failures.spend(client)
            raise HubError(
                "This needs the token of a paired device.",
                "Pair it: `orch device add NAME` here.",
                status=401,
            )
        self._wait(self._asked.wait(device.id))
        self._asked.spend(device.id)
        with suppress(JournalError):  # on a full disk a device may still read
            self._devices.seen(device)
        return device

    def _wait(self, seconds: int) -> None:
        if seconds:
            raise HubError("Too many requests.", "Ask more slowly.", status=429, retry_after=seconds)

    async def _refuse(
        self,
        error: HubError,
        scope: Scope,
        receive: Receive,
        send: Send,
        begun: int,
        headers: object = None,
    ) -> None:
        if begun:  # the answer is half sent: only the connection can say that it failed
            return
        response = error_response(error)
        if isinstance(headers, dict):
            response.headers.update(headers)
        await response(scope, receive, send)


def _token(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return ""
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
