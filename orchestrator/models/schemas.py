"""What may be called, as JSON Schema: to constrain the house dialect, and as native tools. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.types import ANSWER, Parameter, ToolSpec

_MAY_BE_EMPTY = frozenset({"content", "new", "old"})


def house(choices: Sequence[ToolSpec]) -> dict[str, Any]:
    """A schema whose only valid values are house-dialect calls of `choices`, keys in their order.

    `anyOf` and not `oneOf`: structured output of OpenAI's kind knows no other, llama.cpp takes both.
    """
    calls = [_house_call(spec) for spec in choices]
    return calls[0] if len(calls) == 1 else {"anyOf": calls}


def functions(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools as servers with native calls want them. Answering is no tool there."""
    return [
        {
            "type": "function",
            "function": {
                "name": spec.name,
                "description": spec.description,
                "parameters": {
                    "type": "object",
                    "properties": {p.name: _described(p) for p in spec.parameters},
                    "required": [p.name for p in spec.parameters if p.required],
                },
            },
        }
        for spec in specs
        if spec.name != ANSWER
    ]


def _house_call(spec: ToolSpec) -> dict[str, Any]:
    properties: dict[str, Any] = {"tool": {"type": "string", "enum": [spec.name]}}
    properties |= {p.name: _value(p) for p in spec.parameters}
    return {
        "type": "object",
        "properties": properties,
        "required": ["tool", *(p.name for p in spec.parameters if p.required)],
        "additionalProperties": False,
    }


def _value(parameter: Parameter) -> dict[str, Any]:
    if parameter.choices:
        return {"type": "string", "enum": list(parameter.choices)}
    if parameter.type == "integer":
        return {"type": "integer"}
    return {"type": "string"} if parameter.name in _MAY_BE_EMPTY else {"type": "string", "minLength": 1}


def _described(parameter: Parameter) -> dict[str, Any]:
    value: dict[str, Any] = {"type": parameter.type, "description": parameter.description}
    return value | ({"enum": list(parameter.choices)} if parameter.choices else {})
