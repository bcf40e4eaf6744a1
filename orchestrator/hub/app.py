"""The hub's endpoints. Starlette routes requests to them, the guard admits them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from orchestrator.errors import BadPage, HubError, JournalError, PageTooLarge
from orchestrator.hub import body, history
from orchestrator.hub.answer import EventStream, Listening, run_json, until_gone
from orchestrator.hub.conversations import Asked
from orchestrator.hub.devices import Device
from orchestrator.hub.guard import DEVICE, Access, Guard
from orchestrator.hub.openapi import MOST_PROMPT, NDJSON, OPERATIONS, Operation, document
from orchestrator.hub.run import Run
from orchestrator.hub.service import Hub
from orchestrator.journal.store import NODE
from orchestrator.sync import wire

Handler = Callable[[Request], Awaitable[Response]]
PRIVATE = "/private"


def app(hub: Hub, log: Callable[[Access], None]) -> Guard:
    """The ASGI application."""
    endpoints = Endpoints(hub)
    routes = [
        Route(one.path, _scoped(getattr(endpoints, one.name), one), methods=[one.method])
        for one in OPERATIONS
    ]
    return Guard(Router(routes, redirect_slashes=False), hub.devices, log)


def _scoped(handler: Handler, one: Operation) -> Handler:
    @functools.wraps(handler)
    async def checked(request: Request) -> Response:
        if one.scope and one.scope not in _device(request).scopes:
            raise HubError(f"This device may not {one.scope}.", "Pair it with that scope.", status=403)
        return await handler(request)

    return checked


def _device(request: Request) -> Device:
    found = request.scope[DEVICE]
    assert isinstance(found, Device)
    return found


class Endpoints:
    """One method an operation of `openapi.OPERATIONS`, by name."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._document = document(hub.version)

    async def health(self, request: Request) -> Response:
        told = {"status": "ok", "version": self._hub.version, "device": ""}
        try:
            told["device"] = self._hub.journal.device[0]
            self._hub.database.rows("SELECT 1")
        except JournalError:
            return JSONResponse(told | {"status": "failing"}, 503)
        return JSONResponse(told)

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(self._document)

    async def pair(self, request: Request) -> Response:
        given = await body.json_object(request)
        body.only(given, "secret", "device")
        secret, claimed = body.text(given, "secret", most=64), body.text(given, "device", most=64)
        device, token = self._hub.devices.pair(secret, claimed)
        return JSONResponse(
            {
                "token": token,
                "hub": self._hub.journal.device[0],
                "name": device.name,
                "scopes": list(device.scopes),
                "projects": None if device.projects is None else list(device.projects),
            }
        )

    # --- runs -----------------------------------------------------------------------------------

    async def chat(self, request: Request) -> Response:
        run, wait = await self._asked(request)
        if not wait:
            return JSONResponse(run_json(run), 202)
        with Listening(run, self._hub.clock.now_ms):
            await until_gone(run.finished(), request.receive)
        if run.shut:
            raise HubError("This device was revoked.", "Pair it again.", status=401)
        return JSONResponse(run_json(run))

    async def chat_stream(self, request: Request) -> Response:
        run, _ = await self._asked(request)
        return EventStream(run, 0, self._hub.clock.now_ms)

    async def run_events(self, request: Request) -> Response:
        run = self._hub.runs.get(request.path_params["run"], _device(request).id)
        last = request.headers.get("last-event-id")
        after = body.number(last, "Last-Event-ID", default=0, least=0, most=2**31)
        return EventStream(run, after, self._hub.clock.now_ms)

    async def cancel(self, request: Request) -> Response:
        run = self._hub.runs.get(request.path_params["run"], _device(request).id)
        if not run.ended:
            await self._hub.runs.cancel(run)
        return JSONResponse(run_json(run))

    async def _asked(self, request: Request) -> tuple[Run, bool]:
        given = await body.json_object(request)
        body.only(given, "prompt", "project", "fresh", "wait", "recorded")
        device = _device(request)
        prompt = body.text(given, "prompt", most=MOST_PROMPT).strip()
        project = body.text(given, "project", least=0, most=36, default="")
        fresh, wait = body.flag(given, "fresh", False), body.flag(given, "wait", True)
        recorded = body.flag(given, "recorded", False)
        if not prompt:
            raise HubError("The prompt is empty.", "Ask something.", status=422)
        if prompt.startswith(PRIVATE):
            raise HubError("What is private stays where it was written.", "Ask it there.", status=422)
        if project and not device.may_see(project):
            project = "?"  # answered as one that is not known
        if project:
            await asyncio.to_thread(self._hub.projects.open, project)
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 128:
            raise HubError("An Idempotency-Key has 1 to 128 characters.", "Use a UUID.", status=422)
        return self._hub.runs.submit(Asked(device.id, project, prompt, fresh, recorded), key), wait

    # --- devices --------------------------------------------------------------------------------

    async def state(self, request: Request) -> Response:
        given = await body.json_object(request)
        body.only(given, "status", "context_version")
        status = body.text(given, "status", most=64)
        version = body.text(given, "context_version", least=0, most=128)
        device = _device(request)
        seen = self._hub.devices.set_state(device, status, version)
        told: dict[str, Any] = {"device_id": device.id, "last_seen": seen, "status": status}
        return JSONResponse(told | {"context_version": version})

    async def history(self, request: Request) -> Response:
        device, query = _device(request), request.query_params
        if request.path_params["device"] != device.id:
            raise HubError(
                "A device reads its own history only.", "Use the id it was paired with.", status=404
            )
        before = body.number(query.get("before"), "before", default=2**53, least=1, most=2**53)
        limit = body.number(query.get("limit"), "limit", default=50, least=1, most=history.MOST)
        project = query.get("project", "")
        found = await asyncio.to_thread(
            lambda: history.page(self._hub.journal, device, before=before, limit=limit, project=project)
        )
        return JSONResponse(found)

    # --- sync -----------------------------------------------------------------------------------

    async def push(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != wire.CONTENT_TYPE:
            raise HubError(f"A page is {wire.CONTENT_TYPE}, packed.", "Say so in Content-Type.", status=415)
        data = await body.raw(request, wire.MAX_PAGE_BYTES)
        streams = _streams(_device(request))

        def take() -> wire.Received:
            return self._hub.sync.receive(wire.decode_page(data), streams)

        async with self._hub.pushing:  # one after the other; a page is one transaction
            received = await _translated(take)
        return JSONResponse(received.to_json(), 409 if received.forked else 200)

    async def pull(self, request: Request) -> Response:
        text, streams = request.query_params.get("vector", ""), _streams(_device(request))

        def give() -> bytes:
            return wire.encode_page(self._hub.sync.page(wire.decode_vector(text), streams))

        data = await _translated(give)
        return Response(data, media_type=NDJSON, headers={"content-encoding": "gzip"})


async def _translated(work: Callable[[], Any]) -> Any:
    """In a thread, with what a peer sent wrong as the status that says it."""
    try:
        return await asyncio.to_thread(work)
    except PageTooLarge as error:
        raise HubError(error.message, error.remedy, status=413) from error
    except BadPage as error:
        raise HubError(error.message, error.remedy, status=400) from error


def _streams(device: Device) -> frozenset[str] | None:
    """What this device may see as a whole; None: all, but for what is private."""
    return None if device.projects is None else frozenset((*device.projects, NODE))
