"""What every connection to a model server goes through, and how its failures read.

A server is not trusted: it may redirect, compress a bomb, send a line without end, answer with a web
page, or stall. Keys never travel in the clear, and never to another host than the one configured.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import httpx

from orchestrator.errors import ConfigError, ServerError
from orchestrator.models.addresses import address, loopback
from orchestrator.terminal import one_line

MOST_BYTES_A_LINE = 32 << 20
"""A whole answer in one event is far below; what goes on is no line of this protocol."""
CONNECT_S = 5.0
_WIDTH = 200
_END_S = 0.2
"""Servers end the body with its last word; one that does not gets a connection more."""


class Guard(httpx.AsyncBaseTransport):
    """Passes requests on, and refuses what no honest server of this kind does. Raises `ServerError`.

    `server` names it for people. `clear_key` allows a key over plain http to another machine.
    """

    def __init__(self, server: str, url: str, *, ca_file: str = "", clear_key: bool = False) -> None:
        self._server = server
        self._origin = _origin(httpx.URL(url))
        self._clear_key = clear_key
        # A context costs 15 ms, and plain http has no use for one.
        verify = _context(ca_file) if self._origin[0] == "https" else False
        self._inner = httpx.AsyncHTTPTransport(verify=verify)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._check_key(request)
        request.headers["Accept-Encoding"] = "identity"  # nothing that could unfold to gigabytes
        response = await self._inner.handle_async_request(request)
        refusal = self._refusal(response)
        if refusal is not None:
            await response.aclose()
            raise refusal
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Bounded(response.stream, self._server)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _check_key(self, request: httpx.Request) -> None:
        if "authorization" not in request.headers:
            return
        if _origin(request.url) != self._origin:
            raise ServerError(f"{self._server} would have got its key sent to another host.", "Report this.")
        if request.url.scheme == "http" and not loopback(request.url.host) and not self._clear_key:
            raise ServerError(
                f"The key of {self._server} would travel unencrypted.",
                "Use https, unset the key, or `orch config set server.key_over_http allow`.",
            )

    def _refusal(self, response: httpx.Response) -> ServerError | None:
        if response.has_redirect_location:
            try:
                target = httpx.URL(response.headers["location"])
                where = (
                    f"{target.scheme}://{address(str(target))}"
                    if target.is_absolute_url
                    else "a path of its own"
                )
            except httpx.InvalidURL:
                where = "an address that is none"
            return ServerError(
                f"{self._server} redirects to {where}, and redirects are not followed.",
                "If that is the right address, set it.",
            )
        if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            return ServerError(f"{self._server} compresses its answers unasked.", "Switch that off there.")
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if response.is_success and kind in ("text/html", "application/xhtml+xml"):
            return ServerError(
                f"{self._server} answers with a web page.",
                "Is this the address of a model server, and does it need no login?",
            )
        return None


class _Bounded(httpx.AsyncByteStream):
    """The body, as long as its lines end."""

    def __init__(self, inner: httpx.AsyncByteStream, server: str) -> None:
        self._inner = inner
        self._server = server

    async def __aiter__(self) -> AsyncIterator[bytes]:
        line = 0
        async for chunk in self._inner:
            end = chunk.rfind(b"\n")
            line = line + len(chunk) if end < 0 else len(chunk) - end - 1
            if line > MOST_BYTES_A_LINE:
                raise ServerError(f"{self._server} sends a line without end.", "Is it a model server?")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def timeout(stall_s: float) -> httpx.Timeout:
    return httpx.Timeout(stall_s, connect=min(CONNECT_S, stall_s))


async def drain(rest: AsyncIterator[object]) -> None:
    """Read what is left of a body whose last word has come: then its connection serves the next request."""
    with contextlib.suppress(TimeoutError, httpx.TransportError, ServerError):
        async with asyncio.timeout(_END_S):
            async for _ in rest:
                pass


def failure(error: Exception, server: str, *, started: bool) -> ServerError:
    """The sentence for a connection that failed; `started`: after its first token."""
    if isinstance(error, ServerError):
        return error
    if _is_tls(error):
        return ServerError(
            f"The certificate of {server} is not valid: {_reason(error)}.",
            "Check the address; server.ca_file names a certificate authority of your own.",
        )
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | httpx.PoolTimeout | ConnectionError):
        return ServerError(f"{server} does not answer.", "Start it, or check its address.")
    if isinstance(error, httpx.TimeoutException):
        return ServerError(
            f"{server} has stalled: it sent nothing for too long.",
            "Ask again; `orch config set server.timeout_s` gives it longer.",
        )
    if isinstance(error, httpx.TransportError):
        when = "in the middle of its answer" if started else "before it answered"
        return ServerError(f"{server} closed the connection {when}.", "Ask again; its own log says why.")
    return ServerError(f"{server} sent what is not its protocol.", "Is this the right address for it?")


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _reason(error: Exception) -> str:
    """OpenSSL's own reason: what stands between `certificate verify failed:` and the source line."""
    text = str(error).split("certificate verify failed:")[-1].split(" (_ssl.c")[0]
    return one_line(text.strip(" .") or "verification failed", _WIDTH)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _context(ca_file: str) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"server.ca_file cannot be used: {error.strerror or error}.",
                "Name a file of certificates in PEM.",
            ) from error
    return context
