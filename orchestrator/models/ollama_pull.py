"""`orch model pull ollama:NAME`: Ollama fetches it itself, and says how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import httpx

from orchestrator.errors import DownloadError, ModelError
from orchestrator.models.addresses import address
from orchestrator.models.http_guard import failure
from orchestrator.models.ollama import client_of
from orchestrator.terminal import one_line

_STALL_S = 120.0
_UNREACHABLE = ("dial tcp", "no such host", "i/o timeout", "TLS handshake", "connection refused")
"""How Go, in which Ollama is written, says that it could not connect."""


async def pull(name: str, url: str, progress: Callable[[int, int], None], say: Callable[[str], None]) -> None:
    """Returns when Ollama has the model. `progress` hears bytes, of all layers known so far.

    Ollama keeps what it got, so that a pull after an interrupt goes on from there. Raises `ModelError`.
    """
    server = f"Ollama at {address(url)}"
    client = await client_of(url, server, _STALL_S, {})
    layers: dict[str, tuple[int, int]] = {}
    status = ""
    try:
        stream = await client.pull(name, stream=True)
        async with contextlib.aclosing(stream):
            async for part in stream:
                if part.total and part.digest:
                    layers[part.digest] = (part.completed or 0, part.total)
                    progress(
                        sum(done for done, _ in layers.values()), sum(total for _, total in layers.values())
                    )
                elif part.status and part.status != status:
                    say(f"{server}: {one_line(part.status, 100)}")
                status = part.status or status
    except Exception as error:
        raise _failed(error, server, name) from error
    finally:
        await client.close()
    if status != "success":
        raise DownloadError(f"{server} did not finish pulling {name}.", "Pull again: it goes on from there.")


def _failed(error: Exception, server: str, name: str) -> ModelError:
    if isinstance(error, ModelError):
        return error
    if (said := getattr(error, "error", None)) is None or isinstance(error, httpx.HTTPError):
        return failure(error, server, started=True)
    text = one_line(str(said), 200)
    if any(sign in text for sign in _UNREACHABLE):
        reason = one_line(text.split(": ")[-1], 80)
        return DownloadError(
            f"{server} cannot reach the library that has {name} ({reason}).",
            "Check that machine's network, then pull again: it goes on from there.",
        )
    if "does not exist" in text or "not found" in text:
        return DownloadError(f"Ollama's library has no model {name}.", "See its names at ollama.com/library.")
    return DownloadError(f"{server} could not pull {name}: {text}.", "Pull again: it goes on from there.")
