"""How a conversation becomes the text a model was trained on. Pure data and one pure function.

Only the markers of a template may become control tokens. What a message says is untrusted and
stays text, whatever it looks like: each `Segment` carries which of the two it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.models.dialects import OPENING, render
from orchestrator.types import ANSWER, Message, ToolCall


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the prompt: text to tokenise (markers as `special`), or ready token `ids`.

    Where both are given, `ids` count, and `text` is what they say.
    """

    text: str = ""
    special: bool = False
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """The markers before and after one message."""

    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The markers of one family. `system` is None where a family has no such role.

    There a system message opens the user turn that follows it.
    `plain` are markers that are ordinary text to the tokenizer of some models of the family, so
    that they have to be defused where a message contains them.
    """

    name: str
    bos: str
    system: Turn | None
    user: Turn
    assistant: Turn
    plain: tuple[str, ...] = ()


CHATML = ChatTemplate(
    "chatml",
    "",
    Turn("<|im_start|>system\n", "<|im_end|>\n"),
    Turn("<|im_start|>user\n", "<|im_end|>\n"),
    Turn("<|im_start|>assistant\n", "<|im_end|>\n"),
)
LLAMA3 = ChatTemplate(
    "llama3",
    "<|begin_of_text|>",
    Turn("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
    Turn("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    Turn("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
)
MISTRAL = ChatTemplate(
    "mistral", "<s>", None, Turn("[INST]", "[/INST]"), Turn("", "</s>"), plain=("[INST]", "[/INST]")
)
PHI3 = ChatTemplate(
    "phi3",
    "<s>",
    Turn("<|system|>\n", "<|end|>\n"),
    Turn("<|user|>\n", "<|end|>\n"),
    Turn("<|assistant|>\n", "<|end|>\n"),
)
GEMMA = ChatTemplate(
    "gemma",
    "<bos>",
    None,
    Turn("<start_of_turn>user\n", "<end_of_turn>\n"),
    Turn("<start_of_turn>model\n", "<end_of_turn>\n"),
)

_MARKS = (
    ("<|im_start|>", CHATML),
    ("<|start_header_id|>", LLAMA3),
    ("<start_of_turn>", GEMMA),
    ("<|assistant|>", PHI3),
    ("[INST]", MISTRAL),
)
_FAMILIES = (
    ("qwen", CHATML),
    ("llama", LLAMA3),
    ("mistral", MISTRAL),
    ("phi", PHI3),
    ("gemma", GEMMA),
)


def detect(gguf_chat_template: str, family: str = "") -> ChatTemplate:
    """The template a GGUF file names by its markers, else its family's, else ChatML."""
    for mark, template in _MARKS:
        if mark in gguf_chat_template:
            return template
    for start, template in _FAMILIES:
        if family.lower().startswith(start):
            return template
    return CHATML


def segments(template: ChatTemplate, messages: Sequence[Message]) -> list[list[Segment]]:
    """The prompt: one list of segments a message, and last the start of the model's own turn.

    What stands for a message depends on the messages before it only, so that a longer
    conversation always extends the text of a shorter one.
    """
    parts: list[list[Segment]] = []
    folded = False  # a system message has opened the user turn, and waits for its text
    for message in messages:
        if message.role == "system" and template.system is None:
            start = Segment("" if folded else template.user.prefix, special=True)
            parts.append([start, _content(template, message.text), Segment("\n\n")])
            folded = True
            continue
        turn = _turn(template, message)
        if folded and turn is template.user:
            prefix = ""
        else:
            prefix = (template.user.suffix if folded else "") + turn.prefix
        folded = False
        body = _body(template, message)
        parts.append([Segment(prefix, special=True), *body, Segment(turn.suffix, special=True)])
    close = template.user.suffix if folded else ""
    parts.append([Segment(close + template.assistant.prefix, special=True)])
    parts[0].insert(0, Segment(template.bos, special=True))
    return [[segment for segment in part if segment.text or segment.ids] for part in parts]


def _turn(template: ChatTemplate, message: Message) -> Turn:
    if message.role == "assistant":
        return template.assistant
    if message.role == "system" and template.system is not None:
        return template.system
    return template.user


def _body(template: ChatTemplate, message: Message) -> list[Segment]:
    if message.role == "tool":
        text = message.text.replace("</tool_response>", "</tool_response >")
        return [_content(template, f"<tool_response>\n{text}\n</tool_response>")]
    if message.role != "assistant":
        return [_content(template, message.text)]
    text = _said(message)
    if message.ids:
        return [Segment(text, ids=message.ids)]
    if text.startswith(OPENING):  # cut where a generation would be cut, to give the same tokens
        return [Segment(OPENING), _content(template, text.removeprefix(OPENING))]
    return [_content(template, text)]


def _said(message: Message) -> str:
    """An assistant's message in the house dialect; a bare answer becomes its call."""
    if message.ids or message.text.startswith(OPENING):
        return message.text
    return render(message.call or ToolCall(ANSWER, {"text": message.text}))


def _content(template: ChatTemplate, text: str) -> Segment:
    for marker in template.plain:
        text = text.replace(marker, f"{marker[0]} {marker[1:]}")
    return Segment(text)
