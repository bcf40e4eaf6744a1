"""The goals of the autonomy benchmark: each is missed when nothing is done, and reached by its solution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from goals.families import FAMILIES, thirty  # noqa: E402
from goals.goal import Goal, judge, pristine, solved, visible  # noqa: E402
from goals.page import summary, text  # noqa: E402
from goals.paired import difference  # noqa: E402
from goals.running import Ran  # noqa: E402
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


# --- the numbers ----------------------------------------------------------------------------------

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=12)


@settings(deadline=None)
@given(PAIRS)
def test_the_interval_lies_in_the_differences(
    pairs: list[tuple[float, float]],
) -> None:
    found = difference(pairs, resamples=300)
    assert min(first - second for first, second in pairs) <= found.low <= found.high
    other = difference([(second, first) for first, second in pairs], resamples=300)
    assert other.mean == -found.mean
    if len({first - second for first, second in pairs}) == 1:
        assert found.low == found.high == found.mean
    assert difference(pairs, resamples=300) == found


RUN = Ran("data-total", "data question", "handoff", "", "success", True, 2, 30.0, 900, 1)


def test_the_page_says_what_was_run_and_what_was_missed() -> None:
    runs = [
        RUN,
        replace(RUN, arm="without", why="there is no | answer.txt", ended="steps", passed=False, steps=20),
        replace(RUN, id="data-hour", why="answer.txt says '3'"),
    ]
    result = summary(runs, FAMILIES)
    told = result["arms"]["handoff"]
    assert (told["goals"], told["solved"], told["fooled"]) == (2, 1, 1)
    assert result["paired"]["solved"]["pairs"] == result["paired"]["steps"]["pairs"] == 1
    assert result["paired"]["steps"]["mean"] == -18
    page = text(result | {"about": ["`reference`, 3 runs."]})
    assert "| data question | 1/2 | 4 | 1.0 | 1,800 | success 2 |" in page
    assert "| data-total | without | no | steps | 20 | 30 | 900 | there is no / answer.txt |" in page


def test_the_reference_through_the_real_program(tmp_path: Path) -> None:
    record = tmp_path / "runs.jsonl"
    record.write_text(json.dumps(asdict(replace(RUN, arm="without", tokens=7))) + "\n")
    command = [sys.executable, str(ROOT / "benchmarks" / "goals" / "bench.py"), "--model", "reference"]
    command += ["--goal", "data-total", "--paired", "--record", str(record), "--keep", str(tmp_path / "kept")]
    done = subprocess.run(
        [*command, "--json"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = {ran["arm"]: ran for ran in json.loads(done.stdout)["runs"]}
    assert runs["without"]["tokens"] == 7, "it was in the record, and was not made anew"
    assert (runs["handoff"]["why"], runs["handoff"]["ended"], runs["handoff"]["steps"]) == ("", "success", 1)
    assert len(record.read_text().splitlines()) == 2
    assert (tmp_path / "kept" / "data-total-handoff" / "project" / "answer.txt").exists()
