"""Events on their way out of the program, to a script or to another device: without secrets.

A secret may come in pieces. What could still become one is held back until its end is seen: pieces are
passed on up to the last white space, and the text before it is judged as a whole.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.events import (
    Answer,
    Event,
    HandedOver,
    Notice,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
)
from orchestrator.journal.redact import redact, redact_body

JUDGED_CHARS, KEY_CHARS = 2048, 65_536
"""How much of what was passed on is looked at again with each piece: more than secrets have that hold white
space; and of a private key, which ends at its last line."""
_KEY, _KEY_END = "-----BEGIN ", "-----END "


class RedactedText:
    """A text that comes in pieces; what goes out is that of `redact`, as far as it is settled."""

    def __init__(self) -> None:
        self._text = ""
        self._told = ""

    def add(self, piece: str) -> str:
        """What can be passed on now."""
        self._text += piece
        end = _settled(self._text)
        return self._tell(self._text[:end]) if end else ""

    def rest(self) -> str:
        """All that was held back; a new text begins."""
        left = self._tell(self._text)
        self._text = self._told = ""
        return left

    def _tell(self, text: str) -> str:
        clean = redact(text)[0]
        # What stood for itself may turn out to begin a secret: then the mark follows what was told of it.
        fresh = clean.removeprefix(self._told) if clean.startswith(self._told) else _after(clean, self._told)
        if len(text) > 2 * JUDGED_CHARS and (cut := _over(text)):
            self._text = self._text[cut:]
            clean = redact(text[cut:])[0]
        self._told = clean
        return fresh


def _over(text: str) -> int:
    """How much of the text needs no other look: whole lines, and no key that has not ended."""
    cut = text.rfind("\n", 0, -JUDGED_CHARS) + 1
    key = text.rfind(_KEY, max(0, cut - KEY_CHARS), cut)
    return key if key >= 0 and text.find(_KEY_END, key, cut) < 0 else cut


def _after(text: str, told: str) -> str:
    """What follows in `text` where it first differs from what was told."""
    pairs = enumerate(zip(text, told, strict=False))
    return text[next((place for place, (one, other) in pairs if one != other), len(text)) :]


def _settled(text: str) -> int:
    """The end of what no later piece belongs to: after white space, or a letter that is in no secret."""
    for place in range(len(text) - 1, -1, -1):
        if text[place].isspace() or not text[place].isascii():
            return place + 1
    return 0


class RedactedEvents:
    """Each event as it may leave; a piece may come later, and always before an event of another kind."""

    def __init__(self) -> None:
        self._answer = RedactedText()
        self._output = RedactedText()

    def of(self, event: Event) -> list[Event]:
        match event:
            case Token(text):
                return [*self._rest_of_output(), *_piece(Token, self._answer.add(text))]
            case ToolOutput(text):
                return [*self._rest_of_answer(), *_piece(ToolOutput, self._output.add(text))]
        return [*self.rest(), _redacted(event)]

    def rest(self) -> list[Event]:
        """What was held back, where no event follows."""
        return [*self._rest_of_answer(), *self._rest_of_output()]

    def _rest_of_answer(self) -> list[Event]:
        return _piece(Token, self._answer.rest())

    def _rest_of_output(self) -> list[Event]:
        return _piece(ToolOutput, self._output.rest())


def _piece(kind: type[Token] | type[ToolOutput], text: str) -> list[Event]:
    return [kind(text)] if text else []


def _redacted(event: Event) -> Event:
    match event:
        case Answer() | Notice():
            return replace(event, text=redact(event.text)[0])
        case ToolCallEvent():
            return replace(event, arguments=redact_body(event.arguments)[0])
        case ToolResultEvent():
            return replace(event, text=redact(event.text)[0], diff=redact(event.diff)[0])
        case HandedOver():
            lines = tuple(redact(line)[0] for line in event.lines)
            return replace(event, goal=redact(event.goal)[0], lines=lines)
    return event
