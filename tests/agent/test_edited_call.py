"""A call that the person changed before the yes: what runs, what is recorded, what the model reads."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orchestrator.agent.loop import EDITED
from orchestrator.events import ToolCallEvent, ToolResultEvent
from orchestrator.paths import Home
from orchestrator.types import Approval, Mode, Preview, ToolCall
from tests.agent.test_session import Tools, of, played, world

CALL = ToolCall("shell", {"command": "rm -r build"})
EDIT = ToolCall("shell", {"command": "ls build"})


class Says:
    """Gives one answer, and counts how often it was asked."""

    def __init__(self, answer: Approval) -> None:
        self.answer = answer
        self.asked = 0

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        self.asked += 1
        return self.answer


def test_the_edited_call_runs_and_both_are_recorded(orch_home: Home) -> None:
    here = world(orch_home, [CALL, "done"], mode=Mode.ASK, approver=Says(Approval(True, call=EDIT)))
    events = played(here, "clean up")
    assert here.tools.ran == [EDIT]
    first, second = (record for record in here.records() if record.kind == "tool_call")
    assert first.body == {"name": "shell", "arguments": CALL.arguments}
    assert second.body == {"name": "shell", "arguments": EDIT.arguments, "by": "user"}
    assert second.parents == (first.id,)
    (result,) = (record for record in here.records() if record.kind == "tool_result")
    assert result.parents == (second.id,)
    assert [event.arguments for event in of(events, ToolCallEvent)] == [CALL.arguments, EDIT.arguments]
    assert [event.ok for event in of(events, ToolResultEvent)] == [False, True], "one result for each call"


def test_the_model_reads_that_another_call_ran(orch_home: Home) -> None:
    here = world(orch_home, [CALL, "done"], mode=Mode.ASK, approver=Says(Approval(True, call=EDIT)))
    played(here, "clean up")
    assert here.backend.requests[-1].messages[-1].text == f"{EDITED}\nresult of shell"


@pytest.mark.parametrize("same", [CALL, replace(CALL)])
def test_an_unchanged_call_is_no_edit(orch_home: Home, same: ToolCall) -> None:
    here = world(orch_home, [CALL, "done"], mode=Mode.ASK, approver=Says(Approval(True, call=same)))
    events = played(here, "clean up")
    assert here.tools.ran == [CALL]
    assert [event.text for event in of(events, ToolResultEvent)] == ["result of shell"]


def test_an_edited_call_stays_with_its_tool(orch_home: Home) -> None:
    other = ToolCall("write", {"path": "a", "content": "b"})
    here = world(orch_home, [CALL, "no"], mode=Mode.ASK, approver=Says(Approval(True, call=other)))
    events = played(here, "clean up")
    assert here.tools.ran == []
    assert "must stay a shell call" in of(events, ToolResultEvent)[0].text


def test_the_mode_decides_about_the_edited_call_too(orch_home: Home) -> None:
    class Stricter(Tools):
        def effect(self, call: ToolCall):  # type: ignore[no-untyped-def]
            return "write" if call == EDIT else super().effect(call)

    approver = Says(Approval(True, call=EDIT))
    here = world(orch_home, [CALL, "no"], mode=Mode.ASK, approver=approver, tools=Stricter())
    here.session.gate._writable = False  # the disk became read-only
    approval = asyncio.run(here.session.gate.admit(CALL))
    assert approver.asked == 1
    assert not approval.yes
    assert "cannot be written" in approval.reason


def test_always_given_with_an_edit_covers_the_tool(orch_home: Home) -> None:
    approver = Says(Approval(True, always=True, call=EDIT))
    again = ToolCall("shell", {"command": "pwd"})
    here = world(orch_home, [CALL, again, "done"], mode=Mode.ASK, approver=approver)
    played(here, "clean up")
    assert here.tools.ran == [EDIT, again]
    assert approver.asked == 1


def test_a_yes_with_network_opens_it_before_the_call_runs(orch_home: Home) -> None:
    class Opening(Tools):
        opened = 0

        def open_network(self) -> None:
            assert not self.ran
            self.opened += 1

    tools = Opening()
    again = ToolCall("shell", {"command": "pwd"})
    approver = Says(Approval(True, network=True))
    here = world(orch_home, [CALL, "done"], mode=Mode.ASK, approver=approver, tools=tools)
    played(here, "install it")
    assert (tools.ran, tools.opened) == ([CALL], 1)
    approver.answer = Approval(False, network=True)
    assert not asyncio.run(here.session.gate.admit(again)).yes
    assert tools.opened == 1
