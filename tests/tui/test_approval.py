"""The approval panel: which keys are answers, which are the prompt's, and that nothing is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from orchestrator.tui.screens.edit import EditScreen
from orchestrator.tui.screens.view import ViewScreen
from orchestrator.types import Approval, Preview, ToolCall
from tests.tui.approval_host import CHANGE, COMMAND, EDIT, SHELL, Host

Play = Callable[[Host, Pilot[Any]], Awaitable[None]]


def play(scene: Play, size: tuple[int, int] = (80, 24)) -> Host:
    """Run the scene in the host; returns the host afterwards."""
    host = Host()

    async def run() -> None:
        async with host.run_test(size=size) as pilot:
            await pilot.pause()
            await scene(host, pilot)

    asyncio.run(run())
    return host


# --- whose key it is ----------------------------------------------------------------------------


def test_it_takes_the_focus_after_a_quiet_moment_and_gives_it_back() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        assert not host.panel.display
        await host.ask(pilot)
        assert host.panel.display
        assert host.prompt.has_focus
        await host.later(pilot, 0.6)
        assert host.prompt.has_focus
        await host.later(pilot, 0.2)
        assert host.panel.has_focus
        await host.later(pilot, 0.6)
        await pilot.press("y")
        await host.later(pilot, 0.3)
        assert host.answer == Approval(True)
        assert host.prompt.has_focus
        assert not host.panel.display
        assert host.prompt.text == ""

    play(scene)


def test_typing_goes_on_in_the_prompt_and_keeps_the_focus_there() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await pilot.press("h")
        await host.ask(pilot)
        await pilot.press(*"ey yes")
        await host.later(pilot, 5)
        await host.later(pilot, 5)
        assert host.prompt.text == "hey yes"
        assert host.prompt.has_focus
        assert host.answer is None

    play(scene)


def test_an_emptied_prompt_counts_as_quiet_again() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await pilot.press("h")
        await host.ask(pilot)
        await host.later(pilot, 5)
        await pilot.press("backspace")
        await host.later(pilot, 0.5)
        assert host.prompt.has_focus
        await host.later(pilot, 0.8)
        assert host.panel.has_focus

    play(scene)


@pytest.mark.parametrize("word", ["y", "yes", "a", "always", "now", "x", "edit it"])
def test_a_word_begun_as_it_takes_the_focus_lands_in_the_prompt(word: str) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.later(pilot, 0.8)
        assert host.panel.has_focus
        await host.later(pilot, 0.3)  # too soon to have seen it
        await pilot.press(*(key if key != " " else "space" for key in word))
        await host.later(pilot, 9)
        assert host.prompt.text == word
        assert host.prompt.has_focus
        assert host.answer is None

    play(scene)


@pytest.mark.parametrize("word", ["yes", "and", "now", "yarn", "ra"])
def test_a_letter_followed_at_once_by_another_is_a_word(word: str) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press(*word)
        await host.later(pilot, 9)
        assert host.prompt.text == word
        assert host.answer is None

    play(scene)


def test_a_letter_that_answers_nothing_begins_a_word() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press(*"why")
        assert host.prompt.text == "why"
        assert host.answer is None

    play(scene)


def test_what_is_pasted_goes_into_the_prompt() -> None:
    from textual import events

    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        host.panel.post_message(events.Paste("y\n"))
        await pilot.pause()
        await host.later(pilot, 9)
        assert host.prompt.text == "y\n"
        assert host.answer is None

    play(scene)


@pytest.mark.parametrize("key", ["enter", "space", "tab", "backspace", "escape", "down", "f12"])
def test_no_other_key_answers(key: str) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press(key)
        await host.later(pilot, 9)
        assert host.answer is None

    play(scene)


def test_who_turns_to_it_on_purpose_is_understood_at_once() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await pilot.press("h")
        await host.ask(pilot)
        await host.later(pilot, 0.8)
        host.panel.focus()
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert host.answer == Approval(True)
        assert host.prompt.has_focus
        assert host.prompt.text == "h"

    play(scene)


def test_even_then_not_in_the_first_moment() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        host.panel.focus()
        await pilot.pause()
        await pilot.press("y")
        await host.later(pilot, 9)
        assert host.answer is None
        assert host.prompt.text == "y"

    play(scene)


def test_a_pane_that_is_being_read_keeps_the_focus() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        chat = host.query_one("#chat")
        chat.can_focus = True
        chat.focus()
        await host.ask(pilot)
        await host.later(pilot, 9)
        await host.later(pilot, 9)
        assert chat.has_focus

    play(scene)


def test_nothing_is_taken_while_another_screen_is_on_top() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.push_screen(ViewScreen("something else", []))
        await host.later(pilot, 9)
        host.pop_screen()
        await pilot.pause()
        await host.later(pilot, 0.1)
        assert host.prompt.has_focus

    play(scene)


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "answer"),
    [("y", Approval(True)), ("n", Approval(False)), ("a", Approval(True, always=True))],
)
def test_each_key_by_keyboard(key: str, answer: Approval) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press(key)
        assert host.answer is None
        await host.later(pilot, 0.3)
        assert host.answer == answer

    play(scene)


def test_the_network_is_offered_where_it_can_be_opened() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot, SHELL, replace(COMMAND, sandboxed=True, network=True))
        await host.attend(pilot)
        await pilot.press("w")
        await host.later(pilot, 0.3)
        assert host.answer == Approval(True, network=True)

    play(scene)


@pytest.mark.parametrize(("at", "answer"), [(0, Approval(True)), (7, Approval(False))])
def test_keys_can_be_clicked_but_not_in_the_first_moment(at: int, answer: Approval) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        host.panel.focus()
        await pilot.pause()
        await pilot.click("#approval-keys", offset=(at, 0))
        await pilot.pause()
        assert host.answer is None
        await host.later(pilot, 0.8)
        await pilot.click("#approval-keys", offset=(at, 0))
        await pilot.pause()
        await pilot.pause()
        assert host.answer == answer

    play(scene)


def test_the_waiting_row_can_be_clicked() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await pilot.press("h")
        await host.ask(pilot)
        await pilot.click("#approval-keys", offset=(0, 0))
        await pilot.pause()
        assert host.panel.has_focus

    play(scene)


def test_a_no_with_its_reason() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press("r")
        await host.later(pilot, 0.3)
        await host.later(pilot, 9)  # thinking
        await pilot.press(*"use", "space", *"git", "enter")
        await pilot.pause()
        assert host.answer == Approval(False, "use git")
        assert host.prompt.has_focus

    play(scene)


def test_a_word_that_comes_at_once_is_typed_even_after_f4() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        host.panel.turn_to()
        await pilot.pause()
        await host.later(pilot, 0.8)
        for char in "xyz":  # in one read of the terminal: the focus cannot follow in between
            host.panel.on_key(events.Key(char, char))
        await pilot.pause()
        await pilot.pause()
        assert host.answer is None
        assert host.prompt.text == "xyz"
        host.panel.turn_to()
        await pilot.pause()
        await pilot.press("y")
        assert host.answer == Approval(True)

    play(scene)


def test_escape_leads_from_the_reason_back_to_the_keys() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press("r")
        await host.later(pilot, 0.3)
        await pilot.press("y", "escape")
        await host.later(pilot, 9)
        assert host.answer is None
        assert host.panel.has_focus
        await pilot.press("n")
        await pilot.pause()
        assert host.answer == Approval(False)

    play(scene)


def test_an_edited_call_is_the_answer() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press("e")
        await host.later(pilot, 0.3)
        await pilot.pause()
        assert isinstance(host.screen, EditScreen)
        await pilot.press("end", *"#y", "ctrl+s")
        await pilot.pause()
        edited = ToolCall("edit", {**EDIT.arguments, "new": "if a <= b:#y"})
        assert host.answer == Approval(True, call=edited)
        assert host.prompt.has_focus

    play(scene)


def test_leaving_the_editor_with_changes_takes_two_escapes_and_answers_nothing() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        await pilot.press("e")
        await host.later(pilot, 0.3)
        await pilot.press("x", "escape")
        await pilot.pause()
        assert isinstance(host.screen, EditScreen)
        assert "lost" in str(host.screen.query_one(".says", Static).render())
        await pilot.press("escape")
        await pilot.pause()
        assert host.answer is None
        assert host.panel.has_focus

    play(scene)


def test_what_the_editor_shows_is_what_runs() -> None:
    hidden = ToolCall("shell", {"command": "ls \x1b]0; rm -rf ~; \x07"})

    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot, hidden, Preview("shell", hidden.arguments["command"]))
        await host.attend(pilot)
        await pilot.press("e")
        await host.later(pilot, 0.3)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert host.answer == Approval(True, call=ToolCall("shell", {"command": "ls "}))

    play(scene)


def test_a_call_without_a_text_to_change_offers_no_edit() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot, ToolCall("odd", {"a": 1, "b": 2}), Preview("odd"))
        await host.attend(pilot)
        await pilot.press("e")
        await host.later(pilot, 0.3)
        assert not isinstance(host.screen, EditScreen)
        assert host.prompt.text == "e"

    play(scene)


# --- life ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", "r", "e", "v"])
def test_an_interrupt_takes_the_question_away(inside: str) -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)
        await host.attend(pilot)
        if inside:
            await pilot.press(inside)
            await host.later(pilot, 0.3)
        assert host.asked
        host.asked.cancel()
        await pilot.pause()
        await pilot.pause()
        assert host.asked.cancelled()
        assert not host.panel.display
        assert host.screen is host.screen_stack[0]
        assert host.prompt.has_focus
        await host.ask(pilot, SHELL, COMMAND)
        assert host.panel.display

    play(scene)


def test_cancelled_before_it_was_shown_it_is_never_shown() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        asked = asyncio.create_task(host.approver.approve(EDIT, CHANGE))
        await asyncio.sleep(0)
        asked.cancel()
        await pilot.pause()
        await pilot.pause()
        assert not host.panel.display

    play(scene)


def test_one_question_at_a_time() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        first = asyncio.create_task(host.approver.approve(EDIT, CHANGE))
        second = asyncio.create_task(host.approver.approve(SHELL, COMMAND))
        await pilot.pause()
        await host.attend(pilot)
        await pilot.press("y")
        await host.later(pilot, 0.3)
        assert first.result() == Approval(True)
        assert not second.done()
        await pilot.pause()
        await host.attend(pilot)
        await pilot.press("n")
        await host.later(pilot, 0.3)
        await pilot.pause()
        assert second.result() == Approval(False)

    play(scene)


def test_closing_the_app_denies() -> None:
    async def scene(host: Host, pilot: Pilot[Any]) -> None:
        await host.ask(pilot)

    host = Host()

    async def run() -> Approval:
        async with host.run_test() as pilot:
            await host.ask(pilot)
        assert host.asked
        return await asyncio.wait_for(host.asked, 5)

    assert asyncio.run(run()) == Approval(False, "the app was closed")
