"""The recall tool: excerpts for the model, and advice where there are none."""

from __future__ import annotations

import asyncio

from orchestrator.tools.recall import RecallTool
from orchestrator.types import ToolCall, ToolResult
from tests.tools.conftest import Bench


def call(query: str, found: str) -> ToolResult:
    asked: list[str] = []
    tool = RecallTool(lambda text: asked.append(text) or found)  # type: ignore[func-returns-value]
    result = asyncio.run(tool.run(ToolCall("recall", {"query": query}), lambda _: None))
    assert asked == [query.strip()]
    return result


def test_excerpts_or_advice() -> None:
    assert call(" the queue ", "excerpts") == ToolResult(True, "excerpts")
    nothing = call("the queue", "")
    assert not nothing.ok
    assert "Try other words" in nothing.text


def test_an_empty_query_says_what_is_missing(bench: Bench) -> None:
    assert "The query is empty" in bench("recall", query=" ").text
    assert bench("memory", question="x").text.startswith("No earlier session")
