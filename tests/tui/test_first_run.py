"""Choosing and downloading a model, driven by keys and mouse."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from orchestrator.errors import DownloadError
from orchestrator.tui.node import Machine, ModelChoice
from orchestrator.tui.screens.first_run import FirstRunScreen, ModelScreen
from orchestrator.tui.widgets.model_picker import ModelPicker, about
from orchestrator.tui.widgets.search_list import SearchList
from tests.tui.host import UNSET, Host, settled
from tests.tui.small_node import SmallNode

Drive = Callable[[Pilot[None], Host], Awaitable[None]]
LARGE, SMALL = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"


def _choices() -> list[ModelChoice]:
    why = "It answers better than the smaller one, and 6.1 GB of free memory is enough for it."
    return [
        ModelChoice(LARGE, "1.5B", 1_117_320_768, "Apache-2.0", "available", recommended=True, why=why),
        ModelChoice(SMALL, "0.5B", 491_400_064, "Apache-2.0", "available", loaded_bytes=178_000_000),
        ModelChoice(
            "qwen2.5-7b", "7B", 4_683_000_000, "Apache-2.0", "available", found="Ollama (qwen2.5:7b)"
        ),
        ModelChoice(
            "mistral-7b", "7B", 94_373_000_000, "Apache-2.0", "needs 94.4 GB of disk, and 81.0 GB are free"
        ),
        ModelChoice("my-own", "", 2_000_000_000, "", "installed"),
    ]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _node(**more: Any) -> SmallNode:
    return SmallNode(choices=_choices(), **more)


def _host(
    node: SmallNode,
    screen: type[FirstRunScreen] | type[ModelScreen] = FirstRunScreen,
    theme: str = "textual-dark",
    clock: Clock | None = None,
) -> Host:
    return Host(screen(node, clock=clock or Clock()), ["workspaces", "first_run"], theme)


def _play(node: SmallNode, drive: Drive, size: tuple[int, int] = (120, 40), **more: Any) -> Host:
    async def run() -> Host:
        host = _host(node, **more)
        async with host.run_test(size=size) as pilot:
            await settled(pilot)
            await drive(pilot, host)
        return host

    return asyncio.run(run())


def _press(*keys: str) -> Drive:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return drive


def _text(host: Host, id: str) -> str:
    return str(host.screen.query_one(f"#{id}", Static).content)


def _picker(host: Host) -> ModelPicker:
    return host.screen.query_one(ModelPicker)


@pytest.mark.parametrize("screen", [FirstRunScreen, ModelScreen])
@pytest.mark.parametrize(
    ("keys", "name", "pulled"),
    [
        (["enter"], LARGE, [LARGE]),  # the recommended one is highlighted
        (["end", "enter"], "my-own", []),  # it is here: nothing to download
        (["/", "0", ".", "5", "enter"], SMALL, [SMALL]),
        (["escape"], None, []),
        (["/", "x", "escape", "escape"], None, []),
    ],
)
def test_keys(
    screen: type[FirstRunScreen] | type[ModelScreen], keys: list[str], name: str | None, pulled: list[str]
) -> None:
    node = _node()
    assert _play(node, _press(*keys), screen=screen).result == name
    assert node.pulled == pulled


def test_what_is_free_and_why_one_is_recommended() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        assert _text(host, "machine") == "Free here: 6.1 GB of memory and 81.0 GB of disk · 2 cores"
        assert _text(host, "about").startswith("Recommended. It answers better than the smaller one")
        await _press("down")(pilot, host)
        assert _text(host, "about") == "178 MB are loaded already, 313 MB are left."
        await _press("down")(pilot, host)
        assert _text(host, "about") == "Ollama (qwen2.5:7b) has it already: no download is needed."

    _play(_node(), drive)


def test_memory_that_does_not_suffice_is_told_before_the_download() -> None:
    choice = _choices()[2]
    assert about(choice, 3 * 10**9).endswith("It needs about 5.6 GB of memory, and 3.0 GB are free.")
    assert "memory" not in about(choice, 0)  # unknown


def test_without_room_nothing_is_begun() -> None:
    node = _node()

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("down", "down", "down", "enter")(pilot, host)
        assert (
            _text(host, "trouble")
            == "mistral-7b cannot be had: it needs 94.4 GB of disk, and 81.0 GB are free."
        )

    assert _play(node, drive).result is UNSET
    assert node.pulled == []


def test_what_a_thread_brings_after_the_screen_is_closed_changes_nothing() -> None:
    async def drive(pilot: Pilot[Any], host: Host) -> None:
        picker = _picker(host)
        await pilot.press("escape")
        await settled(pilot)
        assert host.result is None
        await picker._load()
        picker._draw()
        picker._trouble("late")

    _play(_node(), drive)


async def _until_heard(pilot: Pilot[Any], node: SmallNode, picker: ModelPicker) -> None:
    while picker._latest[0] != node.steps[-1]:
        await pilot.pause(0.001)
    await pilot.pause()


def test_progress_then_escape_stops_and_keeps_then_escape_leaves() -> None:
    node = _node(steps=(100_000_000, 446_000_000), gate=threading.Event())
    clock = Clock()

    async def drive(pilot: Pilot[None], host: Host) -> None:
        picker = _picker(host)
        await pilot.press("enter")
        await pilot.pause()
        clock.now = 10.0
        await _until_heard(pilot, node, picker)
        picker._draw()
        assert _text(host, "progress").endswith("39 %  446 MB of 1.1 GB · 45 MB/s · about 15 s left")
        await pilot.press("enter")  # one download at a time
        await pilot.press("escape")
        await settled(pilot)
        assert node.pulled == [LARGE]
        assert host.result is UNSET
        assert _text(host, "progress") == "Stopped. What was loaded is kept; Enter goes on from there."
        await _press("escape")(pilot, host)

    assert _play(node, drive, clock=clock).result is None


def test_leaving_the_app_stops_the_download() -> None:
    node = _node(steps=(1,), gate=threading.Event())

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await pilot.press("enter")
        await _until_heard(pilot, node, _picker(host))

    assert _play(node, drive).result is UNSET  # and this line is reached


def test_an_error_is_one_sentence_with_its_remedy_and_one_can_go_on() -> None:
    node = _node(error=DownloadError("The package index cannot be reached.", "Check the network."))

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("enter")(pilot, host)
        assert _text(host, "trouble") == "The package index cannot be reached. Check the network."
        node.error = None
        await _press("enter")(pilot, host)

    assert _play(node, drive).result == LARGE
    assert node.pulled == [LARGE, LARGE]


def test_mouse_first_highlights_then_begins() -> None:
    node = _node()

    async def drive(pilot: Pilot[None], host: Host) -> None:
        rows = host.screen.query_one(SearchList).rows
        await pilot.click(rows, offset=(5, 4))
        await settled(pilot)
        assert (rows.current, host.result) == ("my-own", UNSET)
        await pilot.click(rows, offset=(5, 4))
        await settled(pilot)

    assert _play(node, drive).result == "my-own"


HOSTILE = [
    "[bold red]x[/]",
    "[/]",
    "\x1b[2J\x1b]0;owned\x07",
    "שלום \u202egnp.exe",
    "漢字" * 60,
    "x" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text(text: str) -> None:
    choice = ModelChoice(text, text, 5, text, "available", recommended=True, why=text, found=text)
    node = SmallNode(
        choices=[choice, replace(choice, name=text + "2", state=text)], machine_=Machine(0, 0, 1)
    )
    node.error = DownloadError(text, text)

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("enter", "down", "enter")(pilot, host)
        shown = "".join(strip.text for strip in host.screen._compositor.render_strips())
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        await _press("escape")(pilot, host)

    assert _play(node, drive, (60, 20)).result is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
def test_looks_downloading(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    node, clock = _node(steps=(100_000_000, 446_000_000), gate=threading.Event()), Clock()

    async def download(pilot: Pilot[None]) -> None:
        await settled(pilot)
        picker = pilot.app.screen.query_one(ModelPicker)
        await pilot.press("enter")
        await pilot.pause()
        clock.now = 10.0
        await _until_heard(pilot, node, picker)
        picker._draw()
        await pilot.pause()

    assert snap_compare(_host(node, clock=clock), terminal_size=size, run_before=download)


def test_looks_as_a_dialog_in_trouble(snap_compare: Callable[..., bool]) -> None:
    error = DownloadError(
        "The package index cannot be reached.", "Check the network; the same key goes on from there."
    )

    async def fail(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)

    assert snap_compare(_host(_node(error=error), ModelScreen), terminal_size=(80, 24), run_before=fail)
