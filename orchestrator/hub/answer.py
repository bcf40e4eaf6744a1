"""What is sent back: JSON, errors in one form, and streams that notice when their listener has left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from orchestrator.errors import HubError
from orchestrator.hub.run import Run

STALLED_S = 60.0
"""A listener that takes nothing for so long is let go."""


def error_response(error: HubError) -> Response:
    headers = {}
    if error.retry_after:
        headers["retry-after"] = str(error.retry_after)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse({"error": error.message, "remedy": error.remedy}, error.status, headers=headers)


def run_json(run: Run) -> dict[str, Any]:
    """A run as a whole."""
    answer, error, end = (run.of_type(kind) for kind in ("answer", "error", "end"))
    told = answer.data if answer else {"text": "", "citation": "", "interrupted": False, "usage": {}}
    return {
        "run": run.id,
        "status": end.data["status"] if end else run.status,
        "position": run.position,
        "session": run.session,
        "model": run.model,
        **told,
        "error": error.data if error else None,
    }


class Listening:
    """Counts a listener of a run while it is there."""

    def __init__(self, run: Run, now_ms: Callable[[], int]) -> None:
        self._run = run
        self._now_ms = now_ms

    def __enter__(self) -> None:
        self._run.listeners += 1

    def __exit__(self, *_: object) -> None:
        self._run.listeners -= 1
        self._run.left = self._now_ms()


class EventStream(Response):
    """A run as server-sent events. Whoever leaves ends the stream and not the run."""

    media_type = "text/event-stream"

    def __init__(self, run: Run, after: int, now_ms: Callable[[], int]) -> None:
        super().__init__(None, 200, {"x-run-id": run.id, "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._run = run
        self._after = after
        self._now_ms = now_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with Listening(self._run, self._now_ms):
            await until_gone(self._send(send), receive)

    async def _send(self, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(head)
        async for piece in self._run.stream(self._after):
            async with asyncio.timeout(STALLED_S):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def until_gone(work: Awaitable[None], receive: Receive) -> bool:
    """Do it, or until the client leaves; whether it was done. Nothing else listens for that here."""
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            with contextlib.suppress(TimeoutError, OSError):
                doing.result()
            return True
        return False
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
