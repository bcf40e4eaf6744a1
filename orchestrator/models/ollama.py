"""Ollama's own chat API, through its official client.

Not its `/v1`: that cannot set the window. Facts the code rests on, from Ollama's source and issues:
a prompt that does not fit is cut to half the window without a word (#17427), unless `truncate` is
false (#17944); a `num_ctx` that changes loads the model anew; `format` and thinking exclude each
other (#11545); thinking with tools may give nothing (#10976).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from typing import Any

import httpx

from orchestrator.errors import ModelError, NoModel, ServerError, WindowFull
from orchestrator.models import chat_turns, schemas
from orchestrator.models.addresses import address, sent_to
from orchestrator.models.chat_turns import ChatTurn
from orchestrator.models.http_guard import Guard, drain, failure, timeout
from orchestrator.models.wire import Ask, Busy, Called, Delta, Dialect, Ended, Piece, Refused, Served, Thought
from orchestrator.terminal import one_line
from orchestrator.types import Usage

_LOAD_S = 600.0
"""A 7B from a slow disk takes minutes, in which Ollama says nothing."""
_BEYOND = {"truncate": False, "shift": False}
"""What the client does not know: with their defaults a prompt that does not fit is cut silently."""
_PLAIN = {"repeat_penalty": 1.0}
"""Ollama's own default was 1.1 until 0.24: a model that must copy text word for word is kept from it."""
_LOOP = 30
"""So many equal pieces in a row, and Ollama stops the model: its stream then ends without an end."""


class OllamaWire:
    """One model of one Ollama, with one constant window.

    `keep_alive` is how long the model stays loaded after a request, as Ollama writes it ("30m").
    `stall_s`: seconds without a word that count as stalled.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        context_size: int,
        keep_alive: str = "30m",
        stall_s: float = 300.0,
        ca_file: str = "",
        clear_key: bool = False,
    ) -> None:
        self.model = model
        self.server = f"Ollama at {address(url)}"
        self.sent_to = sent_to(url)
        self._url = url
        self._context = context_size
        self._keep_alive = keep_alive
        self._stall_s = stall_s
        self._tls = {"ca_file": ca_file, "clear_key": clear_key}
        self._client: Any = None
        self._thinks = False

    # --- Wire -------------------------------------------------------------------------------

    async def open(self) -> Served:
        client = await self._connected()
        try:
            shown = await client.show(self.model)
            digest = await self._digest(client)
            info = shown.modelinfo or {}
            most = next((n for key, n in info.items() if key.endswith(".context_length")), 0)
            if isinstance(most, int) and 0 < most < self._context:
                self._context = most  # Ollama would take it down by itself, and say nothing
            can = shown.capabilities or []
        except Exception as error:
            raise self._error(error) from error
        self._thinks = "thinking" in can
        await self._load(client)
        dialects: tuple[Dialect, ...] = ("schema", "native", "text") if "tools" in can else ("schema", "text")
        return Served(await self._real_window(), digest, dialects, self._thinks)

    def request(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": _messages(ask),
            "tools": schemas.functions(ask.tools) if ask.dialect == "native" else [],
            "stream": True,
            "options": self._options(
                num_predict=ask.max_tokens + ask.thinking, temperature=ask.temperature, **_PLAIN
            ),
            "keep_alive": self._keep_alive,
            **_BEYOND,
        }
        if self._thinks:
            body["think"] = bool(ask.thinking)
        if ask.dialect == "schema" and ask.choices:
            body["format"] = schemas.house(ask.choices)
        return body

    async def stream(self, ask: Ask) -> AsyncGenerator[Delta, None]:
        client = await self._connected()
        started = False
        last, equal = "", 0
        try:
            body = self.request(ask)
            for name in _BEYOND:  # the client sends them by itself
                del body[name]
            stream = await client.chat(**body)
            try:
                async for part in stream:
                    started = True
                    for delta in _deltas(part):
                        yield delta
                    if part.done:
                        await drain(stream)
                        return
                    said = (part.message.content or "").strip()
                    last, equal = said, equal + 1 if said == last else 0
            finally:
                await stream.aclose()
        except Exception as error:
            raise self._error(error, started=started) from error
        if equal >= _LOOP - 1:
            yield Ended(cut=True)
            return
        raise ServerError(
            f"{self.server} ended in the middle of its answer.", "Ask again; its own log says why."
        )

    async def count(self, texts: Sequence[str]) -> list[int]:
        raise NotImplementedError  # Ollama has no tokenizer to ask

    async def window(self) -> int:
        client = await self._connected()
        try:
            running = (await client.ps()).models
        except Exception as error:
            raise self._error(error) from error
        mine = (one for one in running if self._is_mine(one.model or one.name))
        return next((one.context_length or 0 for one in mine), 0)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    # --- connecting -------------------------------------------------------------------------

    async def _connected(self) -> Any:
        if self._client is None:
            self._client = await client_of(self._url, self.server, self._stall_s, self._tls)
        return self._client

    async def _digest(self, client: Any) -> str:
        models = (await client.list()).models
        return next((one.digest or "" for one in models if self._is_mine(one.model)), "")

    def _is_mine(self, name: str | None) -> bool:
        return name in (self.model, f"{self.model}:latest")

    async def _load(self, client: Any) -> None:
        """A request without messages loads the model, with the window that every request will have."""
        try:
            async with asyncio.timeout(_LOAD_S):
                await client.chat(self.model, [], options=self._options(), keep_alive=self._keep_alive)
        except TimeoutError as error:
            raise ServerError(
                f"{self.server} did not load {self.model} in {_LOAD_S / 60:.0f} minutes.",
                "Is the model too large for that machine?",
            ) from error
        except Exception as error:
            raise self._error(error) from error

    async def _real_window(self) -> int:
        try:
            found = await self.window()
        except ServerError:  # old ones do not have the question
            found = 0
        return min(found, self._context) if found else self._context

    def _options(self, **more: Any) -> dict[str, Any]:
        return {"num_ctx": self._context, **more}

    # --- errors -----------------------------------------------------------------------------

    def _error(self, error: Exception, *, started: bool = False) -> ModelError:
        if isinstance(error, ModelError):
            return error
        status = getattr(error, "status_code", None)
        if status is None or isinstance(error, httpx.HTTPError):
            return failure(error, self.server, started=started)
        return self._refusal(_innermost(str(getattr(error, "error", error))), status, started)

    def _refusal(self, text: str, status: int, started: bool) -> ModelError:
        lower = text.lower()
        said = one_line(re.sub(r"^.*terminated: (exit status \d+: )?", "", text.partition("\n")[0]), 200)
        if status == 404 or ("model" in lower and "not found" in lower):
            return NoModel(
                f"{self.server} has no model {self.model}.", f"Run `orch model pull ollama:{self.model}`."
            )
        if "context" in lower and any(word in lower for word in ("exceed", "too long", "longer")):
            return WindowFull(
                f"The prompt does not fit: {said}.",
                "Shorten it, start a new session, or raise model.context_size.",
            )
        if any(sign in lower for sign in ("memory", "cudamalloc", "signal: killed")):
            return ServerError(
                f"{self.server} has not enough memory for {self.model}: {said}.",
                "Use a smaller model, lower model.context_size, or free memory there.",
            )
        if status in (401, 403):
            return ServerError(f"{self.server} wants a key.", "Set OLLAMA_API_KEY.")
        if started or status < 0:
            return ServerError(f"{self.server} failed in its answer: {said}.", "Ask again; its log says why.")
        if status == 429 or status >= 500:
            return Busy(f"{self.server} cannot answer now: {said}.", "Ask again in a while.")
        return Refused(
            f"{self.server} refused the request: {said}.", "Update Ollama, or try another model.", text
        )


async def client_of(url: str, server: str, stall_s: float, tls: dict[str, Any]) -> Any:
    """An `ollama.AsyncClient` behind a `Guard`. The caller closes it.

    Raises `ModelError` where the package is not installed.
    """
    if importlib.util.find_spec("ollama") is None:
        raise ModelError(
            "The ollama package is not installed.", "Install it: pip install 'orchestrator-agent[ollama]'"
        )
    ollama = await asyncio.to_thread(import_module, "ollama")  # 0.5 s, for pydantic

    class Client(ollama.AsyncClient):  # type: ignore[misc,name-defined]
        async def _request(self, cls: Any, *args: Any, **kwargs: Any) -> Any:
            if args[1:2] == ("/api/chat",):
                kwargs["json"] = {**kwargs["json"], **_BEYOND}
            return await super()._request(cls, *args, **kwargs)

    return Client(
        url,
        follow_redirects=False,
        timeout=timeout(stall_s),
        transport=Guard(server, url, **tls),
        trust_env=False,
    )


def _innermost(text: str) -> str:
    """Ollama passes on an error of the llama-server that it runs as that server's JSON."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError):
        return text


def _messages(ask: Ask) -> list[dict[str, Any]]:
    if ask.dialect != "native":
        return [{"role": turn.role, "content": turn.text} for turn in chat_turns.house(ask.messages)]
    return [_native(turn) for turn in chat_turns.native(ask.messages, ask.base)]


def _native(turn: ChatTurn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role}
    if turn.text:
        message["content"] = turn.text
    if turn.call:
        called = {"name": turn.call.name, "arguments": dict(turn.call.arguments)}
        message["tool_calls"] = [{"function": called}]
    if turn.role == "tool":
        message["tool_name"] = turn.name
    return message


def _deltas(part: Any) -> list[Delta]:
    """What one line of the stream says."""
    deltas: list[Delta] = []
    message = part.message
    if message.thinking:
        deltas.append(Thought(message.thinking))
    if message.content:
        deltas.append(Piece(message.content))
    for call in message.tool_calls or ():
        deltas.append(Called(call.function.name, dict(call.function.arguments)))
    if part.done:
        seconds = (part.eval_duration or 0) / 1e9
        tokens = part.eval_count or 0
        usage = Usage(
            prompt_tokens=part.prompt_eval_count or 0,
            completion_tokens=tokens,
            model_load_ms=(part.load_duration or 0) / 1e6,
            tokens_per_second=tokens / seconds if seconds else 0.0,
        )
        deltas.append(Ended(part.done_reason == "length", usage))
    return deltas
