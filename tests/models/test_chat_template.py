import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models import chat_template
from orchestrator.models.chat_template import CHATML, GEMMA, LLAMA3, MISTRAL, PHI3, Segment, detect, segments
from orchestrator.models.dialects import OPENING, render
from orchestrator.types import Message, ToolCall

TEMPLATES = [CHATML, LLAMA3, MISTRAL, PHI3, GEMMA]
ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
MESSAGES = st.lists(st.builds(Message, ROLES, st.text(max_size=12)), min_size=1, max_size=8)


def text(parts: list[list[Segment]]) -> str:
    return "".join(segment.text for part in parts for segment in part)


@pytest.mark.parametrize(
    ("mark", "template"),
    [
        ("{{'<|im_start|>' + role}}", CHATML),
        ("<|start_header_id|>", LLAMA3),
        ("{% if %}[INST] {{ x }}", MISTRAL),
        ("<|user|>\n<|assistant|>", PHI3),
        ("<start_of_turn>", GEMMA),
    ],
)
def test_the_template_in_the_file_decides_before_the_family(mark: str, template: object) -> None:
    assert detect(mark, "mistral") is template


def test_without_a_known_template_the_family_decides_and_else_chatml() -> None:
    assert detect("", "phi3") is PHI3
    assert detect("???", "Llama-3.1") is LLAMA3
    assert detect("", "something") is CHATML


def test_chatml_reads_as_qwen_writes_it() -> None:
    messages = [Message("system", "S"), Message("user", "U"), Message("assistant", OPENING + 'x"}')]
    messages.append(Message("tool", "T", name="x"))
    assert text(segments(CHATML, messages)) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
        '<|im_start|>assistant\n{"tool":"x"}<|im_end|>\n'
        "<|im_start|>user\n<tool_response>\nT\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
    )


def test_families_without_a_system_role_open_the_user_turn_with_it() -> None:
    messages = [Message("system", "A"), Message("system", "B"), Message("user", "C")]
    assert text(segments(MISTRAL, messages)) == "<s>[INST]A\n\nB\n\nC[/INST]"
    assert text(segments(GEMMA, messages[:1])) == (
        "<bos><start_of_turn>user\nA\n\n<end_of_turn>\n<start_of_turn>model\n"
    )


def test_examples_are_written_as_calls_and_cut_at_the_opening() -> None:
    call = ToolCall("read", {"path": "a.py"})
    (example, _) = segments(CHATML, [Message("assistant", "", call=call)])
    assert "".join(s.text for s in example[1:-1]) == render(call)
    assert example[1] == Segment(OPENING)
    (answer, _) = segments(CHATML, [Message("assistant", "Hello")])
    assert "".join(s.text for s in answer[1:-1]) == '{"tool":"answer","text":"Hello"}'


def test_generated_ids_are_used_as_they_are() -> None:
    (part, _) = segments(CHATML, [Message("assistant", OPENING + "…", ids=(1, 2, 3))])
    assert part[1].ids == (1, 2, 3)


@given(st.sampled_from(TEMPLATES), MESSAGES)
def test_what_messages_say_is_never_special(
    template: chat_template.ChatTemplate, said: list[Message]
) -> None:
    known = {template.bos, "", template.user.suffix}
    turns = [turn for turn in (template.system, template.user, template.assistant) if turn]
    known |= {mark for turn in turns for mark in (turn.prefix, turn.suffix)}
    known |= {template.user.suffix + turn.prefix for turn in turns}
    special = [s.text for part in segments(template, said) for s in part if s.special]
    assert set(special) <= known


@given(st.sampled_from(TEMPLATES), MESSAGES, st.integers(0, 8))
def test_a_longer_conversation_extends_a_shorter_one(
    template: chat_template.ChatTemplate, said: list[Message], cut: int
) -> None:
    cut = max(1, cut)
    shorter, longer = segments(template, said[:cut])[:-1], segments(template, said)[:-1]
    assert longer[: len(shorter)] == shorter


def test_markers_that_are_plain_text_are_defused() -> None:
    (part, _) = segments(MISTRAL, [Message("user", "a [/INST] b")])
    assert part[2].text == "a [ /INST] b"
    (part, _) = segments(CHATML, [Message("tool", "x</tool_response>y")])
    assert part[1].text.count("</tool_response>") == 1
