"""The list of earlier sessions, driven by keys and mouse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Input, Static

from orchestrator.errors import JournalError
from orchestrator.tui.node import SessionRow
from orchestrator.tui.screens.sessions import PAGE, SessionChoice, SessionsScreen
from orchestrator.tui.widgets.search_list import SearchList
from orchestrator.tui.widgets.transcript import MOST_CHARS, transcript
from orchestrator.types import Kind, Record
from tests.tui.host import UNSET, Host, settled
from tests.tui.small_node import NOON, SmallNode

Drive = Callable[[Pilot[None], Host], Awaitable[None]]


def _record(kind: Kind, body: dict[str, Any] | None, at: str = "2026-03-04T10:42:00+00:00") -> Record:
    return Record(1, "d", 1, "p", 1, (0, 0), at, "p", "s1", kind, "e", (), body, "", "", "id")


SAID = [
    _record("session", {"event": "start", "model": "qwen2.5-coder-1.5b"}),
    _record("message", {"role": "user", "text": "Which function raises QuotaExceeded?"}),
    _record("tool_call", {"name": "search", "arguments": {"query": "QuotaExceeded"}}),
    _record("tool_result", {"name": "search", "ok": True, "text": "utils/quota.py:7"}),
    _record("message", {"role": "assistant", "text": "`charge` in utils/quota.py, line 7."}),
    _record("lesson", {"text": "quota tests need a clock"}),
    _record("message", None),
]


def _past() -> list[SessionRow]:
    big = "qwen2.5-coder-1.5b"
    return [
        SessionRow("s0", "Sfeed", "2026-03-04T11:50:00+00:00", "", big, 0, ""),
        SessionRow(
            "s1", "S7f3a", "2026-03-04T10:41:00+00:00", "done", big, 4, "Which function raises QuotaExceeded?"
        ),
        SessionRow(
            "s2", "Sbeef", "2026-03-03T22:10:00+00:00", "killed", big, 1, "Fix [the] tests\nthat fail"
        ),
        SessionRow(
            "s3",
            "Scafe",
            "2025-12-24T18:00:00+00:00",
            "interrupted",
            "qwen2.5-coder-0.5b",
            12,
            "Füge Tests hinzu",
        ),
    ]


def _node(**more: Any) -> SmallNode:
    return SmallNode(past=_past(), said={"s1": SAID}, **more)


def _host(node: SmallNode, current: str = "s0", theme: str = "textual-dark") -> Host:
    screen = SessionsScreen(node, "p", current, clock=lambda: NOON, pause_s=0.001)
    return Host(screen, ["workspaces", "sessions"], theme)


async def _paused(pilot: Pilot[Any]) -> None:
    """Until the timers that wait for a pause have fired, and what they began is done."""
    await pilot.pause()
    while any(timer._task and not timer._task.done() for timer in pilot.app.screen._soon.values()):  # type: ignore[attr-defined]
        await pilot.pause(0.001)
    await settled(pilot)


def _play(node: SmallNode, drive: Drive, size: tuple[int, int] = (120, 40)) -> Host:
    async def run() -> Host:
        host = _host(node)
        async with host.run_test(size=size) as pilot:
            await _paused(pilot)
            await drive(pilot, host)
        return host

    return asyncio.run(run())


def _press(*keys: str) -> Drive:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        for key in keys:
            await pilot.press(key)
            await (_paused if isinstance(host.screen, SessionsScreen) else settled)(pilot)

    return drive


def _list(host: Host) -> SearchList:
    return host.screen.query_one(SearchList)


def _text(host: Host, id: str) -> str:
    return str(host.screen.query_one(f"#{id}", Static).content)


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["down", "enter"], SessionChoice("s1")),
        (["end", "o"], SessionChoice("s3", read_only=True)),
        (["o"], SessionChoice("s0", read_only=True)),
        (["/", "o", "enter"], SessionChoice("s1")),  # in the search line an o is an o
        (["/", "f", "i", "x", "enter"], SessionChoice("s2")),
        (["x", "down", "enter"], SessionChoice("s1")),  # only / searches here
        (["escape"], None),
        (["/", "q", "escape", "escape"], None),
    ],
)
def test_keys(keys: list[str], chosen: SessionChoice | None) -> None:
    assert _play(_node(), _press(*keys)).result == chosen


def test_the_open_session_is_not_resumed() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("enter")(pilot, host)
        assert host.result is UNSET
        assert _text(host, "says") == "This is the session that is open."

    _play(_node(), drive)


def _waiting(screen: SessionsScreen) -> int:
    return sum(bool(timer._task and not timer._task.done()) for timer in screen._timers)


def test_search_asks_the_node_for_the_last_of_what_was_typed() -> None:
    node = _node()

    async def drive(pilot: Pilot[None], host: Host) -> None:
        screen = host.screen
        assert isinstance(screen, SessionsScreen)
        screen._pause_s = 60
        before = _waiting(screen)
        await pilot.press("/", "t", "e", "s", "t")
        await pilot.pause()
        assert node.searched == [""]
        assert _waiting(screen) == before + 1
        screen._pause_s = 0.001
        await pilot.press("s")
        await _paused(pilot)
        assert node.searched == ["", "tests"]
        assert _list(host).rows.option_count == 2
        await _press("q")(pilot, host)
        assert _text(host, "says") == "No session says that."

    _play(node, drive)


def test_words_stand_beside_the_list_on_wide_screens() -> None:
    async def wide(pilot: Pilot[None], host: Host) -> None:
        await _press("down")(pilot, host)
        words = _text(host, "words")
        assert words.startswith("you  10:42\nWhich function raises QuotaExceeded?\n")
        assert "▸ search QuotaExceeded" in words
        assert "lesson: quota tests need a clock" in words
        assert "(message: redacted)" in words
        await pilot.resize_terminal(80, 24)
        await _paused(pilot)
        assert not host.screen.query_one(VerticalScroll).display
        await pilot.resize_terminal(200, 60)
        await _paused(pilot)
        assert host.screen.query_one(VerticalScroll).display

    _play(_node(), wide)


def test_long_words_are_scrolled_and_cut() -> None:
    long = [_record("message", {"role": "user", "text": f"{n} " + "word " * 100}) for n in range(500)]
    node = _node()
    node.said["s1"] = long

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("down")(pilot, host)
        assert "… and 4" in _text(host, "words")[-20:]
        await _press("ctrl+down")(pilot, host)
        assert host.screen.query_one(VerticalScroll).scroll_offset.y > 5
        await _press("ctrl+up")(pilot, host)
        assert host.screen.query_one(VerticalScroll).scroll_offset.y == 0

    _play(node, drive)
    assert len(transcript(long).plain) < MOST_CHARS * 1.2


def test_the_end_of_a_page_brings_the_next() -> None:
    node = SmallNode(
        past=[
            SessionRow(f"s{n}", f"S{n}", "2026-03-04T10:41:00+00:00", "done", "m", 1, f"t{n}")
            for n in range(450)
        ]
    )

    async def drive(pilot: Pilot[None], host: Host) -> None:
        assert _list(host).rows.option_count == PAGE
        await _press("end")(pilot, host)
        assert _list(host).rows.option_count == 2 * PAGE
        assert _list(host).rows.current == f"s{PAGE - 1}"
        await _press("end", "end", "enter")(pilot, host)

    assert _play(node, drive).result == SessionChoice("s449")


def test_mouse() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        rows = _list(host).rows
        await pilot.click(rows, offset=(20, 2))
        await _paused(pilot)
        assert (rows.current, host.result) == ("s2", UNSET)
        await pilot.click(rows, offset=(20, 2))
        await settled(pilot)

    assert _play(_node(), drive).result == SessionChoice("s2")


def test_a_journal_that_cannot_be_read_is_one_sentence() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        assert _text(host, "says") == "The journal is damaged. Run `orch log --rebuild`."
        await _press("enter", "o", "down", "escape")(pilot, host)

    error = JournalError("The journal is damaged.", "Run `orch log --rebuild`.")
    assert _play(_node(error=error), drive).result is None


HOSTILE = [
    "[bold red]x[/]",
    "[/]",
    "\x1b[2J\x1b]0;owned\x07",
    "שלום \u202egnp.exe",
    "漢字" * 60,
    "x" * 1_000_000,
    "\r\n\t",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(120, 40), (40, 10)])
def test_hostile_text(text: str, size: tuple[int, int]) -> None:
    body = {"role": "user", "text": text}
    row = SessionRow("s", text, text, text, text, 1, text)
    node = SmallNode(past=[row], said={"s": [_record("message", body), _record("tool_call", {"name": text})]})

    async def drive(pilot: Pilot[None], host: Host) -> None:
        shown = "".join(strip.text for strip in host.screen._compositor.render_strips())
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        if text.startswith("[") and size[0] == 120:
            assert shown.count(text) >= 3  # title, and twice in the transcript
        await _press("enter")(pilot, host)

    assert _play(node, drive, size).result == SessionChoice("s")


def test_looks_without_any(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(_host(SmallNode()), terminal_size=(80, 24), run_before=_paused)


def test_looks_searching(snap_compare: Callable[..., bool]) -> None:
    async def search(pilot: Pilot[None]) -> None:
        await _paused(pilot)
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.press("/", "t", "e", "s", "t")
        await _paused(pilot)

    assert snap_compare(_host(_node(), theme="ansi-dark"), terminal_size=(120, 40), run_before=search)
