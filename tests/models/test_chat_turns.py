"""A conversation as servers take it: roles in strict turn, and nothing before changes with what follows."""

from __future__ import annotations

from orchestrator.context.system import fixed_messages
from orchestrator.models import chat_turns
from orchestrator.models.schemas import functions, house
from orchestrator.types import ANSWER, Message, ToolCall
from tests.models.asking import CHOICES, READ

CALL = Message("assistant", "", call=ToolCall("read", {"path": "a"}))
SYSTEM, USER = Message("system", "You are an agent."), Message("user", "Show a")
RESULT = Message("tool", "print(1)", name="read")
SAID = Message("assistant", "", call=ToolCall(ANSWER, {"text": "It prints 1."}))
DOCUMENTS = Message("system", "The documents.")
WHOLE = (SYSTEM, USER, CALL, RESULT, SAID, DOCUMENTS, USER, CALL, RESULT)


def test_every_longer_conversation_extends_the_shorter() -> None:
    for turns_of in (chat_turns.house, chat_turns.native):
        turns = turns_of(WHOLE)
        for count in range(1, len(WHOLE)):
            shorter = turns_of(WHOLE[:count])
            assert turns[: len(shorter) - 1] == shorter[:-1]
            assert turns[len(shorter) - 1].text.startswith(shorter[-1].text)


def test_roles_alternate_and_only_the_first_is_a_system_turn() -> None:
    assert [turn.role for turn in chat_turns.house(WHOLE)] == [
        "system", "user", "assistant", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert [turn.role for turn in chat_turns.native(WHOLE)] == [
        "system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    assert "The documents.\n\nShow a" in [turn.text for turn in chat_turns.house(WHOLE)]


def test_a_result_whose_call_was_pruned_is_told_by_the_user() -> None:
    turns = chat_turns.native((SYSTEM, USER, RESULT))
    assert [turn.role for turn in turns] == ["system", "user"]
    assert "<tool_response>\nprint(1)" in turns[1].text


def test_a_native_model_gets_its_own_system_message_and_no_examples() -> None:
    fixed = fixed_messages("read(path): show a file")
    turns = chat_turns.native((*fixed, DOCUMENTS, USER), len(fixed))
    assert len(turns) == 1 + 1
    assert "JSON" not in turns[0].text
    assert "The documents." in turns[0].text


def test_what_an_assistant_said_whoever_it_was() -> None:
    raw = Message("assistant", '{"tool":"answer","text":"Hi"}')
    assert (
        chat_turns.said(raw)
        == chat_turns.said(Message("assistant", "Hi"))
        == ToolCall(ANSWER, {"text": "Hi"})
    )
    assert chat_turns.said(Message("assistant", '{"name": "heron"}')).arguments["text"] == '{"name": "heron"}'


def test_schemas_say_what_the_parser_takes() -> None:
    schema = house(CHOICES)
    assert [list(one["properties"]) for one in schema["anyOf"]] == [
        ["tool", "path"], ["tool", "pattern"], ["tool", "text"],
    ]  # fmt: skip
    assert house((READ,))["required"] == ["tool", "path"]
    assert [one["function"]["name"] for one in functions(CHOICES)] == ["read", "search"]
