"""The workspace selector, driven by keys and mouse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from orchestrator.errors import ProjectError
from orchestrator.tui.node import GitState, ProjectRow
from orchestrator.tui.screens.workspaces import WorkspaceScreen
from orchestrator.tui.widgets.search_list import SearchList
from tests.tui.host import UNSET, Host, settled
from tests.tui.small_node import NOON, SmallNode

Drive = Callable[[Pilot[None], Host], Awaitable[None]]


def _rows() -> list[ProjectRow]:
    code = Path("/home/ada/code")
    return [
        ProjectRow("p1", "heron", code / "heron", "2026-03-04T11:58:00+00:00"),
        ProjectRow("p2", "alder", code / "alder", "2026-03-04T09:30:00+00:00"),
        ProjectRow("p3", "quota", code / "billing/services/quota", "2026-03-01T09:30:00+00:00"),
        ProjectRow(
            "p4", "old-thesis", Path("/mnt/stick/old-thesis"), "2025-11-20T09:30:00+00:00", here=False
        ),
        ProjectRow("p5", "notes", code / "notes", ""),
    ]


GIT = {
    "heron": GitState("main", 2),
    "alder": GitState("feature/long-name-of-a-branch", 0),
    "quota": GitState("1f3a9c2", 1234),
}


def _node(**more: object) -> SmallNode:
    return SmallNode(rows=_rows(), git=dict(GIT), **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


def _host(node: SmallNode, current: str = "p1", theme: str = "textual-dark") -> Host:
    return Host(WorkspaceScreen(node, current, clock=lambda: NOON), ["workspaces"], theme)


def _play(node: SmallNode, drive: Drive, size: tuple[int, int] = (120, 40)) -> Host:
    async def run() -> Host:
        host = _host(node)
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


def _list(host: Host) -> SearchList:
    return host.screen.query_one(SearchList)


def _says(host: Host) -> str:
    return str(host.screen.query_one("#says", Static).content)


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["enter"], "p1"),
        (["down", "enter"], "p2"),
        (["end", "up", "up", "enter"], "p3"),
        (["/", "q", "u", "o", "enter"], "p3"),
        (["n", "o", "t", "e", "s", "enter"], "p5"),  # just typing
        (["slash", "c", "o", "d", "e", "down", "enter"], "p2"),  # the arrows move while one types
        (["/", "H", "E", "R", "enter"], "p1"),
        (["/", "b", "i", "l", "l", "space", "q", "u", "enter"], "p3"),  # every word, name or path
    ],
)
def test_choosing(keys: list[str], chosen: str) -> None:
    host = _play(_node(), _press(*keys))
    assert host.result.id == chosen


def test_escape_goes_one_step_back_each_time() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("/", "z", "z")(pilot, host)
        assert _list(host).rows.option_count == 0
        assert "No project has these words" in _says(host)
        await _press("escape")(pilot, host)
        assert _list(host).rows.option_count == 5
        assert host.result is UNSET
        await _press("escape")(pilot, host)

    assert _play(_node(), drive).result is None


def test_git_is_asked_once_for_each_row_in_view() -> None:
    node = _node()
    _play(node, _press("/", "h", "escape", "end"))
    assert [path.name for path in node.asked] == [
        "heron",
        "alder",
        "quota",
        "notes",
    ]  # not the one that is gone


def test_five_hundred_projects_ask_git_only_for_what_is_seen() -> None:
    rows = [
        replace(_rows()[0], id=f"p{n}", name=f"project-{n:03}", root=Path(f"/srv/p{n}")) for n in range(500)
    ]
    node = SmallNode(rows=rows)

    async def drive(pilot: Pilot[None], host: Host) -> None:
        seen = _list(host).rows.size.height
        assert len(node.asked) == seen < 40
        await _press("end")(pilot, host)
        assert len(node.asked) == 2 * seen
        assert node.asked[-1] == Path("/srv/p499")
        await _press("/", *"-042")(pilot, host)
        assert _list(host).rows.option_count == 1

    _play(node, drive)


def test_a_folder_that_is_gone_is_not_opened_but_can_be_forgotten() -> None:
    node = _node()

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press("down", "down", "down", "enter")(pilot, host)
        assert host.result is UNSET
        assert _says(host).startswith("The folder is gone")
        await _press("delete", "n")(pilot, host)
        assert len(node.rows) == 5
        await _press("delete", "enter")(pilot, host)  # Enter is not a yes
        assert len(node.rows) == 5
        await _press("y")(pilot, host)
        assert [row.id for row in node.rows] == ["p1", "p2", "p3", "p5"]
        assert _list(host).rows.option_count == 4

    _play(node, drive)


def test_the_open_project_is_not_forgotten() -> None:
    node = _node()
    host = _play(node, _press("delete", "y"))
    assert len(node.rows) == 5
    assert host.result is UNSET


@pytest.mark.parametrize("key", ["a", "ctrl+n"])
def test_a_folder_is_added_by_path_with_completion(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("heron", "heron-old", "herbs", "[red]odd", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "herald.txt").touch()
    node = _node()
    node.rows[0] = replace(node.rows[0], root=tmp_path / "heron")

    async def drive(pilot: Pilot[None], host: Host) -> None:
        await _press(key)(pilot, host)
        line = host.screen.query_one(Input)
        assert line.value == f"{tmp_path}/"
        offered = str(host.screen.query_one("#offered", Static).content)
        assert offered == "[red]odd  herbs  heron  heron-old"
        await _press("h", "tab")(pilot, host)
        assert line.value == f"{tmp_path}/her"
        await _press("o", "tab", "-", "tab")(pilot, host)
        assert line.value == f"{tmp_path}/heron-old/"
        await _press("x", "enter")(pilot, host)
        assert "does not exist" in str(host.screen.query_one("#error", Static).content)
        await _press("backspace", "enter")(pilot, host)
        assert _list(host).rows.current == "added"
        await _press("enter")(pilot, host)

    host = _play(node, drive)
    assert host.result.root == tmp_path / "heron-old"


def test_adding_can_be_left(tmp_path: Path) -> None:
    host = _play(_node(), _press("ctrl+n", "escape", "enter"))
    assert host.result.id == "p1"


def test_mouse_first_highlights_then_chooses_and_hints_can_be_clicked() -> None:
    async def drive(pilot: Pilot[None], host: Host) -> None:
        rows = _list(host).rows
        await pilot.hover(rows, offset=(5, 2))
        await pilot.pause()
        assert "billing/services/quota, last used 2026-03-01 09:30" in str(rows.tooltip)
        await pilot.click(rows, offset=(5, 2))
        await settled(pilot)
        assert (rows.current, host.result) == ("p3", UNSET)
        await pilot.click(rows, offset=(5, 2))
        await settled(pilot)

    assert _play(_node(), drive).result.id == "p3"

    async def close(pilot: Pilot[None], host: Host) -> None:
        hints = host.screen.query_one("KeyHints")
        at = str(hints.render()).index("esc")  # type: ignore[attr-defined]
        await pilot.click(hints, offset=(at, 0))
        await settled(pilot)

    assert _play(_node(), close).result is None


def test_a_registry_that_cannot_be_read_is_one_sentence() -> None:
    node = _node(error=ProjectError("Another process holds the registry.", "Wait for it, or end it."))

    async def drive(pilot: Pilot[None], host: Host) -> None:
        assert _says(host) == "Another process holds the registry. Wait for it, or end it."
        await _press("enter", "delete", "escape")(pilot, host)

    assert _play(node, drive).result is None


HOSTILE = [
    "[bold red]x[/]",
    "[/]",
    "\x1b]0;owned\x07\x1b[2Jname",
    "שלום עולם \u202egnp.exe",
    "漢字" * 60,
    "n" * 1_000_000,
    "",
    "\t\n",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(80, 24), (30, 8)])
def test_hostile_names(name: str, size: tuple[int, int]) -> None:
    path = Path("/srv") / name.replace("\x00", "")
    node = SmallNode(
        rows=[ProjectRow("p", name, path, name), ProjectRow("q", "q", path, "")],
        git={path.name: GitState(name, 3)},
    )

    async def drive(pilot: Pilot[None], host: Host) -> None:
        lines = [strip.text for strip in _list(host).rows.render_lines(_list(host).rows.size.region)]
        assert all("\x1b" not in line and "\u202e" not in line for line in lines)
        if name.startswith("[") and size[0] == 80:
            assert name[:5] in lines[0]
        await _press("down", "delete", "escape", "up", "enter")(pilot, host)

    assert _play(node, drive, size).result.id == "p"


SIZES = [(80, 24), (120, 40), (200, 60)]


def test_looks_asked_to_forget(snap_compare: Callable[..., bool]) -> None:
    async def ask(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("down", "down", "down", "delete")
        await settled(pilot)

    assert snap_compare(_host(_node()), terminal_size=(80, 24), run_before=ask)


def test_looks_adding(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    there = [f"~/code/{name}/" for name in ("alder", "heron", "quill", "quota")]
    monkeypatch.setattr(
        "orchestrator.tui.screens.add_folder.folders",
        lambda typed: [path for path in there if path.startswith(typed)],
    )

    async def add(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("a")
        await settled(pilot)
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.press("q", "enter")
        await settled(pilot)

    assert snap_compare(_host(_node()), terminal_size=(80, 24), run_before=add)
