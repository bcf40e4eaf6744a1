"""Who waits for the model: a lock between processes, let go by whoever dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator.models.busy import Busy


def test_any_number_may_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "busy"
    watcher, first, second = Busy(path), Busy(path), Busy(path)
    assert not watcher.somebody()
    first.hold()
    second.hold()
    assert watcher.somebody()
    assert first.somebody()
    first.release()
    assert watcher.somebody()
    assert not second.somebody()
    with second.held():
        pass
    assert not watcher.somebody()
    assert not list(path.iterdir())


def test_it_is_looked_at_only_now_and_then(tmp_path: Path) -> None:
    watcher, holder = Busy(tmp_path / "busy"), Busy(tmp_path / "busy")
    holder.hold()
    assert watcher.somebody_lately()
    assert not watcher.somebody_lately()
    holder.release()


def test_a_holder_that_dies_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "busy"
    code = f"""
from pathlib import Path
from orchestrator.models.busy import Busy
Busy(Path({str(path)!r})).hold()
print("held", flush=True)
input()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert Busy(path).somebody()
        holder.kill()
    assert not Busy(path).somebody()
    assert not list(path.iterdir())


def test_without_a_place_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (None, tmp_path / "file" / "busy"):
        busy = Busy(path)
        with busy.held():
            assert not busy.somebody()
