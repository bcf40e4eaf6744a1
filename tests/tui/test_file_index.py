"""The files that `@` offers: with ripgrep and without."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.tui import fuzzy
from orchestrator.tui.file_index import STALE_S, FileIndex

RG = [
    pytest.param("rg", marks=pytest.mark.skipif(not shutil.which("rg"), reason="ripgrep is missing")),
    None,
]
STRANGE = ("a b.py", "[id].tsx", "two\nlines.py", 'say "hi".md', "ümlaut.py")


def fill(root: Path) -> None:
    for name in ("src/app.py", "src/deep/er/x.py", "README.md", ".hidden", "out/made.o", *STRANGE):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / ".gitignore").write_text("out/\n")
    (root / os.fsdecode(b"caf\xe9.py")).write_text("x")
    (root / "link.py").symlink_to("README.md")


def paths(index: FileIndex) -> list[str]:
    return [path for block in index.blocks for path in block[1:-1].split("\0")]


@pytest.mark.parametrize("rg", RG)
def test_files_as_a_person_sees_them(tmp_path: Path, rg: str | None) -> None:
    fill(tmp_path)
    index = FileIndex(tmp_path, rg=rg)
    assert not index.gathered
    assert asyncio.run(index.refresh())
    expected = {"src/app.py", "src/deep/er/x.py", "README.md", os.fsdecode(b"caf\xe9.py"), *STRANGE}
    assert set(paths(index)) == expected
    assert index.count == len(expected)
    assert index.gathered


@pytest.mark.parametrize("rg", RG)
def test_no_more_than_the_limit(tmp_path: Path, rg: str | None) -> None:
    for n in range(2200):
        (tmp_path / f"{n:04}.py").touch()
    index = FileIndex(tmp_path, rg=rg, limit=1500)
    asyncio.run(index.refresh())
    assert index.count == len(paths(index)) == 1500


@pytest.mark.parametrize("rg", RG)
def test_a_folder_that_is_gone_has_no_files(tmp_path: Path, rg: str | None) -> None:
    index = FileIndex(tmp_path / "gone", rg=rg)
    assert not asyncio.run(index.refresh())
    assert index.gathered
    assert index.blocks == ()


def test_stale_after_some_seconds_and_the_same_while_nothing_changes(tmp_path: Path) -> None:
    fill(tmp_path)
    now = [100.0]
    index = FileIndex(tmp_path, clock=lambda: now[0])
    assert index.stale
    asyncio.run(index.refresh())
    assert not index.stale
    now[0] += STALE_S + 1
    assert index.stale
    before = index.blocks
    assert not asyncio.run(index.refresh())
    assert index.blocks is before
    (tmp_path / "new.py").touch()
    assert asyncio.run(index.refresh())
    assert "new.py" in paths(index)


def test_the_first_time_files_are_seen_as_they_come_and_one_gathers(tmp_path: Path) -> None:
    for n in range(3 * fuzzy.BLOCK):
        (tmp_path / f"{n}.py").touch()

    async def run() -> None:
        index = FileIndex(tmp_path, rg=None)
        task = asyncio.create_task(index.refresh())
        while not index.count:  # noqa: ASYNC110 it is a state of the middle, not an event
            await asyncio.sleep(0)
        assert index.count < 3 * fuzzy.BLOCK
        assert index.gathering
        assert not index.stale
        assert not await index.refresh()
        await task
        assert index.count == 3 * fuzzy.BLOCK

    asyncio.run(run())


@pytest.mark.parametrize("rg", RG)
def test_a_cancelled_gathering_can_be_begun_again(tmp_path: Path, rg: str | None) -> None:
    fill(tmp_path)

    async def run() -> None:
        index = FileIndex(tmp_path, rg=rg)
        task = asyncio.create_task(index.refresh())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert index.stale
        assert await index.refresh()
        assert index.count == 9

    asyncio.run(run())
