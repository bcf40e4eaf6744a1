"""What kind of OpenAI-style server answers, and what it can do. Pure, but for the questions it asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any, Literal

from orchestrator.errors import NoModel
from orchestrator.models.wire import Dialect, Served

Flavour = Literal["llama-server", "llama_cpp.server", "vllm", "lm-studio", "other"]
Get = Callable[[str], Awaitable[Any]]
"""Takes an address, returns what it answers as JSON; None where it does not."""

_OWNERS: dict[str, Flavour] = {
    "llamacpp": "llama-server",
    "me": "llama_cpp.server",
    "vllm": "vllm",
    "organization_owner": "lm-studio",
}
_DIALECTS: dict[Flavour, tuple[Dialect, ...]] = {
    "llama-server": ("grammar", "schema", "native", "text"),
    "llama_cpp.server": ("grammar", "text"),  # its tool calls need a format of its own, chosen at start
    "vllm": ("schema", "native", "text"),
    "lm-studio": ("schema", "native", "text"),
    "other": ("schema", "native", "text"),
}
COUNTERS: dict[Flavour, tuple[str, str, str]] = {
    "llama-server": ("/tokenize", "content", "tokens"),
    "llama_cpp.server": ("/extras/tokenize/count", "input", "count"),
    "vllm": ("/tokenize", "prompt", "count"),
}
"""Where a text is counted, the field it goes in, and the field its count or its tokens come in."""


@dataclass(frozen=True, slots=True)
class Found:
    """`model` is the name to ask for, `name` the one for people."""

    flavour: Flavour
    model: str
    name: str
    served: Served


async def find(get: Get, url: str, root: str, wanted: str, server: str) -> Found:
    """Ask the server about itself. `url` ends in `/v1`, `root` does not. Raises `NoModel`."""
    listed = _models(await get(f"{url}/models"))
    names = [str(one["id"]) for one in listed]
    if not wanted and not names:
        raise NoModel(f"{server} does not say which models it has.", "Name one: `openai:MODEL`.")
    model = next((name for name in names if wanted in ("", name, short(name))), wanted)
    if names and model not in names:
        raise _no_model(wanted, [short(name) for name in names], server)
    entry = next((one for one in listed if one["id"] == model), {})
    flavour = _OWNERS.get(str(entry.get("owned_by", "")), "other")
    context = await _context(get, flavour, root, model, entry)
    known = {key: entry.get(key) for key in ("id", "meta", "root", "created") if key in entry}
    if flavour == "llama-server":
        known.pop("created", None)  # there it is the time of the question
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    served = Served(context, digest, _DIALECTS[flavour], exact=flavour in COUNTERS)
    return Found(flavour, model, short(model), served)


def short(name: str) -> str:
    """Without the folders and the end of a file's name: llama-server calls a model by its path."""
    path = PureWindowsPath(name)  # takes both kinds of slashes
    return path.stem if path.suffix.lower() == ".gguf" and path.stem else name


async def _context(get: Get, flavour: Flavour, root: str, model: str, entry: dict[str, Any]) -> int:
    """The window in tokens; 0 where the server does not say."""
    if flavour == "llama-server":
        props = await get(f"{root}/props")
        settings = props.get("default_generation_settings") if isinstance(props, dict) else None
        return _size(settings, "n_ctx")
    if flavour == "vllm":
        return _size(entry, "max_model_len")
    if flavour == "lm-studio":
        about = await get(f"{root}/api/v0/models/{model}")
        return _size(about, "loaded_context_length") or _size(about, "max_context_length")
    return 0


def _size(value: Any, name: str) -> int:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, int) and found > 0 else 0


def _models(answer: Any) -> list[dict[str, Any]]:
    listed = answer.get("data") if isinstance(answer, dict) else None
    return [one for one in listed or () if isinstance(one, dict) and isinstance(one.get("id"), str)]


def _no_model(wanted: str, names: list[str], server: str) -> NoModel:
    import difflib

    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4) or names[:5]
    return NoModel(f"{server} has no model {wanted!r}.", f"It has: {', '.join(near)}.")
