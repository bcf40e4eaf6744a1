"""The list of what survives: shown, changed, handed over; and the conversation that goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.widgets import TextArea

from orchestrator.tui.conductor import Phase
from orchestrator.tui.screens.handover import HandoverScreen
from orchestrator.types import Handover, HandoverLine
from tests.tui.app_host import ask, running, text_of, until

PROPOSED = Handover(
    "make `charge` refuse at zero",
    (
        HandoverLine("done", "Changed `utils/quota.py`: +3 −1", evidence="S7f3a#4, verified"),
        HandoverLine("lesson", "quota tests need TZ=UTC [/red] \x1b[31m", "test_midnight fails without it"),
    ),
    ("decision: use PostgreSQL [S7f3a#9]",),
)
NOTE = {"tool": "note", "arguments": {"kind": "lesson", "text": "tests need TZ"}}


class Host(App[None]):
    CSS_PATH: ClassVar = list(Path(__file__).parents[2].glob("orchestrator/tui/styles/*.tcss"))

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__()
        self.theme = theme
        self.typed = ""
        self.kept: Handover | str | None = "waiting"

    def on_mount(self) -> None:
        def typed(text: str) -> None:
            self.typed += text

        def kept(handover: Handover | None) -> None:
            self.kept = handover

        self.push_screen(HandoverScreen(PROPOSED, typed), kept)


def test_keys_meant_for_the_prompt_change_nothing() -> None:
    async def story() -> None:
        host = Host()
        async with host.run_test() as pilot:
            await pilot.press(*"and", "space", "enter", "backspace", "ctrl+s")
            assert host.typed == "and "
            kept = host.kept
            assert isinstance(kept, Handover)
            assert (kept.goal, kept.lines[0], len(kept.lines)) == (PROPOSED.goal, PROPOSED.lines[0], 2)

    asyncio.run(story())


def test_it_is_changed_after_a_key() -> None:
    async def story() -> None:
        host = Host()
        async with host.run_test() as pilot:
            await pilot.press("ctrl+e", *"next:x", "ctrl+s")
            assert host.typed == ""
            assert isinstance(host.kept, Handover)
            assert host.kept.lines[-1] == HandoverLine("next", "x")

    asyncio.run(story())


def test_a_fresh_instance_goes_on_in_the_same_chat(tmp_path: Path) -> None:
    folder = tmp_path / "heron"
    folder.mkdir()

    async def story() -> None:
        async with running(folder, {"answer": "hello"}, NOTE, {"answer": "done"}, {"answer": "on"}) as (
            app,
            pilot,
        ):
            await ask(pilot, "hi")
            await until(pilot, lambda: app.conductor.phase is Phase.READY and "hello" in text_of(pilot))
            before = app.conductor.opened
            assert before is not None
            session = before.session.id
            await pilot.press("ctrl+h", *"mend", "enter")
            await until(pilot, lambda: isinstance(app.screen, HandoverScreen))
            assert "lesson: tests need TZ" in app.screen.query_one(TextArea).text
            await pilot.press("ctrl+s")
            await until(pilot, lambda: app.main.prompt.text == "mend")
            await until(pilot, lambda: app.conductor.phase is Phase.READY)
            assert before.session.id != session
            assert app.main.chat._answer is None  # nothing seems to go on
            assert "hello" in text_of(pilot)
            await pilot.press("enter")
            await until(pilot, lambda: app.conductor.phase is Phase.READY and "on" in text_of(pilot))

    asyncio.run(story())
    log = (folder / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert log.count("## Session ") == 2


def test_leaving_while_it_is_shown_writes_the_session(tmp_path: Path) -> None:
    folder = tmp_path / "heron"
    folder.mkdir()

    async def story() -> None:
        async with running(folder, {"answer": "hello"}, {"answer": "done"}) as (app, pilot):
            await ask(pilot, "hi")
            await until(pilot, lambda: app.conductor.phase is Phase.READY and "hello" in text_of(pilot))
            await ask(pilot, "/handoff")
            await until(pilot, lambda: isinstance(app.screen, HandoverScreen))
            await pilot.press("ctrl+c", "ctrl+c")
            await until(pilot, lambda: app._exit)

    asyncio.run(story())
    assert "hi" in (folder / "SESSION_LOG.md").read_text(encoding="utf-8")
