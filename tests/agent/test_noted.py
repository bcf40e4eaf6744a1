"""Questions that a document answers, and those that it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.noted import answered

BRIEFING = """# Session briefing: heron
**Goal**: calls are billed by the second [S1a2b#1, confirmed]
## Settled decisions
- PostgreSQL for the quota counter: SQLite locked [S7f3a#1, confirmed]
## Lessons
- quota tests are run with TZ=UTC [S25d6#1, S1#2, confirmed]
- the parser caches its rules [S25d6#7, claimed]
## Last session
- Asked: Which function raises QuotaExceeded? [S9c0d#2]
"""


@pytest.mark.parametrize(
    "question",
    [
        "Which database did we choose for the quota counter?",
        "How are the quota tests run?",
        "What is the goal: by what are calls billed?",
    ],
)
def test_a_person_noted_it(question: str) -> None:
    assert answered(question, [BRIEFING])


@pytest.mark.parametrize(
    "question",
    [
        "Which function raises QuotaExceeded?",  # it was asked, and is not answered
        "How does the parser cache its rules?",  # a model's word
        "What does charge do?",
        "Run the quota tests.",
        "?",
        "",
    ],
)
def test_nobody_noted_it(question: str) -> None:
    assert not answered(question, [BRIEFING])


@given(st.text(), st.text())
def test_any_text(question: str, document: str) -> None:
    answered(question + "?", [document])
