"""Pictures of the prompt. Look at each before it is committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from orchestrator.tui.history import History
from tests.tui.prompt_host import Host, settled, typed

SMALL, LARGE = (80, 24), (120, 40)
FILES = (
    "orchestrator/tui/widgets/prompt.py",
    "orchestrator/tui/widgets/prompt_area.py",
    "packages/frontend/applications/dashboard/components/navigation/sidebar/PromptHistoryPanel.tsx",
    "docs/[draft] prompt.md",
    "docs/日本語のプロンプト prompt.md",
    "tests/tui/test_prompt.py",
    "two\nlines prompt.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "project"


@pytest.mark.parametrize(("size", "theme"), [(SMALL, "textual-dark"), (LARGE, "textual-light")])
def test_commands(snap_compare: Any, tmp_path: Path, size: tuple[int, int], theme: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await typed(pilot, "/o" if size == LARGE else "/")
        await pilot.press("down")

    assert snap_compare(Host(tmp_path, theme=theme), terminal_size=size, run_before=steps)


@pytest.mark.parametrize(("size", "theme"), [(SMALL, "textual-light"), (LARGE, "textual-dark")])
def test_files(snap_compare: Any, tmp_path: Path, project: Path, size: tuple[int, int], theme: str) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await typed(pilot, "explain @prompt")
        await settled(pilot)

    assert snap_compare(Host(tmp_path, project, theme), terminal_size=size, run_before=steps)


def test_several_lines_and_a_large_paste(snap_compare: Any, tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await typed(pilot, "why does this fail\n")
        pilot.app.post_message(events.Paste("Traceback [most recent call]\n" * 1000))
        await pilot.pause()
        await typed(pilot, "\nand what of " + "this long line that goes on " * 4 + "\n1\n2\n3\n4")

    assert snap_compare(Host(tmp_path), terminal_size=SMALL, run_before=steps)


def test_shell(snap_compare: Any, tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await typed(pilot, "!pytest -q")

    assert snap_compare(Host(tmp_path, theme="ansi-dark"), terminal_size=SMALL, run_before=steps)


def test_search_of_the_history(snap_compare: Any, tmp_path: Path) -> None:
    for text in (
        "run the tests",
        "explain [bold]this",
        "run the linter, then\nfix what it finds " + "x" * 80,
    ):
        History(tmp_path / "history").append(text)

    async def steps(pilot: Pilot[None]) -> None:
        await typed(pilot, "run")
        await pilot.press("ctrl+r")

    assert snap_compare(Host(tmp_path), terminal_size=SMALL, run_before=steps)


def test_empty(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(Host(tmp_path), terminal_size=SMALL)
