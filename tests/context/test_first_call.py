"""What a prompt asks for by its words: any text has a judgement, and it is better than none."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.context.first_call import BUCKETS, NAMES, TRUST, WEIGHTS, features, prior
from tests.context.test_system import SPECS

SETS = Path(__file__).parents[2] / "benchmarks" / "tool_choice"


def best(prompt: str) -> str:
    chances = prior(prompt)
    return max(chances, key=chances.__getitem__)


@given(st.text())
def test_any_text_has_a_judgement(prompt: str) -> None:
    chances = prior(prompt)
    assert tuple(chances) == NAMES
    assert sum(math.exp(value / TRUST) for value in chances.values()) == pytest.approx(1)
    assert all(0 <= bucket < BUCKETS for bucket in features(prompt))


def test_white_space_and_the_middle_of_a_long_prompt_do_not_count() -> None:
    assert prior("run the tests") == prior("  Run\n the\ttests ")
    start, end = "fix this: " + "x " * 300, " y" * 200
    assert prior(start + "one" + end) == prior(start + "two" + end)


def test_the_weights_are_what_is_read() -> None:
    assert len(zlib.decompress(WEIGHTS.read_bytes())) == len(NAMES) * BUCKETS


@pytest.mark.parametrize("name", ["development", "validation"])
def test_most_prompts_are_judged_rightly(name: str) -> None:
    """Neither set was learned from; the model's own judgement is added to this one."""
    lines = (SETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert sum(best(row["prompt"]) in row["expected"] for row in rows) / len(rows) > 0.8


def test_no_set_is_learned_from() -> None:
    """A few ordinary requests ("run the tests") are in both; no more than that."""
    learned = set()
    for path in (SETS / "training").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert {row["tool"] for row in rows} <= set(NAMES)
        learned |= {row["prompt"].lower().strip(" .?!") for row in rows}
    for name in ("development", "validation"):
        lines = (SETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        asked = [json.loads(line)["prompt"].lower().strip(" .?!") for line in lines]
        assert sum(prompt in learned for prompt in asked) / len(asked) < 0.1


def test_the_names_are_those_of_the_tools() -> None:
    assert set(NAMES) <= {spec.name for spec in SPECS}
