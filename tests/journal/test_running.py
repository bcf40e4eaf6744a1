from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import JournalError
from orchestrator.journal.running import Abandoned, RunningSessions

_HOLD = """
import sys
from pathlib import Path
from orchestrator.journal.running import RunningSessions
running = RunningSessions(Path(sys.argv[1]))
if sys.argv[2] == "begin":
    running.begin("dead", "p1", Path("/x/\\udcff y"))
else:
    print(len(running.abandoned()), flush=True)
print("ready", flush=True)
sys.stdin.read()
"""


def other(folder: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder), what],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_killed_session_is_found_once_and_only_after_its_death(tmp_path: Path) -> None:
    holder = other(tmp_path, "begin")
    assert said(holder) == "ready\n"
    running = RunningSessions(tmp_path)
    assert running.abandoned() == []
    kill(holder)
    assert running.abandoned() == [Abandoned("dead", "p1", Path("/x/\udcff y"))]
    assert running.abandoned() == RunningSessions(tmp_path).abandoned() == []
    running.end("dead")
    assert RunningSessions(tmp_path).abandoned() == []
    assert list(tmp_path.iterdir()) == []


def test_of_two_starts_at_once_one_claims_it(tmp_path: Path) -> None:
    holder = other(tmp_path, "begin")
    assert said(holder) == "ready\n"
    kill(holder)
    starts = [other(tmp_path, "claim") for _ in range(3)]
    counts = [int(said(start)) for start in starts]
    assert sorted(counts) == [0, 0, 1]
    for start in starts:  # the claimer dies before it has closed the session: it is found again
        kill(start)
    assert [found.session for found in RunningSessions(tmp_path).abandoned()] == ["dead"]


def test_a_session_that_ended_leaves_nothing(tmp_path: Path) -> None:
    running = RunningSessions(tmp_path / "run")
    assert running.abandoned() == []
    running.begin("s1", "p1", tmp_path)
    assert RunningSessions(tmp_path / "run").abandoned() == []
    with pytest.raises(JournalError, match="already runs"):
        RunningSessions(tmp_path / "run").begin("s1", "p1", tmp_path)
    running.end("s1")
    running.end("s1")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_damaged_marker_still_names_its_session(tmp_path: Path) -> None:
    (tmp_path / "s1.json").write_bytes(b"\xff{")
    (tmp_path / "s2.json").write_text("[]")
    assert [found.session for found in RunningSessions(tmp_path).abandoned()] == ["s1", "s2"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be written"):
        RunningSessions(tmp_path / "file" / "run").begin("s1", "p1", tmp_path)
