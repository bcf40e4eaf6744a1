"""The loopback server as an Ollama with one model."""

from __future__ import annotations

from collections.abc import Iterable

from tests.models.model_server import NDJSON, Answer, Asked, ModelServer, as_json, recorded

MODEL = "qwen2.5:7b"
DIGEST = "845dbda0ea48ed749caafd9e6037047aa19acfcfd82e704d7ca97d631a0b697e"


def ollama(
    server: ModelServer,
    *streams: str | Answer,
    can: Iterable[str] = ("completion", "tools"),
    most: int = 32768,
) -> ModelServer:
    """Make it answer as Ollama does: `streams` one after another, the last one again and again."""
    server.answers["/api/tags"] = [as_json({"models": [{"name": MODEL, "model": MODEL, "digest": DIGEST}]})]
    server.answers["/api/show"] = [
        as_json(
            {
                "modelfile": f"FROM {MODEL}",
                "details": {"family": "qwen2", "parameter_size": "7.6B", "quantization_level": "Q4_K_M"},
                "model_info": {"general.architecture": "qwen2", "qwen2.context_length": most},
                "capabilities": list(can),
            }
        )
    ]
    waiting = [one if isinstance(one, Answer) else Answer(recorded(one), NDJSON) for one in streams]

    def chat(asked: Asked) -> Answer:
        if not asked.body["messages"]:  # it loads the model
            return as_json(
                {
                    "model": MODEL,
                    "created_at": "2026-10-02T09:12:40Z",
                    "message": {"role": "assistant", "content": ""},
                    "done": True,
                    "done_reason": "load",
                }
            )
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def running(asked: Asked) -> Answer:
        window = next((a.body["options"]["num_ctx"] for a in server.to("/api/chat")), 4096)
        return as_json(
            {
                "models": [
                    {"name": MODEL, "model": MODEL, "digest": DIGEST, "context_length": min(window, most)}
                ]
            }
        )

    server.answers["/api/chat"] = chat
    server.answers["/api/ps"] = running
    return server


def chats(server: ModelServer) -> list[dict[str, object]]:
    """The bodies of the requests that asked for an answer."""
    return [asked.body for asked in server.to("/api/chat") if asked.body["messages"]]
