"""Builds the backends whose model another program runs; `wiring` decides when."""

from __future__ import annotations

from orchestrator.config import Settings
from orchestrator.models.abilities import AbilityStore, Known
from orchestrator.models.select import Choice
from orchestrator.models.served import ServedBackend
from orchestrator.models.wire import Served, Wire
from orchestrator.paths import Home
from orchestrator.ports import Backend


def served(choice: Choice, settings: Settings, where: Home) -> Backend:
    """The backend for a model that a server runs; not connected yet. Raises `ConfigError`."""
    wire = wire_of(choice, settings)
    store = AbilityStore(where.abilities)

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


def wire_of(choice: Choice, settings: Settings) -> Wire:
    from orchestrator.models.elsewhere import ollama_url
    from orchestrator.models.ollama import OllamaWire

    return OllamaWire(
        choice.name,
        ollama_url(),
        context_size=settings.model.context_size,
        keep_alive=settings.ollama.keep_alive,
        stall_s=settings.server.timeout_s,
        ca_file=settings.server.ca_file,
        clear_key=settings.server.key_over_http == "allow",
    )
