"""Help: everything in it is found by typing, and escape closes it."""

from __future__ import annotations

import asyncio

from orchestrator.tui import commands
from orchestrator.tui.screens.help import HelpScreen, listing
from tests.tui.host import UNSET, Host


def shown(host: Host) -> str:
    return str(host.screen.query_one("VerticalScroll > Static").render())  # type: ignore[attr-defined]


def test_typing_searches_and_escape_closes() -> None:
    async def run() -> None:
        host = Host(HelpScreen(commands.listing()), ["help"])
        async with host.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert "sandbox" in shown(host)
            await pilot.press(*"X-RAY")
            await pilot.pause()
            assert "^X" in shown(host) or "/xray" in shown(host)
            assert "read-only" not in shown(host)
            await pilot.press(*"[/b]")
            await pilot.pause()
            assert "[/b]" in shown(host)
            await pilot.press("escape")
            await pilot.pause()
            assert host.result is not UNSET

    asyncio.run(run())


def test_the_end_is_reached_by_keys() -> None:
    async def run() -> None:
        host = Host(HelpScreen(commands.listing()), ["help"])
        async with host.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press(*["pagedown"] * 9)
            await pilot.pause()
            body = host.screen.query_one("VerticalScroll")
            assert body.scroll_offset.y == body.max_scroll_y > 0
            await pilot.press("up")
            await pilot.pause()
            assert body.scroll_offset.y == body.max_scroll_y - 1

    asyncio.run(run())


def test_untrusted_help_is_only_text() -> None:
    text = listing([("Commands", [("/x[b]", "[/b] [@click=app.quit]y")])], "CLICK", 80).plain
    assert "[@click=app.quit]y" in text
