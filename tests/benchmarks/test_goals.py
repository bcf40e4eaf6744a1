"""The goals of the autonomy benchmark: each is missed when nothing is done, and reached by its solution."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from goals.families import FAMILIES, thirty  # noqa: E402
from goals.goal import Goal, judge, pristine, solved, visible  # noqa: E402
from isolated.history import git  # noqa: E402
from tasks.task import Left  # noqa: E402

GOALS = thirty()


def test_the_goals_are_thirty_and_the_same_each_time(tmp_path: Path) -> None:
    assert Counter(goal.family for goal in GOALS) == dict.fromkeys(FAMILIES, 5)
    assert len({goal.id for goal in GOALS}) == 30
    one, two = (pristine(thirty()[0], tmp_path / name) for name in ("one", "two"))
    assert git(one, "rev-parse", "HEAD") == git(two, "rev-parse", "HEAD")
    assert [goal.files for goal in thirty(2)] != [goal.files for goal in GOALS]


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.id)
def test_a_goal_can_be_missed_and_reached(goal: Goal, tmp_path: Path) -> None:
    before = pristine(goal, tmp_path / "before")
    nothing = Left(before, before, "")
    assert judge(goal, nothing), "reached when nothing was done"
    assert visible(goal)(nothing), "the check that the run is given passes before the run"
    after = Left(solved(goal, before, tmp_path / "after"), before, "")
    assert judge(goal, after) == ""
    assert visible(goal)(after) == ""
    (after.project / "stray.md").write_text("stray")
    assert judge(goal, after) == "touched stray.md (new)"
