"""The calls of a session as the trace keeps them: bounded, and made from events or from records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from orchestrator.events import ToolCallEvent, ToolResultEvent
from orchestrator.journal import citations
from orchestrator.terminal import one_line
from orchestrator.tui.call_text import Call, State, as_said, detail, diff_parts, header
from orchestrator.tui.lines import Line
from orchestrator.types import Record

MOST_CALLS = 2_000
MOST_CHARS = 4_000_000
"""Of all calls together."""
TEXT_CHARS = 8_000
"""Of each text of a call."""
CITATION_CHARS = 40
FOLDED = 64
"""Opened calls whose lines are kept ready to draw."""
REFUSED = "Not allowed: "
STOPPED = "Interrupted by the user."


class CallList:
    """`Items` of the trace. Methods that add calls return how many old ones were let go."""

    empty = "Tool calls appear here as they happen."

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: list[Call] = []
        self._chars = 0
        self._folded: deque[Call] = deque()
        self.opens = False
        """Whether new calls come opened."""
        self._asked = False
        """Whether the call that runs has yet to be allowed by a person."""

    # --- Items ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def height(self, index: int, width: int) -> int:
        call = self._calls[index]
        if not call.opened:
            return 1
        if call.folded_height is None or call.folded_height[0] != width:
            call.folded_height = (width, len(self._detail(call, width)))
        return 1 + call.folded_height[1]

    def line(self, index: int, number: int, width: int) -> Line:
        call = self._calls[index]
        if number:
            return self._detail(call, width)[number - 1]
        asked = self._asked and index == self.running
        return header(call, self._clock(), width, asked=asked)

    def matches(self, index: int, needle: str, width: int) -> list[int]:
        call = self._calls[index]
        if needle not in call.haystack():
            return []
        lines = [self.line(index, number, width) for number in range(self.height(index, width))]
        return [
            number
            for number, line in enumerate(lines)
            if needle in "".join(span.text for span in line).casefold()
        ] or [0]

    def _detail(self, call: Call, width: int) -> list[Line]:
        if call.folded is None or call.folded[0] != width:
            call.folded = (width, detail(call, width))
            self._folded.append(call)
            if len(self._folded) > FOLDED:
                self._folded.popleft().folded = None
        return call.folded[1]

    def tooltip(self, index: int) -> str:
        call = self._calls[index]
        return " → ".join(filter(None, (call.citation, call.result_citation)))

    # --- from events ------------------------------------------------------------------------

    @property
    def running(self) -> int | None:
        """Index of the call that runs; only the newest can."""
        last = len(self._calls) - 1
        return last if self._calls and self._calls[last].state is State.RUNNING else None

    def call(self, event: ToolCallEvent) -> int:
        arguments = _texts(event.arguments)
        citation = one_line(event.citation, CITATION_CHARS)
        call = Call(event.name, arguments, citation, self._clock(), opened=self.opens)
        return self._add([call])

    def asked(self, waits: bool) -> int:
        """Whether the call that runs waits for a person; its time counts from the answer on."""
        self._asked = waits
        if not waits and (index := self.running) is not None:
            self._calls[index].started = self._clock()
        return 0

    def output(self, text: str) -> None:
        """More of the running command's output: its end is kept."""
        if (index := self.running) is not None:
            call = self._calls[index]
            before = len(call.output)
            call.output = (call.output + text[-TEXT_CHARS:])[-TEXT_CHARS:]
            self._chars += len(call.output) - before
            call.forget_folded()

    def result(self, event: ToolResultEvent) -> int:
        """The outcome of the running call; of a call never seen it makes one."""
        if self.running is None:
            self._add([Call(event.name, {}, started=self._clock(), opened=self.opens)])
        call = self._calls[-1]
        self._chars -= call.chars()
        call.exit_code, call.duration_ms, call.truncated = event.exit_code, event.duration_ms, event.truncated
        call.text, call.diff = _cap(event.text), _cap(event.diff)
        call.added, call.removed = _changes(event.diff)
        call.result_citation = one_line(event.citation, CITATION_CHARS)
        call.state = _state(event.ok, event.text)
        _settle(call)
        self._chars += call.chars()
        return self._let_go()

    def interrupted(self) -> None:
        """What ran was stopped, and no result will come."""
        if (index := self.running) is not None:
            self._calls[index].state = State.INTERRUPTED
            self._calls[index].forget_folded()

    # --- from records -----------------------------------------------------------------------

    def restore(self, records: Sequence[Record]) -> None:
        """Instead of what is here: the calls of a session's records, oldest first."""
        self.clear()
        by_id: dict[str, Call] = {}
        for record in records:
            body = record.body or {}
            if record.kind == "tool_call":
                name, arguments = body.get("name"), body.get("arguments")
                texts = _texts(arguments if isinstance(arguments, Mapping) else {})
                call = Call(str(name or "(redacted)"), texts, cite(record), opened=self.opens)
                call.state = State.INTERRUPTED  # until its result is found
                by_id[record.id] = call
                if record.parents and record.parents[0] in by_id:
                    by_id[record.parents[0]].state = State.CHANGED
            elif record.kind == "tool_result" and record.parents and record.parents[0] in by_id:
                _finish(by_id[record.parents[0]], record)
        self._add(by_id.values())

    def clear(self) -> None:
        self._calls.clear()
        self._chars = 0

    # --- opening ----------------------------------------------------------------------------

    def toggle(self, index: int) -> None:
        self._calls[index].opened = not self._calls[index].opened

    def open_all(self, opened: bool) -> None:
        self.opens = opened
        for call in self._calls:
            call.opened = opened

    # --- bounds -----------------------------------------------------------------------------

    def _add(self, calls: Iterable[Call]) -> int:
        for call in calls:
            self._calls.append(call)
            self._chars += call.chars()
        return self._let_go()

    def _let_go(self) -> int:
        gone, last = 0, len(self._calls) - 1
        while gone < last and (len(self._calls) - gone > MOST_CALLS or self._chars > MOST_CHARS):
            self._chars -= self._calls[gone].chars()
            gone += 1
        del self._calls[:gone]
        return gone


def cite(record: Record) -> str:
    """A citation that the journal finds, of a record whose session's shortest prefix is not known here."""
    session, _, number = record.entity.rpartition("#")
    if session == record.session and number.isdigit():
        return one_line(citations.form(session[:8], int(number)), CITATION_CHARS)
    return one_line(record.id[:12])


def _finish(call: Call, record: Record) -> None:
    body = record.body
    call.result_citation = cite(record)
    if body is None:
        call.state, call.text = State.OK, "(redacted)"
        return
    code = body.get("exit_code")
    call.exit_code = code if isinstance(code, int) else None
    call.duration_ms, call.added, call.removed = (
        value if isinstance(value := body.get(name), int) else 0
        for name in ("duration_ms", "added", "removed")
    )
    call.truncated = bool(body.get("truncated"))
    call.text = _cap(str(body.get("text", "")))
    call.state = _state(bool(body.get("ok")), call.text)
    _settle(call)


def _settle(call: Call) -> None:
    if call.state is not State.INTERRUPTED:
        call.output = ""  # the result holds it
    call.forget_folded()


def _state(ok: bool, text: str) -> State:
    from orchestrator.agent.loop import EDITED  # the app's first frame does without the agent

    if ok:
        return State.OK
    if text.startswith(REFUSED):
        return State.DENIED
    return {STOPPED: State.INTERRUPTED, EDITED: State.CHANGED}.get(text, State.FAILED)


def _changes(diff: str) -> tuple[int, int]:
    kinds = [kind for kind, _ in diff_parts(diff)]
    return kinds.count("added"), kinds.count("removed")


def _texts(arguments: Mapping[str, Any]) -> dict[str, str]:
    ordered = as_said(arguments).items()
    return {str(name): _cap(value if isinstance(value, str) else repr(value)) for name, value in ordered}


def _cap(text: str) -> str:
    if len(text) <= TEXT_CHARS:
        return text
    return f"{text[:TEXT_CHARS]}\n… {len(text) - TEXT_CHARS:,} more characters are in the record"
