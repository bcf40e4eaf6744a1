"""A stream of chat completion chunks, line by line. Pure.

`choices` may be empty or null (usage comes so), tool calls come in fragments by `index`, thinking
under two names, progress and timings from llama.cpp's servers only.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.models.wire import Called, Delta, Ended, Piece, Reading, Thought
from orchestrator.types import Usage


class Reader:
    """Feed it the lines; `end` says what was open. `error` is the server's own, "" for none."""

    def __init__(self) -> None:
        self.begun = False
        self.finished = False
        self.over = False
        self.error = ""
        self._reason = ""
        self._calls: dict[int, dict[str, str]] = {}
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}

    def feed(self, line: str) -> list[Delta]:
        """Raises `ValueError` for a line that is no JSON object."""
        if not line.startswith("data:"):
            return []  # a comment, an event's name, the empty line between two
        data = line[5:].strip()
        if data == "[DONE]":
            self.over = True
            return []
        chunk = json.loads(data)
        if not isinstance(chunk, dict):
            raise ValueError("not an object")
        if error := chunk.get("error"):
            self.error, self.over = (
                str(error.get("message", error) if isinstance(error, dict) else error),
                True,
            )
            return []
        self._usage = _object(chunk, "usage") or self._usage
        self._timings = _object(chunk, "timings") or self._timings
        deltas = _progress(_object(chunk, "prompt_progress"))
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            deltas += self._choice(choices[0])
        return deltas

    def end(self) -> list[Delta]:
        """The call that came in fragments, and the end; nothing when the stream broke off."""
        if self.error or not self.finished:
            return []
        calls = [self._calls[index] for index in sorted(self._calls) if self._calls[index]["name"]]
        called: list[Delta] = [Called(calls[0]["name"], calls[0]["arguments"])] if calls else []
        return [*called, Ended(self._reason == "length", self._counts())]

    def _choice(self, choice: dict[str, Any]) -> list[Delta]:
        delta = _object(choice, "delta") or _object(choice, "message")
        deltas: list[Delta] = []
        for name in ("reasoning_content", "reasoning"):
            if isinstance(text := delta.get(name), str) and text:
                deltas.append(Thought(text))
                break
        if isinstance(text := delta.get("content"), str) and text:
            deltas.append(Piece(text))
        for part in delta.get("tool_calls") or ():
            self._fragment(part)
        self.begun = self.begun or bool(deltas)
        if reason := choice.get("finish_reason"):
            self.finished, self._reason = True, str(reason)
        return deltas

    def _fragment(self, part: Any) -> None:
        if not isinstance(part, dict):
            return
        index = part.get("index", 0)
        function = _object(part, "function")
        call = self._calls.setdefault(index if isinstance(index, int) else 0, {"name": "", "arguments": ""})
        call["name"] = call["name"] or str(function.get("name") or "")
        arguments = function.get("arguments")
        call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        self.begun = True

    def _counts(self) -> Usage:
        details = _object(self._usage, "prompt_tokens_details")
        return Usage(
            prompt_tokens=_number(self._usage, "prompt_tokens"),
            cached_tokens=_number(details, "cached_tokens") or _number(self._timings, "cache_n"),
            completion_tokens=_number(self._usage, "completion_tokens"),
            tokens_per_second=float(self._timings.get("predicted_per_second") or 0.0),
        )


def _progress(progress: dict[str, Any]) -> list[Delta]:
    if not progress:
        return []
    cached, total = _number(progress, "cache"), _number(progress, "total")
    return [Reading(max(_number(progress, "processed") - cached, 0), max(total - cached, 0), cached)]


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    return found if isinstance(found, int) and found > 0 else 0
