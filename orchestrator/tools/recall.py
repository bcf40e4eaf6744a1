"""`recall`: what earlier sessions said, as text for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec


class RecallTool:
    spec = ToolSpec("recall", "search earlier sessions", (Parameter("query"),), "read")

    def __init__(self, find: Callable[[str], str]) -> None:
        """`find` gives the excerpts as text, "" where nothing fits; it is called in a thread."""
        self._find = find

    def preview(self, call: ToolCall) -> Preview:
        return Preview(f"recall {call.arguments['query']}")

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        query = str(call.arguments["query"]).strip()
        if not query:
            raise ToolError("The query is empty.", "Give a few words of what was said.")
        if found := await asyncio.to_thread(self._find, query):
            return ToolResult(True, found)
        return ToolResult(False, f"No earlier session says anything about {query[:100]!r}. Try other words.")
