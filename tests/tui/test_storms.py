"""The whole app under what no one means to do to it: hostile text everywhere at once, storms of resizes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unicodedata import category

import pytest

from orchestrator.events import (
    Answer,
    Context,
    Notice,
    Token,
    ToolCallEvent,
    ToolOutput,
    ToolResultEvent,
)
from orchestrator.tui.conductor import Failed, Happening, Phase, Phased, Prompted
from orchestrator.types import LeftOut, Usage, WindowPart
from tests.tui.app_host import ask, running, text_of, until

HOSTILE = {
    "brackets": "[red]x[/red] [/] [@click=app.exit]y[/] [link=file:///etc/passwd]z[/link]",
    "escapes": "\x1b[31mred\x1b[2J\x1b]0;title\x07\x1bP+q\x1b\\\x9b5A\x1b[?1049l end",
    "right to left": "שלום \u202egnp.exe\u202c مرحبا",
    "one line of 1 MB": "w" * 1_000_000,
    "markdown": "```\n" * 50 + "| a |\n|--|\n" * 50 + "> " * 200 + "# x" + "*_~`" * 200,
    "controls": "\x00\x01\x7f\ud800\u2028\r\n\x0b\ufeff" * 50,
    "wide": "漢字👩‍👩‍👧‍👦é" * 300,
}
USAGE = Usage(100, 90, 10, 1.0, 0.0, 10.0)
SIZES = ((120, 40), (20, 5), (200, 60), (1, 1), (41, 7), (300, 100), (2, 30), (80, 24))


def everywhere(text: str) -> list[Happening]:
    """Happenings that bring the text to every place which shows some."""
    parts = (WindowPart(text, 10), WindowPart(text, 20, 3))
    return [
        Context(parts[1:], parts, (LeftOut(text, text, text, 5),), 30, 100),
        Notice(text, "warning"),
        Prompted(text),
        Phased(Phase.WORKING, (text, text)),
        ToolCallEvent("shell", {text: text, "command": text}, text),
        ToolOutput(text),
        ToolResultEvent("shell", False, 1, 5, False, text, text, text),
        ToolCallEvent(text, {"path": text}, text),
        Token(text),
        Answer(text, text, False, USAGE),
        Failed(text),
    ]


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["desk", "small"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_only_text_wherever_it_stands(heron: Path, text: str, size: tuple[int, int]) -> None:
    async def story() -> None:
        async with running(heron, size=size) as (app, pilot):
            assert app.conductor.opened is not None
            app.conductor.opened.session.notes.add("lesson", text or "x", text)
            app.main.recorded()
            app.main.change(project=text, branch=text, model=text)
            for happening in everywhere(text):
                app.main.show(happening)
            await until(pilot, lambda: not app.main._came.is_set())
            for place in ("trace", "terminal", "log", "xray"):
                app.main.open_place(place)
                await pilot.pause()
                shown = text_of(pilot)
                assert not [
                    line for line in shown.split("\n") if any(category(char) == "Cc" for char in line)
                ]
                assert "\u202e" not in shown
                assert "\ud800" not in shown
            await pilot.press("escape")
            await ask(pilot, "still here")
            await until(pilot, lambda: not app.main.prompt.text)

    asyncio.run(story())


@pytest.mark.parametrize("key", ["", "f1", "ctrl+w", "ctrl+o", "ctrl+p", "ctrl+x", "slash", "at"])
def test_a_storm_of_resizes_leaves_a_screen_one_can_type_in(heron: Path, key: str) -> None:
    async def story() -> None:
        write = {"tool": "write", "arguments": {"path": "new.txt", "content": "hello\n" * 40}}
        async with running(heron, {"answer": "words **and** more\n\n" * 20}, write) as (app, pilot):
            await ask(pilot, "one")
            await until(pilot, lambda: "more" in text_of(pilot))
            await ask(pilot, "two")
            await until(pilot, lambda: app.main.approval.display)
            await pilot.press(*filter(None, [key]))
            for size in SIZES:
                await pilot.resize_terminal(*size)
            await pilot.pause()
            while app.screen is not app.main:
                await pilot.press("escape")
                await pilot.pause()
            await pilot.press("f2")
            app.main.prompt.clear()
            await pilot.press(*"typed")
            await until(pilot, lambda: "› typed" in text_of(pilot))
            assert "new.txt" in text_of(pilot)

    asyncio.run(story())
