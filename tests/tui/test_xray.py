"""X-ray: every part of the window with its size, what was left out and why, and the cache's share."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from orchestrator.tui.app import STYLES
from orchestrator.tui.widgets.xray import XrayPane
from orchestrator.tui.window_text import WindowState, hit_rates, left_out_lines, name_of, part_line, summary
from orchestrator.types import LeftOut, Usage, WindowPart

PARTS = (
    WindowPart("system + tools", 812),
    WindowPart("PORTFOLIO_CONTEXT.md", 240, 1, "/home/ines/PORTFOLIO_CONTEXT.md"),
    WindowPart("PROJECT_CONTEXT.md", 1404, 2, "/home/ines/heron/PROJECT_CONTEXT.md"),
    WindowPart("SESSION_BRIEFING.md", 911, 3, "/home/ines/heron/SESSION_BRIEFING.md"),
    WindowPart("SESSION_LOG.md", 204, 4, "/home/ines/heron/SESSION_LOG.md"),
    WindowPart("conversation", 200),
)
LEFT_OUT = (
    LeftOut("SESSION_LOG.md", "3 older entries of /home/ines/heron/SESSION_LOG.md", "budget", 1311),
    LeftOut("SESSION_BRIEFING.md", "1 line: [S9#4] file is gone", "stale"),
)
STATE = WindowState(PARTS, LEFT_OUT, 8192, Usage(3771, 3702, 40), Usage(11_000, 9_900, 120))
FULL = replace(STATE, parts=(*PARTS[:-1], WindowPart("conversation", 4200)))


class Host(App[None]):
    CSS_PATH = STYLES / "xray.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, state: WindowState, theme: str = "textual-dark") -> None:
        super().__init__()
        self.state, self._theme_name = state, theme
        self.pane = XrayPane()
        self.opened: list[WindowPart] = []
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.pane.show(self.state)
        self.pane.focus()

    def on_xray_pane_open(self, event: XrayPane.Open) -> None:
        self.opened.append(event.part)


def test_enter_and_click_open_the_part() -> None:
    async def run() -> None:
        host = Host(STATE)
        async with host.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press("down", "down", "enter")
            await pilot.click("#xray-parts", offset=(5, 5))
            await pilot.pause()
            assert host.opened == [PARTS[2], PARTS[5]]

    asyncio.run(run())


def test_drawing_anew_keeps_the_chosen_part() -> None:
    async def run() -> None:
        host = Host(STATE)
        async with host.run_test(size=(80, 24)) as pilot:
            await pilot.press("down", "down")
            host.pane.show(FULL)
            await pilot.press("enter")
            await pilot.pause()
            assert host.opened == [PARTS[2]]

    asyncio.run(run())


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 10)])
def test_hostile_names_are_only_names(size: tuple[int, int]) -> None:
    part = WindowPart("[/red]\x1b[31m\u202e" + "x" * 1_000_000, 9)
    left = LeftOut("[b]", "[/b]\x1b]0;t\x07" + "y" * 1_000_000, "[@click=app.quit]")

    async def run() -> None:
        host = Host(WindowState((part,), (left,), 10))
        async with host.run_test(size=size) as pilot:
            await pilot.pause()
            shown = host.export_screenshot()
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            await pilot.resize_terminal(100, 30)
            await pilot.resize_terminal(*size)

    asyncio.run(run())


USAGES = st.none() | st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6))
NAMES = st.text(max_size=40)


@given(
    st.builds(
        WindowState,
        st.lists(st.builds(WindowPart, NAMES, st.integers(0, 10**6), st.integers(0, 9))).map(tuple),
        st.lists(st.builds(LeftOut, NAMES, NAMES, NAMES, st.integers(0, 10**6))).map(tuple),
        st.integers(0, 10**6),
        USAGES,
        USAGES,
    ),
    st.integers(-5, 300),
)
def test_any_window_can_be_drawn(state: WindowState, width: int) -> None:
    shown = summary(state, width).plain
    assert f"{sum(part.tokens for part in state.parts):,} used" in shown
    hit_rates(state)
    for part in state.parts:
        line = part_line(part, state.size, state.left_out, width).plain
        assert "\n" not in line
        assert f"{part.tokens:,}" in line
        assert name_of(part) in line
    lines = left_out_lines(state.left_out)
    assert len(lines) == (len(state.left_out) + 1 if state.left_out else 0)


def test_the_numbers() -> None:
    assert summary(STATE, 120).plain.endswith("3,771 used · 3,702 cached · 69 new")
    assert "window 8,192" in summary(STATE, 120).plain
    assert hit_rates(STATE) == "cache: 98% of the last prompt, 90% of this session's"
    assert "budget" in left_out_lines(LEFT_OUT)[1].plain
    assert "1,311 tokens" in left_out_lines(LEFT_OUT)[1].plain


def test_a_nearly_full_window_says_so_without_colours_too() -> None:
    assert "nearly full" in summary(FULL, 80).plain
    assert "nearly full" not in summary(STATE, 80).plain


@pytest.mark.parametrize(
    ("state", "size", "theme"),
    [
        (STATE, (80, 24), "textual-dark"),
        (STATE, (48, 20), "textual-light"),
        (FULL, (80, 24), "textual-light"),
        (FULL, (120, 40), "ansi-dark"),
        (WindowState(), (80, 24), "textual-dark"),
    ],
    ids=["filled", "narrow", "nearly-full", "terminal", "empty"],
)
def test_looks(snap_compare: Any, state: WindowState, size: tuple[int, int], theme: str) -> None:
    async def drawn(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(Host(state, theme), terminal_size=size, run_before=drawn)
