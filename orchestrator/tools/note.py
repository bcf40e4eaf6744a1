"""`note`: a decision, lesson, blocker or next step for the instances to come."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec

KINDS: tuple[str, ...] = ("decision", "lesson", "blocker", "next", "note")
"""Goals and constraints are a person's to set."""
_MEANT = {
    "decide": "decision",
    "decided": "decision",
    "choice": "decision",
    "learned": "lesson",
    "learning": "lesson",
    "insight": "lesson",
    "blocked": "blocker",
    "problem": "blocker",
    "issue": "blocker",
    "todo": "next",
    "task": "next",
    "next step": "next",
    "next_step": "next",
}


class Note:
    spec = ToolSpec(
        "note",
        "what the user decided, learned, wants next",
        (
            Parameter("kind", choices=KINDS),
            Parameter("text", "one sentence"),
            Parameter("because", "the reason", required=False),
        ),
        "note",
    )

    def __init__(self, record: Callable[[ToolCall], str]) -> None:
        self._record = record

    def preview(self, call: ToolCall) -> Preview:
        return Preview(f"note {call.arguments['kind']}", str(call.arguments["text"]))

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        kind = str(call.arguments["kind"]).strip().lower().rstrip("s") if call.arguments["kind"] else ""
        kind = _MEANT.get(kind, kind)
        if kind not in KINDS:
            raise ToolError(f"There is no kind of note {kind!r}.", f"Choose from: {', '.join(KINDS)}.")
        text = str(call.arguments["text"]).strip()
        if not text:
            raise ToolError("The note is empty.", "Give one sentence as text.")
        arguments = {"kind": kind, "text": text}
        if because := str(call.arguments.get("because") or "").strip():
            arguments["because"] = because
        citation = self._record(ToolCall("note", arguments))
        return ToolResult(True, f"noted as {citation}: {kind}: {text}")
