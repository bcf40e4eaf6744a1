"""Builds the backends whose model another program runs; `wiring` decides when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

from orchestrator.config import Settings
from orchestrator.models.abilities import AbilityStore, Known
from orchestrator.models.fallback import FallbackBackend, Member
from orchestrator.models.outbound import OutboundBackend
from orchestrator.models.select import Choice
from orchestrator.models.served import ServedBackend
from orchestrator.models.wire import Served, Wire
from orchestrator.paths import Home
from orchestrator.ports import Backend


def abilities(where: Home) -> AbilityStore:
    return AbilityStore(where.abilities)


def served(choice: Choice, settings: Settings, where: Home) -> ServedBackend:
    """The backend for a model that a server runs; not connected yet. Raises `ConfigError`."""
    wire = wire_of(choice, settings, where)
    store = abilities(where)

    def known(served: Served) -> Known:
        return store.get(wire.server, wire.model, served.digest)

    def learnt(served: Served, factor: float) -> None:
        store.correct(wire.server, wire.model, served.digest, factor)

    return ServedBackend(
        wire,
        context_size=settings.model.context_size,
        thinking=settings.model.thinking,
        known=known,
        learnt=learnt,
    )


def remote(choice: Choice, settings: Settings, where: Home) -> Backend:
    """As `served`, behind the redactor where prompts leave this machine."""
    backend = served(choice, settings, where)
    return OutboundBackend(backend) if backend.wire.sent_to else backend


def chain(names: Sequence[str], make: Callable[[str], Backend]) -> Backend:
    """One backend for these models, in order; `make` builds the backend for a name."""
    if len(names) == 1:
        return make(names[0])
    return FallbackBackend([Member(name, partial(make, name)) for name in names])


def names_of(settings: Settings) -> list[str]:
    """The model of the settings and those that it falls back on."""
    rest = (name.strip() for name in settings.model.fallback.split(","))
    return list(dict.fromkeys([settings.model.name, *(name for name in rest if name)]))


def hosts_of(settings: Settings) -> dict[str, str]:
    """The configured models whose prompts leave this machine, each with the host they go to."""
    from orchestrator.models.addresses import sent_to
    from orchestrator.models.catalog import find
    from orchestrator.models.elsewhere import ollama_url

    found = {}
    for name in names_of(settings):
        model = find(name)
        if name.startswith("openai:"):
            found[name] = sent_to(settings.server.url)
        elif name.startswith("ollama:") or (model and model.ollama):
            found[name] = sent_to(ollama_url())
    return {name: host for name, host in found.items() if host}


async def server_answers(model: str, settings: Settings) -> str:
    """What the server of `server.url` says of a model, for people. Raises `ModelError`, `ConfigError`."""
    wire = _openai(model, settings)
    try:
        found = await wire.open()
    finally:
        await wire.close()
    window = (
        f"a window of {found.context_size:,} tokens" if found.context_size else "a window it does not tell"
    )
    return f"{wire.server} has {wire.model}, with {window}"


def wire_of(choice: Choice, settings: Settings, where: Home) -> Wire:
    """The protocol of a choice, pointed at its server. Raises `ConfigError`."""
    if choice.kind == "openai":
        return _openai(choice.name, settings, where)
    return _ollama(choice.name, settings)


def _ollama(model: str, settings: Settings) -> Wire:
    from orchestrator.models.elsewhere import ollama_url
    from orchestrator.models.ollama import OllamaWire

    return OllamaWire(
        model,
        ollama_url(),
        context_size=settings.model.context_size,
        keep_alive=settings.ollama.keep_alive,
        stall_s=settings.server.timeout_s,
        ca_file=settings.server.ca_file,
        clear_key=settings.server.key_over_http == "allow",
    )


def _openai(model: str, settings: Settings, where: Home | None = None) -> Wire:
    from orchestrator.models.addresses import address, checked
    from orchestrator.models.kept_slots import SavedNames
    from orchestrator.models.keys import key_for
    from orchestrator.models.openai_http import OpenAIWire

    url = checked(settings.server.url, "server.url")
    if not urlsplit(url).path:
        url += "/v1"  # where all of them have it
    return OpenAIWire(
        model,
        url,
        key=key_for(address(url), settings.server.key_variable),
        key_source=settings.server.key_variable,
        stall_s=settings.server.timeout_s,
        ca_file=settings.server.ca_file,
        clear_key=settings.server.key_over_http == "allow",
        slots=SavedNames(where.slots) if where else None,
    )
