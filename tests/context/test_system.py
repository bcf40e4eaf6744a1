"""The fixed prompt: its size in real tokens, and examples that are valid and not taken from the sets."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from orchestrator.context.system import EXAMPLES, fixed_messages
from orchestrator.models.chat_template import CHATML, segments
from orchestrator.models.dialects import ANSWER_SPEC, describe
from orchestrator.tools.edit import Edit
from orchestrator.tools.git import GitTool
from orchestrator.tools.note import Note
from orchestrator.tools.read import Read
from orchestrator.tools.recall import RecallTool
from orchestrator.tools.run import Run
from orchestrator.tools.search import Search
from orchestrator.tools.shell import Shell
from orchestrator.tools.write import Write
from orchestrator.types import ToolCall

SPECS = (
    *(tool.spec for tool in (Search, Read, Write, Edit, Run, Shell, GitTool, RecallTool, Note)),
    ANSWER_SPEC,
)
SETS = Path(__file__).parents[2] / "benchmarks" / "tool_choice"
BUDGET = 1200  # tokens, the template's own included
TOO_ALIKE = 0.8


@pytest.mark.model
def test_fixed_prompt_fits_its_budget(small_model: Path) -> None:
    from llama_cpp import Llama

    vocabulary = Llama(str(small_model), vocab_only=True, verbose=False)
    try:
        tokens = sum(
            len(vocabulary.tokenize(part.text.encode(), add_bos=False, special=part.special))
            for message in segments(CHATML, fixed_messages(describe(SPECS)))
            for part in message
        )
    finally:
        vocabulary.close()
    assert 500 < tokens <= BUDGET


@pytest.mark.parametrize(
    "call",
    [step for turn in EXAMPLES for step in turn if isinstance(step, ToolCall)],
    ids=lambda call: call.name,
)
def test_examples_are_calls_that_the_tools_take(call: ToolCall) -> None:
    spec = next(spec for spec in SPECS if spec.name == call.name)
    names = [parameter.name for parameter in spec.parameters]
    assert {p.name for p in spec.parameters if p.required} <= set(call.arguments) <= set(names)
    assert list(call.arguments) == [name for name in names if name in call.arguments]
    for parameter in spec.parameters:
        if parameter.choices:
            assert call.arguments[parameter.name] in parameter.choices


def test_every_tool_has_an_example_but_recall() -> None:
    """Recall's name and description must do: there is no room."""
    assert {turn[1].name for turn in EXAMPLES if isinstance(turn[1], ToolCall)} == {
        spec.name for spec in SPECS if spec.name != "recall"
    }


@pytest.mark.parametrize("name", ["development", "validation"])
def test_examples_are_not_taken_from_the_sets(name: str) -> None:
    lines = (SETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["prompt"].casefold() for line in lines]
    alike = [
        (example, prompt)
        for example, *_ in EXAMPLES
        for prompt in asked
        if difflib.SequenceMatcher(None, example.casefold(), prompt, autojunk=False).ratio() > TOO_ALIKE
    ]
    assert not alike
