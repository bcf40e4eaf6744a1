"""What a run decides from values: the plan as text, joined versions, endings, what a check says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.autonomy import dead_ends, judging, wishes
from orchestrator.autonomy.dead_ends import DeadEnd
from orchestrator.autonomy.ending import PATIENCE, Budget, Spent, ending
from orchestrator.autonomy.outcome import Outcome, read, verdict
from orchestrator.autonomy.plan import Plan, Step, joined, line, parse, render
from orchestrator.autonomy.progress import Sign, of_json, progress, to_json
from orchestrator.autonomy.state import RunState, merged, of_body, to_body
from orchestrator.types import ToolCall

WORDS = st.text(st.sampled_from("ab []()#-x,:`>!\n\u202e\x1b") | st.characters(codec="utf-8"), max_size=40)
TEXTS = WORDS.map(line).filter(
    lambda text: bool(text) and not text.startswith("[") and "(because" not in text
)
NAMES = st.text("abcS#0123456789", min_size=1, max_size=8)
STEPS = st.builds(
    Step,
    TEXTS,
    st.sampled_from(["todo", "doing", "done", "failed", "refused"]),
    st.lists(NAMES, max_size=3).map(tuple),
)
BUDGETS = st.builds(
    Budget, st.integers(1, 999), st.floats(0.1, 999).map(lambda n: round(n, 2)), st.integers(1, 10**7)
)
PLANS = st.builds(Plan, TEXTS, st.just("") | TEXTS, BUDGETS, st.lists(STEPS, max_size=5).map(tuple))


@given(PLANS)
def test_a_plan_survives_being_text(plan: Plan) -> None:
    assert parse(render(plan)) == plan


@given(st.text(), PLANS)
def test_any_text_is_a_plan(text: str, before: Plan) -> None:
    assert parse(text, before).goal


@given(PLANS, PLANS)
def test_joined_plans_keep_what_happened_and_what_a_person_wants(person: Plan, run: Plan) -> None:
    both = joined(person, run)
    happened = [step for step in run.steps if step.status != "todo"]
    assert list(both.steps[: len(happened)]) == happened
    wanted = [step.text for step in person.steps]
    for step in happened:
        if step.text in wanted:
            wanted.remove(step.text)
    assert [step.text for step in both.steps[len(happened) :]] == wanted
    assert (both.goal, both.check, both.budget) == (person.goal, person.check, person.budget)


@given(PLANS, PLANS, st.sampled_from(["go", "pause", "stop"]))
def test_a_persons_version_wins_over_the_runs_own(person: Plan, run: Plan, wanted: str) -> None:
    own = RunState("r", "p", run, spent=Spent(3, 4.5, 6))
    theirs = of_body("r", "p", to_body(replace(own, plan=person, wanted=wanted), "user"))  # type: ignore[arg-type]
    both = merged(own, [theirs])
    assert both.wanted == wanted
    assert both.plan.goal == person.goal
    assert both.spent == own.spent


SIGNS = st.builds(
    Sign,
    NAMES,
    st.booleans(),
    NAMES,
    st.none() | st.integers(0, 9),
    st.lists(NAMES, max_size=2).map(tuple),
    NAMES,
)


@given(st.lists(SIGNS, max_size=9), st.integers(0, 3), st.integers(0, 5), st.booleans())
def test_endings(signs: list[Sign], passes: int, steps: int, check: bool) -> None:
    end = ending(Budget(4, 9, 9), Spent(steps), signs, check=check, passes=passes)
    if check and passes >= 2:
        assert end is not None
        assert end.good
    elif steps >= 4:
        assert end is not None
        assert end.why == "steps"
    elif end is not None:
        assert end.why in ("repetition", "no progress")
        assert not end.good
        newest = signs[-PATIENCE:]
        got_on = any(progress(signs[:at], one) for at, one in enumerate(signs) if at >= len(signs) - PATIENCE)
        assert not got_on or len({(one.change, one.outcome, one.said) for one in newest[-3:]}) == 1


@given(SIGNS)
def test_signs_survive_the_journal(sign: Sign) -> None:
    assert of_json(to_json(sign)) == sign


def test_each_budget_ends_a_run_and_a_stop_does_before_it() -> None:
    budget = Budget(4, 2, 100)
    assert ending(budget, Spent(1, 121, 1), [], check=True, passes=1).why == "minutes"  # type: ignore[union-attr]
    assert ending(budget, Spent(1, 1, 100), [], check=True, passes=1).why == "tokens"  # type: ignore[union-attr]
    assert ending(budget, Spent(9), [], check=True, passes=0, wanted="stop").why == "stopped"  # type: ignore[union-attr]
    assert ending(budget, Spent(), [], check=True, passes=1, finished="it did") is None


PYTEST = """
E       assert 0 == 4
tests/test_calc.py:5: AssertionError
FAILED tests/test_calc.py::test_add - assert 0 == 4
1 failed, 2 passed in 0.05s
"""
UNITTEST = """
FAIL: test_a (test_calc.T)
  File "/runs/1/p/tests/test_calc.py", line 9, in test_a
AssertionError: 1 != 2
Ran 4 tests in 0.001s

FAILED (failures=1, errors=1)
"""


def test_what_a_check_says() -> None:
    found = read(1, PYTEST, ["calc.py", "tests/test_calc.py"])
    assert (found.failed, found.passed, found.files) == (1, 2, ("tests/test_calc.py",))
    assert found.tests == ("tests/test_calc.py::test_add",)
    assert "E assert 0 == 4" in found.lines
    found = read(1, UNITTEST, ["tests/test_calc.py"])
    assert (found.failed, found.passed, found.files) == (2, 2, ("tests/test_calc.py",))
    assert read(0, "3 passed in 0.1s", []).failed == 0
    assert (
        read(1, PYTEST.replace("0.05s", "7.21s"), ["tests/test_calc.py"]).print == read(1, PYTEST, []).print
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Outcome(1, 1, 2), Outcome(0, 0, 3), "better"),
        (Outcome(0, 0, 3), Outcome(1, 1, 2), "worse"),
        (Outcome(1, 1, 2), Outcome(1, 2, 1), "worse"),
        (Outcome(1, 1, 2), Outcome(0, 0, 2), "better"),  # the exit code is what was asked for
        (Outcome(1, 2, 2), Outcome(1, 1, 2), "worse"),  # a test is gone
        (Outcome(1, 1), Outcome(1, 3, 2), "better"),  # they could not even be collected before
        (Outcome(1, 1, 2), Outcome(2, None), "worse"),
        (Outcome(1, 1, lines=("t_test.py:5: x",)), Outcome(1, 1, lines=("t_test.py:9: x",)), "better"),
        (Outcome(1, 1, lines=("E assert 0 == 4",)), Outcome(1, 1, lines=("E assert 8 == 4",)), "same"),
        (Outcome(2, lines=("a.txt: No such file",)), Outcome(1), "better"),
        (Outcome(1, 1, lines=("NameError: f",)), Outcome(1, 1, lines=("AssertionError",)), "better"),
    ],
)
def test_verdicts(before: Outcome, after: Outcome, expected: str) -> None:
    assert verdict(before, after) == expected


def test_a_change_that_helps_nothing_is_not_kept_unless_nothing_can_be_measured() -> None:
    telling, silent = read(1, PYTEST, []), Outcome(1)
    assert not judging.judge(telling, telling, "").keep
    assert judging.judge(silent, silent, "").keep
    assert judging.judge(Outcome(0), Outcome(0), "").keep
    assert not judging.judge(None, None, "a.py does not parse").keep


def test_what_goals_promise() -> None:
    goal = "Rename the function `old_name` to `new_name` everywhere"
    assert wishes.renamed(goal) == ("old_name", "new_name")
    assert "a.py:2" in wishes.unmet(goal, None, None, {"a.py": "x\nold_name()\n"})
    assert not wishes.unmet(goal, None, None, {"a.py": "my_old_name()\n"})
    counted = Outcome(0, 0, 3)
    assert wishes.unmet("Add a function double, with its test", counted, counted, {})
    assert not wishes.unmet("Add a function double, with its test", counted, Outcome(0, 0, 4), {})
    first = read(1, PYTEST, ["tests/test_calc.py"])
    assert wishes.protected("Make the failing test pass", "pytest", first, ["tests/test_calc.py"])
    assert not wishes.protected("Add a test for add", "pytest", first, ["tests/test_calc.py"])
    assert not wishes.protected("Mend tests/test_calc.py", "pytest", first, ["tests/test_calc.py"])
    assert wishes.is_question("How many rows has data.csv?")
    assert not wishes.is_question("Change the port")


def test_a_dead_end_is_repeated_unless_there_is_a_new_reason() -> None:
    call = ToolCall("edit", {"path": "./calc.py", "old": "a - b", "new": "a  * b"})
    end = DeadEnd(
        "Redis as the quota counter", "lost", "S1#2", (dead_ends.fingerprint(call),), ("it is quick",)
    )
    spaced = ToolCall("edit", {"path": "calc.py", "old": "a-b", "new": "a * b"})
    assert dead_ends.repeated_by_call(spaced, [end], []) is end
    assert dead_ends.repeated_by_call(spaced, [end], ["It is quick!"]) is end
    assert dead_ends.repeated_by_call(spaced, [end], ["the server is persistent now"]) is None
    assert dead_ends.repeated_by_step(Step("Use Redis as the quota counter"), [end]) is end
    assert (
        dead_ends.repeated_by_step(Step("Use Redis as the quota counter", because="it persists"), [end])
        is None
    )
    assert dead_ends.repeated_by_step(Step("Add a row lock to the quota counter"), [end]) is None
