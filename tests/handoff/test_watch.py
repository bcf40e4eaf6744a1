"""Documents that change under the app, on the real file system."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from orchestrator import durable
from orchestrator.handoff.watch import watched

LONG_S = 20  # far more than it takes; only a test that fails waits for it


def test_a_save_in_place_and_one_by_rename_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "PROJECT_CONTEXT.md"
    noticed = threading.Semaphore(0)
    with watched([path], noticed.release, settled=0.01):
        path.write_text("by hand", encoding="utf-8")
        assert noticed.acquire(timeout=LONG_S)
        durable.replace(path, b"by rename")
        assert noticed.acquire(timeout=LONG_S)


def test_other_files_and_reading_are_not(tmp_path: Path) -> None:
    path = tmp_path / "SESSION_LOG.md"
    path.write_text("x", encoding="utf-8")
    noticed: list[str] = []
    last = threading.Event()

    def changed() -> None:
        noticed.append(path.read_text(encoding="utf-8"))
        last.set()

    with watched([path], changed, settled=0.01):
        (tmp_path / "other.md").write_text("y", encoding="utf-8")
        path.read_text(encoding="utf-8")
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / path.name).write_text("z", encoding="utf-8")
        durable.replace(path, b"end")
        assert last.wait(LONG_S)
    assert set(noticed) == {"end"}


def test_after_the_end_nothing_is_called(tmp_path: Path) -> None:
    path = tmp_path / "SESSION_LOG.md"
    noticed = threading.Event()
    with watched([path], noticed.set, settled=LONG_S):
        path.write_text("x", encoding="utf-8")
    assert not noticed.is_set()
    assert not [thread for thread in threading.enumerate() if "inotify" in thread.name.lower()]


def test_a_folder_that_is_not_there_fails_nothing(tmp_path: Path) -> None:
    with watched([tmp_path / "none" / "x.md"], os.abort):
        pass
