"""What a turn aims at: any prompt gives weights, and a plain wish is wanted until it was tried."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.aim import EARLY, TRIES, WANTED, Aim
from orchestrator.agent.repetition import LIMIT, LOOKS, Repetition
from orchestrator.context.first_call import NAMES
from orchestrator.types import ANSWER, Effect, ToolCall, ToolResult

PLAIN = "Run the tests with pytest"
CALLS: dict[str, Effect] = {"search": "read", "edit": "write", "shell": "command", "git": "command"}


def after(aim: Aim, name: str, *, ok: bool = True, denied: bool = False) -> float:
    """The weight of an answer once this call was made."""
    aim.made(ToolCall(name, {}), CALLS[name], ToolResult(ok, ""), denied=denied)
    return aim.weights()[ANSWER]


@given(st.text(), st.lists(st.tuples(st.sampled_from(sorted(CALLS)), st.booleans(), st.booleans())))
def test_any_prompt_has_finite_weights_and_lets_go_in_the_end(
    prompt: str, calls: list[tuple[str, bool, bool]]
) -> None:
    aim = Aim(prompt)
    for name, ok, denied in calls:
        aim.made(ToolCall(name, {}), CALLS[name], ToolResult(ok, ""), denied=denied)
        assert set(aim.weights()) == (set(NAMES) if prompt.strip() else set())
        assert all(map(math.isfinite, aim.weights().values()))
    for _ in range(TRIES * 8):
        aim.made(ToolCall("search", {}), "read", ToolResult(False, ""), denied=False)
    assert aim.weights().get(ANSWER, 0.0) == 0.0


def test_an_answer_is_early_until_what_was_asked_is_done() -> None:
    aim = Aim(PLAIN)
    assert after(aim, "search") == EARLY
    assert aim.weights()["shell"] == WANTED
    assert after(aim, "shell", ok=False) == 0.0  # what the command says is an answer


def test_a_failed_edit_is_still_wanted_and_a_no_ends_it() -> None:
    aim = Aim("Change the port in app.ini to 9000")
    assert after(aim, "edit", ok=False) == EARLY
    assert after(aim, "edit") == 0.0
    assert after(Aim("Change the port in app.ini to 9000"), "edit", ok=False, denied=True) == 0.0


def test_it_is_given_up_after_some_tries() -> None:
    aim = Aim(PLAIN)
    weights = [after(aim, "search") for _ in range(TRIES)]
    assert weights == [EARLY] * (TRIES - 1) + [0.0]


@pytest.mark.parametrize("reads", [True, False])
@given(st.lists(st.integers(0, 1), max_size=12))
def test_runs_of_equal_calls_are_counted(reads: bool, which: list[int]) -> None:
    repetition, run, last = Repetition(), 0, -1
    for one in which:
        run, last = (run + 1 if one == last else 1), one
        told = repetition.seen(ToolCall("x", {"n": one}), reads=reads)
        assert told == (run if run >= (LOOKS if reads else LIMIT) else 0)
        run = 1 if told else run  # of the stopped ones only the first is left


def test_what_failed_is_not_made_again_as_it_was() -> None:
    repetition, call = Repetition(), ToolCall("edit", {"old": "a"})
    assert repetition.seen(call, reads=False) == 0
    repetition.made(ok=False)
    assert repetition.seen(call, reads=False) == LOOKS
