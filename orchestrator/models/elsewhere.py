"""Models that other programs have on this machine: a running Ollama, and the usual download folders.

Everything here only reads, and what it finds is a hint: a checksum decides.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.models.addresses import loopback
from orchestrator.models.catalog import Model

OLLAMA_TIMEOUT_S = 0.3
_MODELFILE_FROM = re.compile(r"^FROM\s+(\S.*)$", re.MULTILINE)


def ollama_url() -> str:
    """Where Ollama answers: `OLLAMA_HOST` as Ollama itself reads it, else its default address."""
    given = os.environ.get("OLLAMA_HOST", "").strip().strip("'\"")
    scheme = given.split("://")[0] if "://" in given else ""
    parts = urlsplit(given if scheme else f"http://{given}")
    host = parts.hostname or "127.0.0.1"
    if host in ("0.0.0.0", "::"):  # what a server listens on is not where a client goes
        host = "127.0.0.1"
    try:
        port = parts.port
    except ValueError:
        port = None
    port = port or {"http": 80, "https": 443}.get(scheme, 11434)
    return f"{scheme or 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model that Ollama has, as it says itself; what it does not say is empty or 0."""

    name: str
    bytes: int = 0
    parameters: str = ""
    quantisation: str = ""
    family: str = ""


def ollama_models() -> tuple[str, ...] | None:
    """Names that Ollama has; None when none answers within 0.3 s."""
    listed = ollama_listing()
    return None if listed is None else tuple(one.name for one in listed)


def ollama_listing() -> tuple[OllamaModel, ...] | None:
    """What Ollama has; None when none answers within 0.3 s."""
    answer = _ask("GET", "/api/tags", None)
    if answer is None:
        return None
    models = answer.get("models")
    items = models if isinstance(models, list) else []
    return tuple(
        _listed(item) for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)
    )


def _listed(item: dict[str, Any]) -> OllamaModel:
    about = item.get("details")
    details = about if isinstance(about, dict) else {}
    size = item.get("size")
    return OllamaModel(
        item["name"],
        size if isinstance(size, int) else 0,
        str(details.get("parameter_size") or ""),
        str(details.get("quantization_level") or ""),
        str(details.get("family") or ""),
    )


def ollama_is_usable() -> bool:
    """Whether the client is installed and the address is this machine's."""
    host = urlsplit(ollama_url()).hostname or ""
    return loopback(host) and importlib.util.find_spec("ollama") is not None


def candidates(model: Model) -> Iterator[tuple[Path, str]]:
    """Files that may be the model's GGUF, each with who has it, Ollama's first."""
    for name in set(model.ollama) & set(ollama_models() or ()):
        if blob := _ollama_blob(name):
            yield blob, f"Ollama ({name})"
    for pattern in _places(model.file) if model.file else ():
        for path in sorted(pattern[0].glob(pattern[1])):
            if path.is_file() and (not model.sha256 or path.stat().st_size == model.bytes):
                yield path, str(path)


def _places(file: str) -> list[tuple[Path, str]]:
    user = Path.home()
    hub = os.environ.get("HF_HOME")
    return [
        (Path(hub) if hub else user / ".cache/huggingface", f"hub/models--*/snapshots/*/{file}"),
        (user / ".cache/llama.cpp", f"*{file}"),
        (user / ".lmstudio/models", f"*/*/{file}"),
        (user / ".cache/lm-studio/models", f"*/*/{file}"),
    ]


def _ollama_blob(name: str) -> Path | None:
    answer = _ask("POST", "/api/show", {"model": name}) or {}
    match = _MODELFILE_FROM.search(str(answer.get("modelfile", "")))
    path = Path(match[1].strip()) if match else None
    with contextlib.suppress(OSError):
        if path and path.is_absolute() and path.is_file() and os.access(path, os.R_OK):
            return path
    return None


def _ask(method: str, path: str, body: object) -> dict[str, object] | None:
    """One question to Ollama; None when there is no sensible answer in time."""
    url = ollama_url()
    parts = urlsplit(url)
    with contextlib.suppress(OSError):
        # A plain connect first: importing httpx costs more than this does.
        socket.create_connection((parts.hostname, parts.port), OLLAMA_TIMEOUT_S).close()
        import httpx

        with contextlib.suppress(httpx.HTTPError, ValueError):
            response = httpx.request(method, url + path, json=body, timeout=OLLAMA_TIMEOUT_S, trust_env=False)
            answer = response.json() if response.is_success else None
            return answer if isinstance(answer, dict) else None
    return None
