"""Thinking that a server leaves in the text: `<think>…</think>` before the answer."""

from __future__ import annotations

from orchestrator.models.wire import Delta, Piece, Thought

_OPEN, _CLOSE = "<think>", "</think>"


class Thoughts:
    """Takes the thinking out of a stream of pieces. One object a generation."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> list[Delta]:
        """What this piece turns out to be; nothing while that is open."""
        if self._state == "answer":
            return [Piece(text)] if text else []
        if self._state == "after":
            return self._answer(text.lstrip())
        self._held += text
        if self._state == "start":
            start = self._held.lstrip()
            if _OPEN.startswith(start[: len(_OPEN)]) and len(start) < len(_OPEN):
                return []  # nothing yet, or the beginning of the tag
            if not start.startswith(_OPEN):
                return self._answer(self._held)
            self._state, self._held = "thinking", start[len(_OPEN) :]
        thought, found, rest = self._held.partition(_CLOSE)
        if found:
            self._state = "after"
            return [*_thought(thought), *self._answer(rest.lstrip())]
        keep = next((n for n in range(len(_CLOSE) - 1, 0, -1) if self._held.endswith(_CLOSE[:n])), 0)
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        return _thought(ready)

    def end(self) -> list[Delta]:
        """What was held back when the stream ended."""
        held, self._held = self._held, ""
        if not held or self._state == "answer":
            return []
        return [Piece(held)] if self._state == "start" else [Thought(held)]

    def _answer(self, text: str) -> list[Delta]:
        """White space between the thinking and the answer belongs to neither."""
        self._held = ""
        if text or self._state == "start":
            self._state = "answer"
        return [Piece(text)] if text else []


def _thought(text: str) -> list[Delta]:
    return [Thought(text)] if text else []
