"""A peer's `orch serve` over HTTP: the link that a sync goes through.

The peer is not trusted: no redirect is followed, and what it sends is capped before and after unpacking.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from orchestrator.errors import PageTooLarge, SyncError
from orchestrator.sync import wire
from orchestrator.sync.wire import Page, Received, Vector, decode_page, encode_page, encode_vector
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    import httpx

PULL, PUSH = "/sync/pull", "/sync/push"
_ATTEMPTS = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 20.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_URL = 60_000
_MAX_TOLD = 300
_TIMES = {"connect": 5.0, "read": 60.0, "write": 60.0, "pool": 5.0}

Wait = Callable[[float], None]


class HttpLink:
    """`exchange.Link` to `url`. `wait` sleeps between attempts; `tell` hears why there is another one."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        wait: Wait | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        import httpx  # 0.2 s

        self._host = one_line(httpx.URL(url).netloc.decode("ascii", "replace"), 200)
        self._wait = wait or _sleep
        self._tell = tell
        self._client = httpx.Client(
            base_url=url,
            transport=transport,
            timeout=httpx.Timeout(None, **_TIMES),
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def pull(self, vector: Vector) -> Page:
        text = encode_vector(vector)
        if len(text) > _MAX_URL:
            raise SyncError(
                "This node knows too many chains of records to ask for all at once.", "Sync fewer projects."
            )
        status, data = self._ask("GET", PULL, params={"vector": text})
        if status != 200:
            raise self._refused(status, data)
        return decode_page(data)

    def push(self, page: Page) -> Received:
        headers = {"Content-Type": wire.CONTENT_TYPE, "Content-Encoding": "gzip"}
        status, data = self._ask("POST", PUSH, content=encode_page(page), headers=headers)
        if status == 413:
            raise PageTooLarge(
                f"{self._host} takes no page as small as one record of this node.",
                "Raise its limit for request bodies (in Nginx: client_max_body_size 16m).",
            )
        if status not in (200, 409):
            raise self._refused(status, data)
        return Received.from_json(_json(data))

    def _ask(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        """Status and body. What may pass is tried again, later each time, with jitter."""
        import httpx

        pause = _FIRST_WAIT_S
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._client.stream(method, path, **more) as response:
                    status = response.status_code
                    data = _capped(response)
                    asked = response.headers.get("Retry-After", "")
                if status not in _PASSING or attempt == _ATTEMPTS:
                    return status, data
                why = f"it answered {status}"
                if asked.isdecimal():
                    pause = max(pause, min(float(asked), _LONGEST_WAIT_S))
            except httpx.TransportError as error:
                if attempt == _ATTEMPTS:
                    raise self._unreachable(error) from error
                why = one_line(str(error) or type(error).__name__, 100)
            length = random.uniform(pause / 2, pause)
            self._tell(f"{self._host}: {why}; again in {length:.1f} s.")
            self._wait(length)
            pause = min(pause * 2, _LONGEST_WAIT_S)
        raise AssertionError("unreachable")

    def _unreachable(self, error: Exception) -> SyncError:
        return SyncError(
            f"{self._host} cannot be reached: {one_line(str(error) or type(error).__name__, 200)}.",
            "See that `orch serve` runs there; nothing is lost, the next sync goes on from here.",
        )

    def _refused(self, status: int, data: bytes) -> SyncError:
        if status == 401:
            return SyncError(
                f"{self._host} does not know this device (any more).", "Pair it again: `orch pair`."
            )
        if status == 403:
            return SyncError(f"{self._host} does not let this device sync.", "Ask who runs it.")
        if status == 404:
            return SyncError(f"{self._host} is no hub of orch.", "Check the address.")
        told = _told(data)
        return SyncError(f"{self._host} answered {status}{f': {told}' if told else ''}.", "Try again later.")


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)  # unlike time.sleep, interrupted at once on every platform


def _capped(response: httpx.Response) -> bytes:
    """The body as it came over the line, still packed."""
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > wire.MAX_PAGE_BYTES:
            raise SyncError("The peer's answer does not end.", "Update orch on both sides.")
    return bytes(data)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _told(data: bytes) -> str:
    """The sentence in an error's body, where there is one."""
    body = _json(data)
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and isinstance(body.get(name), str):
            return one_line(body[name], _MAX_TOLD).rstrip(".")
    return ""
