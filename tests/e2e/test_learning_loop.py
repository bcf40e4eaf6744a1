"""Five sessions in a row, a process each: what the first one learned is right in the fifth."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.learning_loop import Loop, repository, wrong
from orchestrator.paths import Home


@pytest.mark.model
def test_what_session_1_learned_is_right_in_session_5(
    tmp_path: Path, orch_home: Home, small_model: Path
) -> None:
    repository(tmp_path / "heron", None)
    loop = Loop(tmp_path / "heron", orch_home.root)
    loop.play()
    assert wrong(loop.briefing()) == []
    log = (loop.folder / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert log.count("### Starting Context") == 5
    assert "PostgreSQL" in loop.asked(str(small_model), "Which database did we choose for the quota counter?")


def test_a_briefing_that_is_wrong_is_seen() -> None:
    assert wrong("- SQLite for the quota counter [S1#1]") == [
        "TZ=UTC is missing",
        "PostgreSQL for the quota counter is missing",
        "Redis as the quota counter is missing",
        "Portugal is missing",
        "'- SQLite for the quota counter' was changed in session 3",
    ]
