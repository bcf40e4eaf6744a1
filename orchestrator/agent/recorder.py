"""What a session writes to the journal, each as soon as it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.ports import Journal
from orchestrator.tools.jobs import Job
from orchestrator.types import Entry, Kind, Record, ToolCall, ToolResult, Usage


@dataclass(frozen=True, slots=True)
class Cited:
    """A durable record, and how a document or a person refers to it."""

    record: Record
    citation: str


class Recorder:
    """Writes the records of one session. Raises `JournalError` when one cannot be kept."""

    def __init__(
        self, journal: Journal, project: str, session: str, device: str = "", *, copy: bool = False
    ) -> None:
        """`device` asks, where another node than this one does; `copy`: it records the same itself."""
        self._journal = journal
        self._project = project
        self.session = session
        self._copy = {"copy": True} if copy else {}
        self._device = ({"device": device} if device else {}) | self._copy
        self.private = False
        """Whether what happens now goes to the records that never leave this device."""

    def start(self, facts: Mapping[str, Any]) -> Cited:
        return self._add("session", {"event": "start", **facts, **self._copy})

    def end(self, reason: str, usage: Usage, turn: Usage | None = None) -> Cited:
        """`usage` is the whole session's, `turn` that of its last turn."""
        spent = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
        last = turn and {
            "prompt_tokens": turn.prompt_tokens,
            "cached_tokens": turn.cached_tokens,
            "time_to_first_token_ms": round(turn.time_to_first_token_ms),
        }
        body = {"event": "end", "reason": reason, "usage": spent, **self._copy}
        return self._add("session", body | ({"last_turn": last} if last else {}))

    def prompt(self, text: str) -> Cited:
        return self._add("message", {"role": "user", "text": text, **self._device})

    def answer(self, text: str, *, interrupted: bool, by: Mapping[str, str] | None = None) -> Cited:
        """`by` says who wrote it, where that is not the model that the session started with."""
        body: dict[str, Any] = {"role": "assistant", "text": text, **self._device, **(by or {})}
        return self._add("message", body | ({"interrupted": True} if interrupted else {}))

    def tool_call(self, call: ToolCall) -> Cited:
        return self._add("tool_call", {"name": call.name, "arguments": dict(call.arguments)})

    def edited_call(self, call: ToolCall, original: Record) -> Cited:
        """The call as the user changed it: what really runs, in place of the model's `original`."""
        body = {"name": call.name, "arguments": dict(call.arguments), "by": "user"}
        return self._add("tool_call", body, parents=(original.id,))

    def tool_result(self, call: ToolCall, result: ToolResult, cause: Record) -> Cited:
        lines = [line for line in result.diff.splitlines() if not line.startswith(("+++", "---"))]
        body = {
            "name": call.name,
            "ok": result.ok,
            "exit_code": result.exit_code,
            "duration_ms": result.duration_ms,
            "truncated": result.truncated,
            "text": result.text,
            "changed": list(result.changed),
            "added": sum(line.startswith("+") for line in lines),
            "removed": sum(line.startswith("-") for line in lines),
        }
        return self._add("tool_result", body, parents=(cause.id,))

    def job(self, job: Job, *, private: bool) -> Cited:
        """A background job that has started, or ended."""
        about = {
            "event": "job",
            "job": job.number,
            "reason": job.told(),
            "command": job.command,
            "by": job.by,
        }
        ended = {"exit_code": job.exit_code, "duration_ms": round(job.seconds * 1000)}
        return self._add("session", about | (ended if job.state != "running" else {}), private=private)

    def note(
        self, kind: Kind, body: Mapping[str, Any], parents: tuple[str, ...] = (), *, private: bool = False
    ) -> Cited:
        return self._add(kind, body, parents, private=private)

    def _add(
        self, kind: Kind, body: Mapping[str, Any], parents: tuple[str, ...] = (), *, private: bool = False
    ) -> Cited:
        private = private or self.private
        entry = Entry(kind, body, self._project, self.session, parents=parents, private=private)
        record = self._journal.append([entry])[0]
        return Cited(record, self._journal.cite(record))
