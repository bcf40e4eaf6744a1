"""From one instance to the next: last words, a person's changes, and what the next one is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.handover import KINDS, of_text, opening, shown, to_text
from orchestrator.errors import WindowFull
from orchestrator.events import Event, HandedOver, Notice, SessionEnd, SessionStart
from orchestrator.models.scripted import Pause
from orchestrator.paths import Home
from orchestrator.types import NOTE_KINDS, Handover, HandoverLine, Parameter, ToolCall, ToolSpec
from tests.agent.test_session import SEARCH, Tools, World, of, played, world

NOTE = ToolSpec("note", "note", (Parameter("kind"), Parameter("text")), "note")
CHANGED = HandoverLine("done", "Changed `a.py`: +1 −0", evidence="S12#3, verified")


def note(kind: str, text: str) -> ToolCall:
    return ToolCall("note", {"kind": kind, "text": text})


@dataclass
class Person:
    """Answers each review with what `change` makes of it."""

    change: Any
    seen: list[Handover] = field(default_factory=list)

    async def review(self, handover: Handover) -> Handover | None:
        self.seen.append(handover)
        return self.change(handover)


def noting(home: Home, steps: list[Any], person: Person | None = None, **more: Any) -> World:
    here = world(home, steps, tools=Tools(specs=(SEARCH, NOTE)), **more)
    here.documents.lines = (CHANGED,)
    here.session._parts = replace(here.session._parts, reviewer=person)
    return here


def notes(here: World) -> list[tuple[str, str, str]]:
    return [
        (record.kind, str(record.body["text"]), str(record.body["status"]))
        for record in here.records()
        if record.kind in NOTE_KINDS and record.body
    ]


def test_the_next_instance_is_told_what_the_last_one_noted(orch_home: Home) -> None:
    steps = ["hello", note("lesson", "tests need TZ"), note("lesson", "Tests need TZ."), "Yes."]
    here = noting(orch_home, steps)
    events = played(here, "hi", "/handoff mend the tests", "go on")
    (told,) = of(events, HandedOver)
    assert told.goal == "mend the tests"
    assert told.lines[0] == "done: Changed `a.py`: +1 −0 [S12#3, verified]"
    assert told.lines[1].startswith("lesson: tests need TZ [S")
    assert notes(here) == [("lesson", "tests need TZ", "claimed"), ("goal", "mend the tests", "confirmed")]
    assert [event.reason for event in of(events, SessionEnd)] == ["rollover", "done"]
    assert len({event.session for event in of(events, SessionStart)}) == 2
    newest = here.backend.requests[-1].messages
    assert [message.text for message in newest if message.role == "user"][-1] == "\n".join(
        ["The instance before you handed over:", "goal: mend the tests", *told.lines, "", "go on"]
    )
    assert not any(message.text == "hi" for message in newest)


def test_a_model_that_repeats_the_question_says_nothing(orch_home: Home) -> None:
    here = noting(orch_home, ["a", note("decision", "What was decided and why, what failed."), "Done."])
    (told,) = of(played(here, "hi", "/handoff"), HandedOver)
    assert told.lines == (shown(CHANGED),)


def test_a_person_changes_what_survives(orch_home: Home) -> None:
    def change(handover: Handover) -> Handover:
        text = to_text(handover).replace("use Redis", "use PostgreSQL because it locks rows")
        return of_text(text.replace(shown(CHANGED), ""), handover)

    person = Person(change)
    here = noting(orch_home, ["a", note("decision", "use Redis"), "Done."], person)
    here.session.notes.add("blocker", "no rates")
    (told,) = of(played(here, "hi", "/handoff"), HandedOver)
    assert len(told.lines) == 1
    assert told.lines[0].startswith("decision: use PostgreSQL because it locks rows [S")
    assert ("decision", "use PostgreSQL", "confirmed") in notes(here)
    assert "use Redis" not in str(notes(here))
    assert person.seen[0].known[0].startswith("blocker: no rates [S")


def test_a_no_lets_the_instance_go_on(orch_home: Home) -> None:
    here = noting(orch_home, ["a", note("next", "sleep"), "Done.", "b"], Person(lambda handover: None))
    events = played(here, "hi", "/handoff", "still there?")
    assert not of(events, HandedOver)
    assert len(of(events, SessionStart)) == 1
    assert notes(here) == []
    said = [message.text for message in here.backend.requests[-1].messages if message.role == "user"]
    assert said[-2:] == ["hi", "still there?"]


def test_a_full_window_rolls_over_whatever_the_person_says(orch_home: Home) -> None:
    person = Person(lambda handover: None)
    here = noting(orch_home, ["short"] * 60, person, context_size=4096)
    events = played(here, *("word " * 200 for _ in range(12)))
    told = of(events, HandedOver)
    assert told
    assert len(person.seen) == len(told)
    assert told[0].lines == (shown(CHANGED),)


def test_documents_that_leave_no_room_end_in_an_error_and_not_in_a_loop(orch_home: Home) -> None:
    here = noting(orch_home, ["short"] * 60, context_size=4096)

    events: list[Event] = []

    async def turn(prompt: str) -> None:
        async for event in here.session.turn(prompt):
            events.append(event)

    async def play() -> None:
        events.extend([event async for event in here.session.open()])
        while not of(events, HandedOver):
            await turn("word " * 200)
        before = here.session._prefix.tokens
        await turn("word " * 200)
        here.documents.texts[3] = "# Briefing\n" + "- fact\n" * 3000
        room = here.session.context_size - before - 1024
        while len(of(events, HandedOver)) == 1:
            await turn("word " * (room // 2 - 10))

    with pytest.raises(WindowFull):
        asyncio.run(play())
    assert len(of(events, SessionStart)) == 3


def test_the_last_words_can_be_stopped(orch_home: Home) -> None:
    here = noting(orch_home, ["a", Pause("thinking")])

    async def play() -> list[Event]:
        events = [event async for event in here.session.open()]
        events += [event async for event in here.session.turn("hi")]
        async for event in here.session.turn("/handoff x"):
            events.append(event)
            if event.type == "prefill":
                assert here.session.busy
                await here.session.interrupt()
        return events + await here.session.close("done")

    events = asyncio.run(play())
    assert [event.text for event in of(events, Notice)][-1] == "This instance goes on."
    assert not of(events, HandedOver)


def test_private_words_are_not_noted(orch_home: Home) -> None:
    here = noting(orch_home, ["a", "never asked"])
    played(here, "/private my secret", "/handoff")
    assert len(here.backend.requests) == 1


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=30).filter(
    lambda text: not text.startswith("#")
)
LINES = st.builds(HandoverLine, st.sampled_from(("done", *KINDS)), TEXT, st.just("") | TEXT, st.just("S1#2"))


@given(TEXT, st.lists(LINES, max_size=5, unique=True))
def test_what_nobody_changes_stays_as_it_was(goal: str, lines: list[HandoverLine]) -> None:
    handover = Handover(goal, tuple(lines), ("note: x [S1#1]",))
    assert of_text(to_text(handover), handover) == handover


@given(st.text())
def test_any_text_is_a_handover(text: str) -> None:
    kept = of_text(text, Handover("", (CHANGED,)))
    assert all(
        line == CHANGED or (line.kind in KINDS and line.text and not line.evidence) for line in kept.lines
    )


def test_what_the_documents_say_is_not_said_twice() -> None:
    assert opening("", ["lesson: x needs y [S1#2]"], "- x needs y [S1#2]") == ""
    assert opening("go", [], "") == "The instance before you handed over:\ngoal: go"
