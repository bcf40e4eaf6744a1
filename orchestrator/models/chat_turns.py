"""A conversation as chat servers take it: strictly one role after another. Pure.

Templates of servers are stricter than ours: many refuse a system message that is not the first, and
a tool result that follows no call. So later system messages open the user turn that follows them,
and what a turn becomes depends on what stands before it only: a longer conversation extends a
shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.context.system import fixed_messages
from orchestrator.models.dialects import parse, render
from orchestrator.types import ANSWER, Message, ToolCall


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message for a server. `call` is native: `text` is then empty; a "tool" turn has its `name`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    call: ToolCall | None = None
    name: str = ""


def house(messages: Sequence[Message]) -> list[ChatTurn]:
    """Calls and answers as the house dialect's JSON, results inside user turns."""
    turns: list[ChatTurn] = []
    for message in map(_sendable, messages):
        if message.role == "assistant":
            call = said(message)
            turns.append(ChatTurn("assistant", render(call)))
        elif message.role == "tool":
            _user(turns, _response(message.text))
        else:
            _plain(turns, message)
    return turns


def native(messages: Sequence[Message], base: int = 0) -> list[ChatTurn]:
    """Calls as calls, answers as text.

    The first `base` messages are ours, written for the house dialect: a model with native tools gets
    the system message that suits it, and no examples.
    """
    if base:
        messages = (*fixed_messages(""), *messages[base:])
    turns: list[ChatTurn] = []
    for message in map(_sendable, messages):
        if message.role == "assistant":
            call = said(message)
            if call.name == ANSWER:
                turns.append(ChatTurn("assistant", str(call.arguments.get("text", ""))))
            else:
                turns.append(ChatTurn("assistant", "", call))
        elif message.role == "tool" and turns and turns[-1].call:
            turns.append(ChatTurn("tool", message.text, name=turns[-1].call.name))
        elif message.role == "tool":  # its call was pruned
            _user(turns, _response(message.text))
        else:
            _plain(turns, message)
    return turns


def _sendable(message: Message) -> Message:
    """Without halves of characters, as names of files may hold them: no request could carry those."""
    text, call = _whole(message.text), message.call
    if call and any(isinstance(v, str) and _whole(v) is not v for v in call.arguments.values()):
        whole = {k: _whole(v) if isinstance(v, str) else v for k, v in call.arguments.items()}
        return replace(message, text=text, call=ToolCall(call.name, whole))
    return message if text is message.text else replace(message, text=text)


def _whole(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def said(message: Message) -> ToolCall:
    """What an assistant's message was: a call, or the answer as the call of `ANSWER`."""
    if message.call:
        return message.call
    call = parse(message.text, ()) if message.text.lstrip().startswith("{") else None
    return call if call and call.name == ANSWER else ToolCall(ANSWER, {"text": message.text})


def _plain(turns: list[ChatTurn], message: Message) -> None:
    if message.role == "system" and not turns:
        turns.append(ChatTurn("system", message.text))
    elif message.role == "system" and len(turns) == 1 and turns[0].role == "system":
        turns[0] = replace(turns[0], text=f"{turns[0].text}\n\n{message.text}")
    else:
        _user(turns, message.text)


def _user(turns: list[ChatTurn], text: str) -> None:
    if turns and turns[-1].role == "user":
        turns[-1] = replace(turns[-1], text=f"{turns[-1].text}\n\n{text}")
    else:
        turns.append(ChatTurn("user", text))


def _response(text: str) -> str:
    return f"<tool_response>\n{text.replace('</tool_response>', '</tool_response >')}\n</tool_response>"
