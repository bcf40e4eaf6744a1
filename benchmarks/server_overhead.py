"""What a backend for a model server adds to each token, against a bare client of the same server.

The server is on loopback in a process of its own, speaks the documented formats and is as quick as
it can be. Budget: 2 ms a token, median of the runs. Then: how soon the server learns of a cancel, budget 1 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.models.served import ServedBackend

TOKENS, RUNS, BUDGET_MS, CANCEL_BUDGET_MS = 1000, 5, 2.0, 1000.0
ENDLESS = "endless"
WORD = "token "


def main() -> int:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    try:
        failed = [asyncio.run(_compare(name, port)) > BUDGET_MS for name in ("ollama", "openai")]
        failed += [asyncio.run(_cancel(name, port, ours)) > CANCEL_BUDGET_MS for name in ("ollama", "openai")]
    finally:
        server.kill()
        server.join()
    return int(any(failed))


async def _compare(name: str, port: int) -> float:
    bare, whole = {"ollama": (_bare_ollama, _ollama), "openai": (_bare_openai, _openai)}[name]
    spent: dict[str, list[float]] = {"bare": [], "orch": []}
    for run in range(RUNS + 1):  # the first warms both up
        for kind, use in (("bare", bare), ("orch", whole)):
            took = await _timed(use, port)
            if run:
                spent[kind].append(took / TOKENS)
    median = {kind: statistics.median(times) for kind, times in spent.items()}
    overhead = median["orch"] - median["bare"]
    print(
        f"{name}: bare client {median['bare']:.3f} ms a token, backend {median['orch']:.3f} ms, "
        f"overhead {overhead:.3f} ms (budget {BUDGET_MS} ms)"
    )
    return overhead


async def _timed(use: Callable[[int], Awaitable[int]], port: int) -> float:
    start = time.perf_counter()
    count = await use(port)
    assert count >= TOKENS, count
    return (time.perf_counter() - start) * 1000


async def _bare_ollama(port: int) -> int:
    import ollama

    client = ollama.AsyncClient(f"http://127.0.0.1:{port}", verify=False)
    count = 0
    async with client:
        async for part in await client.chat("m", [{"role": "user", "content": "x"}], stream=True):
            count += bool(part.message.content)
    return count


async def _bare_openai(port: int) -> int:
    import httpx

    count = 0
    async with httpx.AsyncClient(verify=False) as client:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with client.stream("POST", url, json={"stream": True}) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    count += bool(choices and choices[0]["delta"].get("content"))
    return count


async def _ollama(port: int) -> int:
    return await _generate(_backend("ollama", port, "m"))


async def _openai(port: int) -> int:
    return await _generate(_backend("openai", port, "m"))


def _backend(name: str, port: int, model: str) -> ServedBackend:
    from orchestrator.models.ollama import OllamaWire
    from orchestrator.models.openai_http import OpenAIWire
    from orchestrator.models.served import ServedBackend

    if name == "ollama":
        return ServedBackend(
            OllamaWire(model, f"http://127.0.0.1:{port}", context_size=8192), context_size=8192
        )
    return ServedBackend(OpenAIWire(model, f"http://127.0.0.1:{port}/v1"), context_size=8192)


async def _generate(model: ServedBackend, stop: bool = False) -> int:
    """Pieces of answer text that came; with `stop`, cancelled at the first."""
    from orchestrator.models.dialects import ANSWER_SPEC
    from orchestrator.types import AnswerText, GenerateRequest, Message

    request = GenerateRequest((Message("user", "x"),), (ANSWER_SPEC,), max_tokens=2 * TOKENS)
    count = 0
    try:
        async for item in model.generate(request):
            count += isinstance(item, AnswerText)
            if stop and count:
                await model.cancel()
    finally:
        await model.close()
    return count


async def _cancel(name: str, port: int, heard: Connection) -> float:
    """Milliseconds from `cancel` to the server's end of the connection, the longest of the runs."""
    took = []
    for _ in range(RUNS):
        model = _backend(name, port, ENDLESS)
        cancel, asked = model.cancel, []

        async def timed(cancel: Callable[[], Awaitable[None]] = cancel, asked: list[float] = asked) -> None:
            asked.append(asked[0] if asked else time.monotonic())
            await cancel()

        model.cancel = timed  # type: ignore[method-assign]
        await _generate(model, stop=True)
        took.append((heard.recv() - asked[0]) * 1000)
    print(f"{name}: a cancel reaches the server in {max(took):.1f} ms (budget {CANCEL_BUDGET_MS:.0f} ms)")
    return max(took)


# --- the server -----------------------------------------------------------------------------------


def _serve(told: Connection) -> None:
    async def run() -> None:
        server = await asyncio.start_server(lambda r, w: _answer(r, w, told), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Connection) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await _one(reader, writer, told)
    writer.close()


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: Connection) -> None:
    if head := await reader.readuntil(b"\r\n\r\n"):
        path = head.split(b" ")[1].decode()
        length = next(
            (int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), 0
        )
        body = json.loads(await reader.readexactly(length)) if length else {}
        kind, lines = _lines(path, body)
        start = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(start.encode())
        endless = len(lines) > 1 and body.get("model") == ENDLESS
        for line in lines[:3] if endless else lines:
            writer.write(b"%x\r\n%b\r\n" % (len(line), line))
            await writer.drain()
        if endless:
            await reader.read()
            told.send(time.monotonic())
            return
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _lines(path: str, body: dict[str, object]) -> tuple[str, list[bytes]]:
    if path == "/api/chat" and body["messages"]:
        part = {"model": "m", "created_at": "2026-10-02T09:12:41Z", "done": False}
        said = {**part, "message": {"role": "assistant", "content": WORD}}
        end = {
            **part,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "eval_count": TOKENS,
        }
        return "application/x-ndjson", [_json(said) + b"\n"] * (TOKENS + 1) + [_json(end) + b"\n"]
    if path == "/v1/chat/completions":
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        said = {**chunk, "choices": [{"index": 0, "delta": {"content": WORD}, "finish_reason": None}]}
        end = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        lines = [b"data: " + _json(said) + b"\n\n"] * (TOKENS + 1)
        return "text/event-stream", [*lines, b"data: " + _json(end) + b"\n\n", b"data: [DONE]\n\n"]
    answers: dict[str, object] = {
        "/api/show": {"model_info": {}, "capabilities": ["completion"]},
        "/api/tags": {"models": []},
        "/api/ps": {"models": []},
        "/api/chat": {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True},
        "/v1/models": {"data": [{"id": name, "owned_by": "somebody"} for name in ("m", ENDLESS)]},
    }
    return "application/json", [_json(answers[path])]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    sys.exit(main())
