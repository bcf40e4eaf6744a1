"""The approval panel above the real prompt: a sentence begun at any moment arrives there whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from textual.widget import Widget

from orchestrator.tui.app import STYLES
from orchestrator.tui.widgets.prompt import Prompt
from tests.tui.approval_host import Host


class RealPrompt(Host):
    CSS_PATH = [STYLES / "approval.tcss", STYLES / "prompt.tcss"]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.real = Prompt()
        self.prompt = self.real.area
        self.sent: list[str] = []

    def compose(self) -> Iterable[Widget]:
        yield self.panel
        yield self.real

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        self.sent.append(event.text)


SENTENCES = ("yes please", "and now?", "/note a", "run it again")
CASES = [
    ("n", 0.0),
    ("y", 0.3),  # later, a letter alone is an answer
    *((sentence, seen_for) for sentence in SENTENCES for seen_for in (0.0, 0.3, 0.9, 30.0)),
]


@pytest.mark.parametrize(("sentence", "seen_for"), CASES)
def test_a_sentence_arrives_whole(sentence: str, seen_for: float) -> None:
    async def run() -> None:
        host = RealPrompt()
        async with host.run_test(size=(80, 24)) as pilot:
            await host.ask(pilot)
            await host.later(pilot, 0.8)
            assert host.panel.has_focus
            await host.later(pilot, seen_for)
            names = {" ": "space", "?": "question_mark", "/": "slash"}
            await pilot.press(*(names.get(char, char) for char in sentence), "escape", "enter")
            await host.later(pilot, 9)
            assert host.sent == [sentence]
            assert host.answer is None

    asyncio.run(run())
