"""Servers that speak OpenAI's chat completions: llama-server, vLLM, LM Studio, any cloud endpoint.

Each understands a little more or less than the others. What a server refuses by name is left out
from then on; what it does not know it ignores.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx

from orchestrator.errors import ModelError, ServerError, WindowFull
from orchestrator.models import chat_turns, schemas
from orchestrator.models.addresses import address, sent_to
from orchestrator.models.dialects import OPENING, grammar
from orchestrator.models.http_guard import Guard, drain, failure, timeout
from orchestrator.models.kept_slots import NUMBER, KeptSlot, SavedNames
from orchestrator.models.keys import KEYRING_SERVICE
from orchestrator.models.openai_server import COUNTERS, Found, find
from orchestrator.models.openai_stream import Reader
from orchestrator.models.wire import Ask, Busy, Delta, Refused, Served
from orchestrator.terminal import one_line

_LONGEST_WAIT_S = 30.0
_QUICK_S = 5.0
_OPTIONAL = (
    "stream_options",
    "response_format",
    "grammar",
    "temperature",
    "return_progress",
    "cache_prompt",
    "chat_template_kwargs",
    "id_slot",
)
"""What a request still means something without."""


class OpenAIWire:
    """One model behind one address ending in `/v1`. `model` empty takes the server's first.

    `key` goes to this server only, and to no log. `key_source` says where one would come from.
    `slots`: which slots of llama-servers can be restored; None keeps none.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        key: str = "",
        key_source: str = "",
        stall_s: float = 300.0,
        ca_file: str = "",
        clear_key: bool = False,
        slots: SavedNames | None = None,
    ) -> None:
        self.model = model
        self.server = f"the server at {address(url)}"
        self.sent_to = sent_to(url)
        self._url = url
        self._root = url.removesuffix("/v1")
        self._key_source = key_source
        self._key = key
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=timeout(stall_s),
            transport=Guard(self.server, url, ca_file=ca_file, clear_key=clear_key),
            trust_env=False,
            follow_redirects=False,
        )
        self._found: Found | None = None
        self._without: set[str] = set()
        self._slot = KeptSlot(self._client, self._root, slots) if slots else None

    # --- Wire -------------------------------------------------------------------------------

    async def open(self) -> Served:
        found = self._found = await find(self._get, self._url, self._root, self.model, self.server)
        self.model = found.name
        if self.sent_to:  # a text is counted where it stays
            return Served(found.served.context_size, found.served.digest, found.served.dialects)
        return found.served

    async def stream(self, ask: Ask) -> AsyncGenerator[Delta, None]:
        if self._slot and self._found and self._found.flavour == "llama-server" and ask.stable:
            await self._slot.restore(self.model, self._found.served.digest, ask.project)
        while True:
            body = self.request(ask)
            reader = Reader()
            try:
                async with self._client.stream(
                    "POST", f"{self._url}/chat/completions", json=body
                ) as response:
                    await self._check(response, body)
                    lines = _lines(response)
                    async for line in lines:
                        for delta in reader.feed(line):
                            yield delta
                        if reader.over:
                            await drain(lines)
                            break
                    for delta in reader.end():
                        yield delta
            except Refused as refused:
                if not self._leave_out(refused.said, body):
                    raise
                continue
            except Exception as error:
                raise self._error(error, reader) from error
            if reader.error:
                said = self._quoted(reader.error)
                raise ServerError(f"{self.server} failed in its answer: {said}.", "Ask again.")
            if not reader.finished:
                raise ServerError(f"{self.server} ended in the middle of its answer.", "Ask again.")
            return

    async def count(self, texts: Sequence[str]) -> list[int]:
        assert self._found is not None
        path, field, counted = COUNTERS[self._found.flavour]
        counts = []
        for text in texts:
            body = {field: text, "model": self._found.model}
            try:
                response = await self._client.post(self._root + path, json=body)
                await self._check(response, {})
                found = response.json()[counted]
                counts.append(found if isinstance(found, int) else len(found))
            except Exception as error:
                raise self._error(error) from error
        return counts

    async def window(self) -> int:
        """What the server says of itself now; 0 where it does not."""
        found = await find(self._get, self._url, self._root, self.model, self.server)
        return found.served.context_size

    async def close(self) -> None:
        if self._slot:
            await self._slot.save()
        await self._client.aclose()

    # --- the request ------------------------------------------------------------------------

    def request(self, ask: Ask) -> dict[str, Any]:
        limit = "max_completion_tokens" if "max_tokens" in self._without else "max_tokens"
        body: dict[str, Any] = {
            "model": self._found.model if self._found else self.model,
            "messages": _messages(ask),
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: ask.max_tokens + ask.thinking,
            "temperature": ask.temperature,
        }
        if ask.unthinking:  # vLLM, llama-server and SGLang pass it on to the model's template
            body["chat_template_kwargs"] = {"enable_thinking": False}
        if ask.dialect == "native":
            body["tools"] = schemas.functions(ask.tools)
        elif ask.dialect == "grammar":
            body["grammar"] = whole_grammar(ask)
        elif ask.dialect == "schema":
            schema = {"name": "call", "schema": schemas.house(ask.choices)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self._found and self._found.flavour == "llama-server":
            body |= {"cache_prompt": True, "id_slot": NUMBER, "return_progress": True}
        return {name: value for name, value in body.items() if name not in self._without}

    def _leave_out(self, said: str, body: dict[str, Any]) -> bool:
        """Leave out what the server has named as not to its liking; False when there is nothing such."""
        lower = said.lower()
        named = {name for name in _OPTIONAL if name in body and name in lower}
        if "max_tokens" in body and "max_completion_tokens" in lower:
            named.add("max_tokens")
        if not named and "schema" in lower and "response_format" in body:
            named.add("response_format")
        self._without |= named
        return bool(named)

    # --- answers ----------------------------------------------------------------------------

    async def _get(self, url: str) -> Any:
        try:
            response = await self._client.get(url, timeout=_QUICK_S)
            if response.status_code in (404, 405):
                return None
            await self._check(response, {})
            return response.json()
        except Exception as error:
            raise self._error(error) from error

    async def _check(self, response: httpx.Response, body: dict[str, Any]) -> None:
        """Raise what the status means, with the server's own reason."""
        if response.is_success:
            return
        await response.aread()
        status = response.status_code
        if status in (401, 403):
            what = "refuses the key" if self._key else "wants a key"
            source = self._key_source or "its key"
            raise ServerError(
                f"{self.server} {what}.",
                f"Set {source}, or `keyring set {KEYRING_SERVICE} {address(self._url)}`.",
            )
        text = response.text
        said, lower = self._quoted(text), text.lower()
        if status == 429 or status >= 500:
            wait = _seconds(response.headers.get("retry-after", ""))
            raise Busy(f"{self.server} cannot answer now ({status}): {said}.", "Ask again in a while.", wait)
        if "context" in lower and any(word in lower for word in ("exceed", "maximum", "too long")):
            raise WindowFull(
                f"The prompt does not fit: {said}.",
                "Shorten it, start a new session, or set model.context_size to the server's window.",
            )
        raise Refused(
            f"{self.server} refused the request ({status}): {said}.", "Check its address and model.", text
        )

    def _error(self, error: Exception, reader: Reader | None = None) -> ModelError:
        if isinstance(error, ModelError):
            return error
        return failure(error, self.server, started=bool(reader and reader.begun))

    def _quoted(self, text: str) -> str:
        """A server's own words, short, and without the key that it may have echoed."""
        with contextlib.suppress(ValueError, AttributeError):
            value = json.loads(text)
            error = value.get("error", value.get("detail", value))
            text = str(error.get("message", error) if isinstance(error, dict) else error)
        if self._key:
            text = text.replace(self._key, "[key]")
        return one_line(text, 200).rstrip(".")


def whole_grammar(ask: Ask) -> str:
    """The house dialect's grammar for a whole object: nothing can be put into the model's mouth here."""
    rules = grammar(ask.choices)
    opening = json.dumps(OPENING)
    return f"root ::= {opening} call\n" + rules.replace("root ::=", "call ::=", 1)


def _messages(ask: Ask) -> list[dict[str, Any]]:
    if ask.dialect != "native":
        return [{"role": turn.role, "content": turn.text} for turn in chat_turns.house(ask.messages)]
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(chat_turns.native(ask.messages, ask.base)):
        message: dict[str, Any] = {"role": turn.role, "content": turn.text}
        if turn.call:
            arguments = json.dumps(dict(turn.call.arguments), ensure_ascii=False)
            function = {"name": turn.call.name, "arguments": arguments}
            message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
        elif turn.role == "tool":
            message["tool_call_id"] = f"call_{number - 1}"
        messages.append(message)
    return messages


async def _lines(response: httpx.Response) -> AsyncGenerator[str, None]:
    """Lines of an event stream; a whole JSON answer of a server that does not stream is one line."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        yield "data: " + (await response.aread()).decode("utf-8", "replace").replace("\n", " ")
        return
    async for line in response.aiter_lines():
        yield line


def _seconds(value: str) -> float:
    try:
        return min(max(float(value), 0.0), _LONGEST_WAIT_S)
    except ValueError:  # a date, or nothing
        return 0.0
