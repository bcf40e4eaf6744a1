"""The agent loop, with a scripted model and tools that only count: logic and order of events."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent.approval import Always, Never
from orchestrator.agent.loop import ANSWER_SPEC, Limits
from orchestrator.agent.parts import Parts
from orchestrator.agent.session import Session
from orchestrator.agent.slash import Said, handle
from orchestrator.checkpoints.store import Checkpoints
from orchestrator.config import ContextSettings
from orchestrator.context.system import fixed_messages
from orchestrator.errors import OrchError, UsageError, WindowFull, WorkerDied
from orchestrator.events import (
    Answer,
    Event,
    Notice,
    SessionEnd,
    SessionStart,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
)
from orchestrator.journal.store import SqliteJournal
from orchestrator.models.dialects import describe
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.paths import Home
from orchestrator.ports import Approver, Memory, OutputSink
from orchestrator.types import (
    AnswerText,
    Effect,
    Generated,
    GenerateRequest,
    HandoverLine,
    Mode,
    Parameter,
    Preview,
    Record,
    TierText,
    ToolCall,
    ToolResult,
    ToolSpec,
)

SEARCH = ToolSpec("search", "find", (Parameter("pattern"),), "read")
WRITE = ToolSpec("write", "write", (Parameter("path"), Parameter("content")), "write")
SHELL = ToolSpec("shell", "bash", (Parameter("command"),), "command")


@dataclass
class Tools:
    """Answers each call from `results`, else with ok; keeps what was really run."""

    results: dict[str, ToolResult] = field(default_factory=dict)
    ran: list[ToolCall] = field(default_factory=list)
    sandbox: str = "bwrap"
    hang: bool = False
    refused: str = ""
    unread: ToolCall | None = None
    specs: tuple[ToolSpec, ...] = (SEARCH, WRITE, SHELL)

    def effect(self, call: ToolCall) -> Effect:
        return next(spec.effect for spec in self.specs if spec.name == call.name)

    def begin(self, prompt: str) -> None:
        pass

    def knows(self, prompt: str) -> bool:
        return False

    def told(self) -> None:
        pass

    def quote(self, answer: str) -> str:
        return ""

    def look(self) -> ToolCall | None:
        return self.unread

    def narrowed(self, spec: ToolSpec) -> ToolSpec:
        return spec

    def forget_seen(self) -> None: ...

    def open_network(self) -> None: ...

    def named(self, call: ToolCall) -> str:
        return call.name

    def refusal(self, call: ToolCall) -> str:
        return "" if self.unread and call.name == self.unread.name else self.refused

    def preview(self, call: ToolCall) -> Preview:
        return Preview(call.name)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        self.ran.append(call)
        sink("working\n")
        if self.hang:
            await asyncio.Event().wait()
        return self.results.get(call.name, ToolResult(True, f"result of {call.name}"))


@dataclass
class Documents:
    texts: dict[int, str] = field(default_factory=dict)
    closed: list[tuple[str, str]] = field(default_factory=list)
    lines: tuple[HandoverLine, ...] = ()

    def tiers(self) -> tuple[TierText, ...]:
        return tuple(TierText(n, f"T{n}.md", f"/p/T{n}.md", text) for n, text in sorted(self.texts.items()))

    def refresh(self) -> None: ...

    def done(self, session: str) -> tuple[HandoverLine, ...]:
        return self.lines

    def close_session(self, session: str, reason: str) -> None:
        self.closed.append((session, reason))

    def rewriting(self, sessions: Iterable[str]) -> AbstractContextManager[None]:
        return nullcontext()


class Running:
    def __init__(self) -> None:
        self.now: set[str] = set()

    def begin(self, session: str, project: str, path: Path) -> None:
        self.now.add(session)

    def end(self, session: str) -> None:
        self.now.discard(session)


@dataclass
class World:
    session: Session
    backend: ScriptedBackend
    tools: Tools
    documents: Documents
    journal: SqliteJournal
    running: Running

    def records(self) -> list[Record]:
        return self.journal.records(project="p1")


def world(
    home: Home,
    steps: list[Any],
    *,
    mode: Mode = Mode.WORKSPACE,
    approver: Approver | None = None,
    max_steps: int = 8,
    tools: Tools | None = None,
    texts: dict[int, str] | None = None,
    context_size: int = 8192,
    memory: Callable[[SqliteJournal], Memory] | None = None,
) -> World:
    backend = ScriptedBackend(steps, context_size=context_size)
    tools = tools or Tools()
    documents, running = Documents(texts or {}), Running()
    journal = SqliteJournal.open(home)
    parts = Parts(
        project="p1",
        path="/p",
        backend=backend,
        tools=tools,
        journal=journal,
        documents=documents,
        approver=approver or Never(),
        running=running,
        checkpoints=Checkpoints(home.root, home.root / ".orchestrator" / "checkpoints"),
        fixed=fixed_messages(describe((*tools.specs, ANSWER_SPEC))),
        facts=lambda: {"branch": "main"},
        memory=memory(journal) if memory else None,
    )
    limits = Limits(max_steps, 256, 0.0, context_size)
    session = Session(parts, mode=mode, limits=limits, budgets=ContextSettings())
    return World(session, backend, tools, documents, journal, running)


def played(here: World, *prompts: str) -> list[Event]:
    """All events of a session with these prompts, closing included."""

    async def play() -> list[Event]:
        events = [event async for event in here.session.open()]
        for prompt in prompts:
            events += [event async for event in here.session.turn(prompt)]
        return events + await here.session.close("done")

    return asyncio.run(play())


def of(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_call_then_an_answer_in_order_and_recorded(orch_home: Home) -> None:
    here = world(orch_home, [ToolCall("search", {"pattern": "x"}), "It is in a.py."])
    events = played(here, "Where is x?")
    kinds = [event.type for event in events if not isinstance(event, Token)]
    assert kinds[:2] == ["session_start", "context"]
    assert [k for k in kinds if k.startswith(("tool", "answer", "session_end"))] == [
        "tool_call",
        "tool_output",
        "tool_result",
        "answer",
        "session_end",
    ]
    assert "".join(token.text for token in of(events, Token)) == "It is in a.py."
    assert [record.kind for record in here.records()] == [
        "session",
        "message",
        "tool_call",
        "tool_result",
        "message",
        "session",
    ]
    assert here.documents.closed == [(here.session.id, "done")]
    assert not here.running.now


def test_tool_result_cites_its_call(orch_home: Home) -> None:
    here = world(orch_home, [ToolCall("search", {"pattern": "x"}), "done"])
    played(here, "Where is x?")
    call, result = (next(r for r in here.records() if r.kind == k) for k in ("tool_call", "tool_result"))
    assert result.parents == (call.id,)


def test_never_records_the_call_and_denies_it(orch_home: Home) -> None:
    here = world(orch_home, [ToolCall("write", {"path": "a", "content": "b"}), "I may not."], mode=Mode.ASK)
    events = played(here, "Write it")
    assert here.tools.ran == []
    assert of(events, ToolCallEvent)[0].name == "write"
    assert not of(events, ToolResultEvent)[0].ok
    assert of(events, Answer)[0].text == "I may not."


def test_always_says_yes_to_what_the_mode_would_ask(orch_home: Home) -> None:
    steps = [ToolCall("write", {"path": "a", "content": "b"}), "Done."]
    here = world(orch_home, steps, mode=Mode.ASK, approver=Always())
    played(here, "Write it")
    assert here.tools.ran == [steps[0]]


def test_no_yes_reaches_past_read_only(orch_home: Home) -> None:
    here = world(orch_home, ["I may not."], mode=Mode.READ_ONLY, approver=Always())
    assert not asyncio.run(here.session.gate.admit(ToolCall("write", {}))).yes


def test_nobody_is_asked_about_a_call_that_must_fail(orch_home: Home) -> None:
    class Broken:
        async def approve(self, call: ToolCall, preview: Preview) -> Any:
            raise AssertionError("asked")

    steps = [ToolCall("write", {"path": "..", "content": "b"}), ToolCall("search", {"pattern": "b"}), "no"]
    tools = Tools(refused=".. is outside the project.")
    here = world(orch_home, steps, mode=Mode.ASK, approver=Broken(), tools=tools)
    events = played(here, "Write it")
    assert of(events, ToolResultEvent)[0].text == ".. is outside the project."
    assert tools.ran == []


def test_without_a_sandbox_a_command_needs_a_yes_in_any_mode(orch_home: Home) -> None:
    here = world(orch_home, [ToolCall("shell", {"command": "ls"}), "no"], tools=Tools(sandbox="none"))
    played(here, "list")
    assert here.tools.ran == []


def test_read_only_offers_no_call_that_it_would_deny(orch_home: Home) -> None:
    here = world(orch_home, ["fine"], mode=Mode.READ_ONLY)
    played(here, "hi")
    assert [spec.name for spec in here.backend.requests[0].choices] == ["search", "answer"]


def test_after_a_failed_look_answer_is_left_out_once(orch_home: Home) -> None:
    tools = Tools(results={"search": ToolResult(False, "nothing found")})
    search = [ToolCall("search", {"pattern": p}) for p in ("a", "b")]
    here = world(orch_home, [*search, "not there"], tools=tools)
    played(here, "find")
    offered = [ANSWER_SPEC.name in [s.name for s in r.choices] for r in here.backend.requests]
    assert offered == [True, False, True]


def test_a_failed_command_may_be_answered_at_once(orch_home: Home) -> None:
    tools = Tools(results={"shell": ToolResult(False, "1 failed", exit_code=1)})
    here = world(orch_home, [ToolCall("shell", {"command": "pytest"}), "One test fails."], tools=tools)
    played(here, "test")
    assert all("answer" in [s.name for s in r.choices] for r in here.backend.requests)


@pytest.mark.parametrize(
    ("call", "runs"),
    [(ToolCall("search", {"pattern": "x"}), 1), (ToolCall("shell", {"command": "make"}), 2)],
)
def test_a_look_runs_once_in_a_row_and_a_command_twice(orch_home: Home, call: ToolCall, runs: int) -> None:
    here = world(orch_home, [call] * (runs + 1) + ["enough"], approver=Always())
    events = played(here, "find x")
    assert len(here.tools.ran) == runs
    assert f"already made this {call.name} call" in of(events, ToolResultEvent)[runs].text
    last = here.backend.requests[-1]
    assert call.name not in [spec.name for spec in last.choices]
    said = last.messages[here.session.window.stable :]  # type: ignore[union-attr]
    assert [message.role for message in said] == ["user", "assistant", "tool"]
    assert said[1].call == call


def test_a_change_of_a_file_unread_becomes_a_look(orch_home: Home) -> None:
    look = ToolCall("search", {"pattern": "the file", "path": "a"})
    tools = Tools(refused="old was not found", unread=look)
    write = ToolCall("write", {"path": "a", "content": "b"})
    here = world(orch_home, [write, ToolCall("shell", {"command": "true"}), "done"], tools=tools, max_steps=2)
    events = played(here, "change it")
    assert [(event.name, event.ok) for event in of(events, ToolResultEvent)][:2] == [
        ("write", False),
        ("search", True),
    ]
    second = here.backend.requests[1]
    assert [m.call for m in second.messages if m.call][-1] == look
    assert write not in [m.call for m in second.messages]
    assert {ANSWER_SPEC.name, look.name, "write"}.isdisjoint(spec.name for spec in second.choices)


def test_out_of_steps_only_an_answer_is_possible(orch_home: Home) -> None:
    calls = [ToolCall("search", {"pattern": str(n)}) for n in range(2)]
    here = world(orch_home, [*calls, "that is all"], max_steps=2)
    events = played(here, "find")
    assert [spec.name for spec in here.backend.requests[-1].choices] == ["answer"]
    assert of(events, Answer)[0].text == "that is all"


def test_each_prompt_extends_the_last_within_a_session(orch_home: Home) -> None:
    steps: list[Any] = []
    for turn in range(5):
        steps += [ToolCall("search", {"pattern": str(turn)}), f"answer {turn}"]
    here = world(orch_home, steps, texts={2: "# Project\nfacts"})
    played(here, *(f"question {turn}" for turn in range(5)))
    prompts = [request.messages for request in here.backend.requests]
    for before, after in itertools.pairwise(prompts):
        assert after[: len(before)] == before


def test_a_document_changed_in_mid_session_is_announced_once(orch_home: Home) -> None:
    here = world(orch_home, ["one", "two", "three"], texts={3: "# Briefing\n- old"})

    async def play() -> None:
        [event async for event in here.session.open()]
        [event async for event in here.session.turn("first")]
        here.documents.texts[3] += "\n- use PostgreSQL"
        [event async for event in here.session.turn("second")]
        [event async for event in here.session.turn("third")]

    asyncio.run(play())
    newest = [request.messages[-1].text for request in here.backend.requests]
    assert newest[0] == "first"
    assert "use PostgreSQL" in newest[1]
    assert newest[1].endswith("second")
    assert newest[2] == "third"
    stable = here.session.window.stable  # type: ignore[union-attr]
    prefixes = [request.messages[:stable] for request in here.backend.requests]
    assert prefixes.count(prefixes[0]) == 3


def test_a_prompt_larger_than_the_window_says_the_numbers(orch_home: Home) -> None:
    here = world(orch_home, ["never"], context_size=4096)
    with pytest.raises(WindowFull, match=r"The prompt has \d+ tokens"):
        played(here, "word " * 9000)


def test_a_full_window_rolls_over_to_a_fresh_instance(orch_home: Home) -> None:
    here = world(orch_home, ["short"] * 40, context_size=4096)
    events = played(here, *("word " * 200 for _ in range(12)))
    assert len(of(events, SessionStart)) > 1
    assert [event.reason for event in of(events, SessionEnd)][-2:] == ["rollover", "done"]
    assert len(here.documents.closed) == len(of(events, SessionStart))
    assert any("fresh instance" in event.text for event in of(events, Notice))


def test_a_huge_result_is_cut_to_the_room_that_is_left(orch_home: Home) -> None:
    tools = Tools(results={"search": ToolResult(True, "word " * 50_000)})
    here = world(orch_home, [ToolCall("search", {"pattern": "x"}), "ok"], tools=tools, context_size=4096)
    events = played(here, "find")
    assert of(events, Answer)[0].text == "ok"
    assert "the window is nearly full" in here.backend.requests[-1].messages[-1].text


def _interrupted(here: World, when: Callable[[Event], bool]) -> list[Event]:
    async def play() -> list[Event]:
        events = [event async for event in here.session.open()]
        pending: list[Coroutine[Any, Any, None]] = []
        async for event in here.session.turn("go"):
            events.append(event)
            if when(event) and not pending:
                pending.append(here.session.interrupt())
                await pending[0]
        return events + await here.session.close("interrupted")

    return asyncio.run(play())


def test_interrupting_an_answer_keeps_what_was_said(orch_home: Home) -> None:
    text = "one two three four five six seven eight nine ten " * 20
    here = world(orch_home, [text, "next"])
    events = _interrupted(here, lambda event: isinstance(event, Token))
    answer = of(events, Answer)[0]
    assert answer.interrupted
    assert answer.text
    assert text.startswith(answer.text)
    assert answer.text != text
    kept = [r.body for r in here.records() if r.kind == "message"][-1]
    assert kept is not None
    assert (kept["text"], kept["interrupted"]) == (answer.text, True)


def test_interrupting_a_command_stops_it_and_ends_the_turn(orch_home: Home) -> None:
    here = world(orch_home, [ToolCall("shell", {"command": "sleep 99"})], tools=Tools(hang=True))
    events = _interrupted(here, lambda event: isinstance(event, ToolOutput))
    assert "Interrupted" in of(events, ToolResultEvent)[0].text
    assert of(events, Answer)[0].interrupted


def test_interrupting_an_open_question_is_a_no(orch_home: Home) -> None:
    asked = asyncio.Event()

    class Silent:
        async def approve(self, call: ToolCall, preview: Preview) -> Any:
            asked.set()
            await asyncio.Event().wait()

    steps = [ToolCall("shell", {"command": "ls"})]
    here = world(orch_home, steps, mode=Mode.ASK, approver=Silent())

    async def play() -> list[Event]:
        [event async for event in here.session.open()]

        async def turn() -> list[Event]:
            return [event async for event in here.session.turn("go")]

        task = asyncio.create_task(turn())
        await asked.wait()
        await here.session.interrupt()
        return await task

    events = asyncio.run(play())
    assert here.tools.ran == []
    assert of(events, Answer)[0].interrupted


def test_a_dead_worker_costs_one_answer_and_the_session_goes_on(orch_home: Home) -> None:
    here = world(orch_home, [WorkerDied("The model's process died.", "Ask again."), "here again"])

    async def play() -> str:
        [event async for event in here.session.open()]
        with pytest.raises(WorkerDied):
            [event async for event in here.session.turn("first")]
        events = [event async for event in here.session.turn("second")]
        await here.session.close("done")
        return str(of(events, Answer)[0].text)

    assert asyncio.run(play()) == "here again"


def test_what_a_dying_worker_had_said_is_recorded(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(orch_home, ["unused"])

    async def dying(request: GenerateRequest) -> AsyncIterator[Generated]:
        yield AnswerText("The port ")
        yield AnswerText("is")
        raise WorkerDied("The model's process died.", "Ask again.")

    monkeypatch.setattr(here.backend, "generate", dying)
    with pytest.raises(WorkerDied):
        played(here, "which port?")
    said = [record.body for record in here.records() if record.kind == "message"][-1]
    assert said == {"role": "assistant", "text": "The port is", "interrupted": True}


def test_a_call_cut_off_by_a_limit_is_dropped_and_the_model_told(orch_home: Home) -> None:
    book = ToolCall("write", {"path": "book.txt", "content": "word " * 1000})
    here = world(orch_home, [book, "smaller now"])
    events = played(here, "write a book")
    assert of(events, ToolCallEvent) == []
    assert of(events, Answer)[0].text == "smaller now"
    assert "dropped whole" in here.backend.requests[1].messages[-1].text


def test_context_says_what_is_in_the_window_and_what_the_last_turn_read(orch_home: Home) -> None:
    texts = {2: "\n\n".join(["word " * 400] * 20), 4: "## Session S1: x\n- y"}
    here = world(orch_home, [ToolCall("search", {"pattern": "x"}), "one", "two"], texts=texts)
    played(here, "first", "second")
    said = handle("/context", here.session)
    assert isinstance(said, Said)
    lines = said.text.splitlines()
    parts = [line.split()[1] for line in lines if line[:7].strip()]
    assert parts[:4] == ["system", "T2.md", "T4.md", "conversation"]
    assert any("left out of T2.md: " in line and "(budget, " in line for line in lines)
    assert any(line.endswith("of 8,192 tokens") for line in lines)
    usage = here.session.last_turn
    assert usage is not None
    new = usage.prompt_tokens - usage.cached_tokens
    assert any(line.startswith("last turn: ") and f" {new:,} new" in line for line in lines)
    ended = [record.body or {} for record in here.records() if record.kind == "session"][-1]
    assert ended["last_turn"]["cached_tokens"] == usage.cached_tokens > 0


def test_notes_are_recorded_with_their_author(orch_home: Home) -> None:
    here = world(orch_home, ["hi"])
    played(here, "hello")
    citation = here.session.notes.add("decision", "use WAL", "writers block readers")
    here.session.notes.add("lesson", "tests need TZ=UTC", by="model")
    notes = here.journal.live_notes("p1")
    assert [(note.body or {})["status"] for note in notes] == ["confirmed", "claimed"]
    assert here.journal.cite(notes[0]) == citation
    lesson = here.session.notes.confirm(here.journal.cite(notes[1]))
    newer = here.session.notes.add("decision", "use one file", more={"supersedes": "D1"})
    notes = here.journal.live_notes("p1")
    assert {(note.body or {})["status"] for note in notes[1:]} == {"confirmed"}
    assert notes[1].parents == (notes[0].id,)
    assert [here.journal.cite(note) for note in notes[1:]] == [lesson, newer]
    assert (notes[2].body or {})["text"] == "use one file"
    with pytest.raises(UsageError, match=f"holds no longer: see {newer}"):
        here.session.notes.confirm(citation)
    with pytest.raises(OrchError):
        here.session.notes.add("decision", "x", more={"supersedes": "Sffff#9"})
    assert len(here.journal.live_notes("p1")) == len(notes)
