"""Asking a hub, typed: what a device needs of it besides sync."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.errors import HubError
from orchestrator.remote.invitation import Invitation
from orchestrator.remote.run_events import PING_S, RunEvent, decode
from orchestrator.terminal import one_line
from orchestrator.workspaces.peers import Peer

if TYPE_CHECKING:
    import httpx

MOST_ANSWER = 1 << 20
_CONNECT_S = 5.0
SILENT_S = 3 * PING_S
"""A stream without even a ping for so long is gone."""


def pair_with(invitation: Invitation, device: str, name: str = "") -> Peer:
    """Use an invitation up. Raises `HubError`."""
    import httpx  # 0.2 s

    body = {"secret": invitation.secret, "device": device}
    try:
        response = httpx.post(f"{invitation.url}/pair", json=body, timeout=30, follow_redirects=False)
    except httpx.HTTPError as error:
        raise _unreachable(invitation.url, error) from error
    if response.status_code != 200:
        raise refused(response.status_code, response.content)
    try:
        told = response.json()
        token, hub, projects = str(told["token"]), str(told["hub"]), told["projects"]
        listed = None if projects is None else tuple(map(str, projects))
    except (ValueError, KeyError, TypeError) as error:
        raise HubError(f"{invitation.url} is no hub of orch.", "Check the address.") from error
    return Peer(name or str(urlsplit(invitation.url).hostname), invitation.url, hub, token, listed)


class HubClient:
    """Questions to one peer. Every error is a `HubError`; `status` 0 where it did not answer."""

    def __init__(self, peer: Peer) -> None:
        import httpx

        self._url = peer.url
        self._client = httpx.AsyncClient(
            base_url=peer.url,
            headers={"Authorization": f"Bearer {peer.token}"},
            timeout=httpx.Timeout(SILENT_S, connect=_CONNECT_S),
            follow_redirects=False,
        )

    async def __aenter__(self) -> HubClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def ask(
        self, prompt: str, *, key: str, project: str = "", fresh: bool = False
    ) -> AsyncIterator[RunEvent]:
        """A new run's events; the same `key` again gives the same run, from its start."""
        body = {"prompt": prompt, "project": project, "fresh": fresh, "recorded": True}
        return self._events("POST", "/chat/stream", json=body, headers={"Idempotency-Key": key})

    def resume(self, run: str, after: int) -> AsyncIterator[RunEvent]:
        """The events of a run after the one with this id."""
        return self._events("GET", f"/runs/{run}/events", headers={"Last-Event-ID": str(after)})

    async def healthy(self, most_s: float) -> bool:
        """Whether a hub answers within so many seconds."""
        async with self._asked("GET", "/health", timeout=most_s):
            return True

    async def cancel(self, run: str) -> None:
        async with self._asked("DELETE", f"/runs/{run}"):
            pass

    async def set_state(self, status: str, context_version: str) -> None:
        body = {"status": status, "context_version": context_version}
        async with self._asked("POST", "/device/state", json=body):
            pass

    async def _events(self, method: str, path: str, **more: Any) -> AsyncIterator[RunEvent]:
        import httpx

        async with self._asked(method, path, **more) as response:
            try:
                async for event in decode(response.aiter_lines()):
                    yield event
            except httpx.HTTPError as error:
                raise _unreachable(self._url, error) from error
            except ValueError as error:
                raise HubError(f"{self._url} sent no run ({error}).", "Update orch on both sides.") from error

    @asynccontextmanager
    async def _asked(self, method: str, path: str, **more: Any) -> AsyncIterator[httpx.Response]:
        import httpx

        try:
            request = self._client.build_request(method, path, **more)
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _unreachable(self._url, error) from error
        try:
            if response.status_code >= 300:
                data = b""
                async for piece in response.aiter_bytes():
                    data += piece
                    if len(data) > MOST_ANSWER:
                        break
                raise refused(response.status_code, data)
            yield response
        finally:
            await response.aclose()


def refused(status: int, data: bytes) -> HubError:
    """What a hub said instead of an answer."""
    try:
        told = json.loads(data)
        message, remedy = (one_line(str(told[name]), 300) for name in ("error", "remedy"))
    except (ValueError, KeyError, TypeError, RecursionError):
        message, remedy = f"The hub answered {status}.", "Check the address."
    return HubError(message, remedy, status=status)


def _unreachable(url: str, error: Exception) -> HubError:
    why = one_line(str(error) or type(error).__name__, 200)
    return HubError(f"{url} cannot be reached: {why}.", "See that `orch serve` runs there.", status=0)
