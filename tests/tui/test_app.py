"""The app as a person uses it: keys in, screen and documents out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual import events

from orchestrator.errors import JournalError
from orchestrator.events import Event, Loading
from orchestrator.models.busy import Busy
from orchestrator.paths import Home
from orchestrator.tui.app import OrchApp
from orchestrator.tui.conductor import Phase, Phased
from orchestrator.tui.widgets.chat import Prompted
from orchestrator.types import Mode
from tests.tui.app_host import ask, running, text_of, until

ANSWER = {"answer": "It is in `quota.py`, line 7."}
LOOK = {"tool": "search", "arguments": {"pattern": "charge"}}


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    (folder / "quota.py").write_text("def charge(account, amount):\n    return account - amount\n")
    return folder


def test_a_question_is_answered_traced_and_logged(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, LOOK, ANSWER) as (app, pilot):
            await ask(pilot, "where is charge?")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            screen = text_of(pilot)
            assert "where is charge?" in screen
            assert "▸ search" in screen
            assert "ctx" in screen
            assert "heron" in screen.splitlines()[0]
            assert "ask" in screen.splitlines()[0]

    asyncio.run(story())
    log = (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "where is charge?" in log


def said(app: OrchApp) -> list[str]:
    """What stands in the chat as said by the user."""
    return [prompted._item.text for prompted in app.main.chat.query(Prompted)]


def test_prompts_wait_for_their_turn(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, {"pause": "thinking"}, ANSWER, ANSWER) as (app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: "thinking" in text_of(pilot))
            await ask(pilot, "two")
            await until(pilot, lambda: "1 prompt waits: two" in text_of(pilot))
            assert said(app) == ["one"]
            assert app.conductor.opened is not None
            await app.conductor.opened.session.interrupt()
            await until(pilot, lambda: "line 7" in text_of(pilot))
            assert "prompt waits" not in text_of(pilot)
            assert said(app) == ["one", "two"]

    asyncio.run(story())


def test_escape_stops_the_model_keeps_its_words_and_gives_waiting_prompts_back(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, {"pause": "half an answer"}) as (app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: "half an answer" in text_of(pilot))
            await ask(pilot, "two")
            await pilot.press(*"half", "escape")
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            assert app.main.prompt.text == "two\nhalf"
            screen = text_of(pilot)
            assert "half an answer" in screen
            assert "interrupted" in screen

    asyncio.run(story())
    assert "half an answer" in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")


def test_a_prompt_typed_while_the_model_loads_is_not_lost(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, ANSWER, ANSWER) as (app, pilot):
            app.action_new_session()
            await ask(pilot, "early")
            await until(pilot, lambda: "line 7" in text_of(pilot))

    asyncio.run(story())


def test_places_open_and_close_by_their_key_when_narrow(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, LOOK, ANSWER, size=(80, 24)) as (app, pilot):
            assert not app.main.side.display
            await ask(pilot, "where is charge?")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            assert "trace•" in text_of(pilot)
            await pilot.press("ctrl+t")
            await until(pilot, lambda: "▸ search" in text_of(pilot))
            assert "trace•" not in text_of(pilot)
            assert app.main.trace.has_focus_within
            await pilot.press("ctrl+t")
            assert not app.main.side.display
            await pilot.press("ctrl+y")
            await until(pilot, lambda: app.main.side.on_screen("terminal"))
            await pilot.press("escape")
            await until(pilot, lambda: not app.main.side.display)
            assert app.main.prompt.has_focus_within

    asyncio.run(story())


def test_notes_modes_and_unknown_commands(heron: Path) -> None:
    async def story() -> None:
        async with running(heron) as (app, pilot):
            await ask(pilot, "/decide use PostgreSQL because SQLite locks")
            await until(pilot, lambda: "noted: decision" in text_of(pilot))
            await ask(pilot, "/mode workspace")
            await until(pilot, lambda: "mode: workspace" in text_of(pilot))
            assert app.main.status.status.mode == "workspace"
            await pilot.press("shift+tab")
            assert app.conductor.opened is not None
            assert app.conductor.opened.session.gate.mode is Mode.READ_ONLY
            assert app.main.status.status.mode == "read-only"
            await ask(pilot, "/decde x")
            await until(pilot, lambda: "Did you mean /decide?" in text_of(pilot))
            assert app.main.prompt.text == "/decde x", "to be said right"

    asyncio.run(story())
    assert "use PostgreSQL" in (heron / "SESSION_BRIEFING.md").read_text(encoding="utf-8")


def test_an_edit_is_approved_by_its_diff(heron: Path) -> None:
    edit = {"path": "quota.py", "old": "account - amount", "new": "account + amount"}

    async def story() -> None:
        async with running(heron, {"tool": "edit", "arguments": edit}, ANSWER) as (_app, pilot):
            await ask(pilot, "turn it round")
            await until(pilot, lambda: "account + amount" in text_of(pilot))
            assert "account - amount" in (heron / "quota.py").read_text()
            await until(pilot, lambda: "y yes" in text_of(pilot))
            assert "waits for you" in text_of(pilot)
            await pilot.press("y")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            assert "waits for you" not in text_of(pilot)
            assert "account + amount" in (heron / "quota.py").read_text()

    asyncio.run(story())


def test_a_failing_model_is_one_line_with_a_way_on(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, {"error": "The model fell over"}, ANSWER) as (_app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: "The model fell over" in text_of(pilot))
            await ask(pilot, "two")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            assert "Traceback" not in text_of(pilot)

    asyncio.run(story())


def test_another_project_is_opened_without_a_restart(heron: Path, tmp_path: Path) -> None:
    other = tmp_path / "egret"
    other.mkdir()

    async def story() -> None:
        async with running(heron, ANSWER, ANSWER) as (app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            row = app._node.add_project(other)
            await app.dialogs.switch(row)
            await until(pilot, lambda: app.main.status.status.project == "egret" and app.conductor.opened)
            assert "one" not in text_of(pilot)
            assert (heron / "SESSION_LOG.md").exists()
            await ask(pilot, "two")
            await until(pilot, lambda: "line 7" in text_of(pilot))

    asyncio.run(story())
    assert "two" in (other / "SESSION_LOG.md").read_text(encoding="utf-8")


def test_ctrl_c_twice_leaves(heron: Path) -> None:
    async def story() -> None:
        async with running(heron) as (app, pilot):
            await pilot.press("ctrl+c")
            assert app._exit is False
            await pilot.press("ctrl+c")
            assert app._exit

    asyncio.run(story())


HOSTILE = (
    "[red]x[/red] [/] [@click=app.exit]y[/] \x1b[31mred\x1b]0;title\x07 \u202eright-to-left " + "w" * 200_000
)


def test_hostile_words_are_only_words(heron: Path) -> None:
    async def story() -> None:
        steps = ({"tool": "shell", "arguments": {"command": HOSTILE[:60]}}, {"answer": HOSTILE})
        async with running(heron, *steps) as (app, pilot):
            await ask(pilot, "hello")
            await until(pilot, lambda: "y yes" in text_of(pilot))
            await pilot.press("n")
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            await until(pilot, lambda: "[/red]" in app.main.chat.last_answer())
            assert app._exit is False

    asyncio.run(story())


def test_a_prompt_without_a_session_tries_to_open_one(heron: Path, orch_home: Home) -> None:
    async def story() -> None:
        async with running(heron, ANSWER) as (app, pilot):
            orch_home.run.rename(orch_home.root / "was-run")
            orch_home.run.write_text("")  # a session cannot be marked as running there
            await pilot.press("ctrl+n")
            await until(pilot, lambda: app.conductor.phase is Phase.CLOSED)
            await ask(pilot, "one")
            await until(pilot, lambda: "1 prompt waits: one" in text_of(pilot))
            await until(pilot, lambda: app.conductor.phase is Phase.CLOSED)
            orch_home.run.unlink()
            await ask(pilot, "two")
            await until(pilot, lambda: "line 7" in text_of(pilot))
            assert said(app) == ["two"]
            assert app.main.prompt.text == "one"

    asyncio.run(story())


def test_an_end_that_cannot_be_recorded_is_told_after_the_app(
    heron: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = JournalError("The disk is full.", "Free space.")

    async def story() -> None:
        async with running(heron, ANSWER) as (app, _pilot):
            assert app.conductor.opened is not None
            session = app.conductor.opened.session

            async def close(reason: str) -> list[Event]:
                raise full

            monkeypatch.setattr(session, "close", close)
            app.exit()
        assert app.conductor.unwritten is full

    asyncio.run(story())


def test_a_prompt_that_the_journal_cannot_take_is_given_back(
    heron: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(prompt: str) -> AsyncIterator[Event]:
        raise JournalError("The disk is full.", "Free space.")
        yield

    async def story() -> None:
        async with running(heron, ANSWER) as (app, pilot):
            assert app.conductor.opened is not None
            monkeypatch.setattr(app.conductor.opened.session, "turn", refused)
            await ask(pilot, "one")
            await until(pilot, lambda: "The disk is full." in text_of(pilot))
            assert app.main.prompt.text == "one"

    asyncio.run(story())


def test_a_prompt_that_waits_does_not_hide_how_far_the_model_is(heron: Path) -> None:
    async def story() -> None:
        async with running(heron) as (app, pilot):
            app.main.show(Phased(Phase.CLOSED))
            app.main.show(Phased(Phase.OPENING))
            app.main.show(Loading(0.42))
            app.main.show(Phased(Phase.OPENING, ("one",)))
            await until(pilot, lambda: "1 prompt waits: one" in text_of(pilot))
            assert "loading the model 42%" in text_of(pilot)

    asyncio.run(story())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_what_is_typed_where_nothing_takes_letters_goes_to_the_prompt(heron: Path) -> None:
    async def story() -> None:
        async with running(heron) as (app, pilot):
            await ask(pilot, "!true")
            await until(pilot, lambda: "exit code 0" in text_of(pilot))
            await until(pilot, lambda: app.main.prompt.area.has_focus)
            app.main.chat.focus()
            await pilot.pause()
            await pilot.press(*"hi")
            assert app.main.prompt.text == "hi"
            app.main.terminal.focus()
            await pilot.pause()
            await pilot.press("slash", "x")
            assert app.main.prompt.text == "hi", "there it searches"

    asyncio.run(story())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_a_command_of_ones_own_knows_its_room_from_the_start(heron: Path) -> None:
    async def story() -> None:
        async with running(heron, size=(80, 24)) as (app, pilot):
            await ask(pilot, "!stty size")
            await until(pilot, lambda: "exit code 0" in text_of(pilot))
            columns, rows = app.main.terminal._room
            assert columns < 80
            assert f"{rows} {columns}" in text_of(pilot)

    asyncio.run(story())


def test_a_name_typed_at_once_chooses_the_project(heron: Path, tmp_path: Path) -> None:
    """Keys of one burst all arrive before the focus has moved to the search line."""
    other = tmp_path / "egret"
    other.mkdir()

    async def story() -> None:
        async with running(heron) as (app, pilot):
            app._node.add_project(other)
            await pilot.press("ctrl+w")
            await until(pilot, lambda: "egret" in text_of(pilot))
            for key in "egret":
                app.post_message(events.Key(key, key))
            await until(pilot, lambda: "▸  heron" not in text_of(pilot))
            await pilot.press("enter")
            await until(pilot, lambda: app.main.status.status.project == "egret" and app.conductor.opened)

    asyncio.run(story())


def test_whoever_types_goes_before_what_runs_in_the_background(heron: Path, orch_home: Home) -> None:
    async def story() -> None:
        others = Busy(orch_home.busy)
        async with running(heron) as (_, pilot):
            assert not others.somebody()
            await pilot.press("h")
            await pilot.pause()
            assert others.somebody()

    asyncio.run(story())
    assert not Busy(orch_home.busy).somebody()
