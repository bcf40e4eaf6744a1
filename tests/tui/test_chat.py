"""The chat alone: what an answer shows of the words that came, and of those that never did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from orchestrator.tui.chat_items import Said
from orchestrator.tui.said_text import MOST_LINES
from orchestrator.tui.widgets.chat import Chat
from tests.tui.app_host import text_of


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat()

    def compose(self) -> ComposeResult:
        yield self.chat


def chatting(story: Callable[[Chat, Pilot[Any]], Awaitable[None]]) -> None:
    async def run() -> None:
        app = Host()
        async with app.run_test(size=(60, 20)) as pilot:
            await story(app.chat, pilot)

    asyncio.run(run())


@pytest.mark.parametrize("pieces", [[], ["It is"], ["It is in **quota.py**."], ["Something else."]])
def test_an_answer_is_shown_whole_whatever_came_of_it_before(pieces: list[str]) -> None:
    async def story(chat: Chat, pilot: Pilot[Any]) -> None:
        for piece in pieces:
            await chat.add(piece)
        await chat.finish(Said("orchestrator", "It is in **quota.py**.", "10:42"))
        await pilot.pause()
        assert text_of(pilot).count("It is in quota.py.") == 1
        assert "Something" not in text_of(pilot)
        assert chat.last_answer() == "It is in **quota.py**."

    chatting(story)


def test_while_words_come_nothing_else_is_waited_for() -> None:
    async def story(chat: Chat, pilot: Pilot[Any]) -> None:
        await chat.wait("reading 32 of 32 tokens")
        await pilot.pause()
        assert "32 of 32" in text_of(pilot)
        await chat.add("It")
        await pilot.pause()
        assert "32 of 32" not in text_of(pilot)
        await chat.wait("▸ search quota")
        await pilot.pause()
        assert "▸ search quota" in text_of(pilot)

    chatting(story)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("text", ["words " * 20_000, "word\n\n" * 4_000], ids=["words", "lines"])
def test_of_an_endless_answer_the_beginning_is_shown_and_where_the_rest_is(text: str, streamed: bool) -> None:
    rest = 20_000 if " " in text else len(text) - MOST_LINES // 2 * 6 + 1

    async def story(chat: Chat, pilot: Pilot[Any]) -> None:
        if streamed:
            for start in range(0, len(text), 20_000):
                await chat.add(text[start : start + 20_000])
        await chat.finish(Said("orchestrator", text))
        chat.scroll_end(animate=False)
        await pilot.pause()
        assert f"… {rest:,} more characters" in text_of(pilot)

    chatting(story)
