"""What a request carries, as values: capped while it comes, strict once it is here."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from orchestrator.errors import HubError

MOST_JSON = 256 * 1024
BODY_S = 30.0
"""A whole body must be here by then, however slowly it comes."""


async def raw(request: Request, most: int) -> bytes:
    """Raises `HubError`: 413 over `most` bytes, 408 when it takes too long, 400 when the client left."""
    claimed = request.headers.get("content-length", "")
    if claimed.isascii() and claimed.isdigit() and int(claimed[:18]) > most:
        _too_large(most)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    _too_large(most)
                pieces.append(piece)
    except TimeoutError:
        raise HubError("The request did not come to its end.", "Send it again.", status=408) from None
    except ClientDisconnect:
        raise HubError("The client left.", status=400) from None
    return b"".join(pieces)


async def json_object(request: Request) -> dict[str, Any]:
    """Raises `HubError`: 415 for another type, 400 for what is no JSON object, and as `raw`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HubError("The body must be application/json.", "Say so in Content-Type.", status=415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HubError("The body must not be compressed.", "Send it as it is.", status=415)
    data = await raw(request, MOST_JSON)
    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise HubError("The body is no JSON in UTF-8.", "Send one JSON object.", status=400) from None
    if not isinstance(value, dict):
        raise HubError("The body is no JSON object.", "Send one JSON object.", status=400)
    return value


def text(value: dict[str, Any], name: str, *, most: int, least: int = 1, default: str | None = None) -> str:
    """A text of `least` to `most` characters. Raises `HubError` (422)."""
    given = value.get(name, default)
    if not isinstance(given, str) or not least <= len(given) <= most or "\0" in given:
        raise HubError(
            f"{name} takes text of {least} to {most} characters.", "See /openapi.json.", status=422
        )
    return given


def flag(value: dict[str, Any], name: str, default: bool) -> bool:
    given = value.get(name, default)
    if not isinstance(given, bool):
        raise HubError(f"{name} takes true or false.", "See /openapi.json.", status=422)
    return given


def only(value: dict[str, Any], *names: str) -> None:
    """Raises `HubError` (422) for a name that is not known: a slip would be passed over in silence."""
    if unknown := sorted(set(value) - set(names)):
        raise HubError(f"{unknown[0][:64]!r} is not known here.", f"Known: {', '.join(names)}.", status=422)


def number(given: str | None, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number of a query or a header. Raises `HubError` (422)."""
    if given is None:
        return default
    if given.isascii() and given.isdigit() and least <= int(given[:18]) <= most:
        return int(given[:18])
    raise HubError(f"{name} takes a whole number from {least} to {most}.", "See /openapi.json.", status=422)


def _too_large(most: int) -> NoReturn:
    raise HubError(f"The body exceeds {most:,} bytes.", "Send less at once.", status=413)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
