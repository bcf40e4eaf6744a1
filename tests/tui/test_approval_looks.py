"""How the approval panel looks, and that no text of a call can spoil it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from orchestrator.tui.screens.view import ViewScreen
from orchestrator.types import Preview, ToolCall
from tests.tui.approval_host import COMMAND, SHELL, Host

HOSTILE = {
    "brackets": "echo [/red] [bold] [@click=app.quit]x[/]",
    "escapes": "ls \x1b]0; rm -rf ~; \x07\x1b[2J\x1b[31m",
    "right to left": "rm \u202efdp.txt \u05d0\u05d1\u05d2",
    "carriage return": "rm -rf ~\r echo hello",
    "wide": "日本" * 3000,
    "one line of 1 MB": "a" * 1_000_000 + "; rm -rf ~",
    "100,000 lines": "x = 1\n" * 100_000,
    "nothing": "",
}
LONG = Preview("write notes.md", "--- a/notes.md\n+++ b/notes.md\n@@ -0,0 +1,300 @@\n" + "+a line\n" * 300)


async def asked(pilot: Pilot[Any], call: ToolCall, preview: Preview) -> Host:
    host = pilot.app
    assert isinstance(host, Host)
    await pilot.pause()
    await host.ask(pilot, call, preview)
    await host.attend(pilot)
    return host


def test_a_command_without_a_sandbox(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await asked(pilot, SHELL, COMMAND)

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=before)


def test_waiting_while_somebody_types(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await pilot.press(*"and")
        assert isinstance(pilot.app, Host)
        await pilot.app.ask(pilot, SHELL, COMMAND)

    assert snap_compare(Host("textual-light"), terminal_size=(80, 24), run_before=before)


def test_the_reason_of_a_long_write(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        host = await asked(pilot, ToolCall("write", {"path": "notes.md", "content": ""}), LONG)
        await pilot.press("r")
        await host.later(pilot, 0.3)
        host.query_one("#approval-reason").cursor_blink = False  # type: ignore[attr-defined]
        await pilot.press(*"[no]")

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=before)


def test_hidden_parts_are_seen_in_the_editor_and_the_view(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        hidden = ToolCall("shell", {"command": HOSTILE["escapes"] + "\n" + HOSTILE["right to left"]})
        host = await asked(pilot, hidden, Preview("shell", hidden.arguments["command"]))
        await pilot.press("v")
        await host.later(pilot, 0.3)
        await pilot.pause()

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=before)


def test_the_editor(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        code = ToolCall("write", {"path": "a.py", "content": "def f():\n    return [1]\n"})
        host = await asked(pilot, code, Preview("write a.py", ""))
        await pilot.press("e")
        await host.later(pilot, 0.3)
        await pilot.pause()
        host.screen.query_one("TextArea").cursor_blink = False  # type: ignore[attr-defined]
        await pilot.press("#")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (20, 8)])
@pytest.mark.parametrize("kind", HOSTILE)
def test_any_text_leaves_half_of_the_screen_and_its_keys(kind: str, size: tuple[int, int]) -> None:
    host = Host()
    text = HOSTILE[kind]

    async def run() -> None:
        async with host.run_test(size=size) as pilot:
            await asked(pilot, ToolCall("shell", {"command": text}), Preview(text, text, sandboxed=False))
            assert host.panel.size.height + 2 <= size[1] // 2
            keys = host.query_one("#approval-keys")
            assert keys.region.bottom < host.panel.region.bottom
            shown = host.export_screenshot()
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            await pilot.resize_terminal(100, 30)
            await pilot.resize_terminal(*size)
            await pilot.press("v")
            await host.later(pilot, 0.3)
            await pilot.pause()
            assert isinstance(host.screen, ViewScreen)
            await pilot.press("end")
            await pilot.pause()

    asyncio.run(run())


def test_the_end_of_a_line_of_1_mb_can_be_read() -> None:
    host = Host()
    text = HOSTILE["one line of 1 MB"]

    async def run() -> None:
        async with host.run_test(size=(80, 24)) as pilot:
            await asked(pilot, ToolCall("shell", {"command": text}), Preview("shell", text))
            await pilot.press("v")
            await host.later(pilot, 0.3)
            await pilot.press("end")
            await pilot.pause()
            body = host.screen.query_one("DiffView")
            last = "".join(body.render_line(y).text[3:-1] for y in range(body.size.height))
            assert last.rstrip().endswith("; rm -rf ~")

    asyncio.run(run())


def test_the_body_scrolls_by_keys_inside_of_the_panel() -> None:
    host = Host()

    async def run() -> None:
        async with host.run_test(size=(80, 24)) as pilot:
            await asked(pilot, ToolCall("write", {"path": "notes.md", "content": ""}), LONG)
            body = host.query_one("#approval-body")
            await pilot.press("down", "down", "pagedown", "up")
            await pilot.pause()
            assert body.scroll_offset.y == 1 + body.size.height
            await pilot.resize_terminal(60, 24)
            await pilot.pause()
            assert body.scroll_offset.y == 1 + body.size.height, "the same row is at the top"

    asyncio.run(run())
