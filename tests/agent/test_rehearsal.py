"""What counts as knowing: paraphrases do, answers about something else do not."""

from __future__ import annotations

import pytest

from orchestrator.agent.rehearsal import Expected, covers, stands

KNOWN = [
    ("make `charge` refuse at zero", "The next step is making charge() refuse when the account is at zero."),
    ("calls are billed by the second", "Billing calls by the second."),
    ("no schema change before the freeze on Friday", "The schema must not change until Friday's freeze."),
    ("Redis as the quota counter: lost 14 increments at restart", "Redis lost increments as quota counter."),
    ("write test_key_id in tests/test_signing", "Write the test `test_key_id` (tests/test_signing)."),
    ("keine Änderung am Schema vor Freitag", "Vor Freitag darf am Schema keine Änderung geschehen."),
]
UNKNOWN = [
    ("make `charge` refuse at zero", "The goal is to bill calls by the second."),
    ("calls are billed by the second", "No document says what the goal is."),
    ("no schema change before the freeze on Friday", "PostgreSQL, because SQLite locked."),
    ("Redis as the quota counter: lost 14 increments at restart", "SQLite with a queue was rejected."),
    ("write test_key_id in tests/test_signing", "Run the tests."),
    ("use PostgreSQL", ""),
]


@pytest.mark.parametrize(("text", "said"), KNOWN)
def test_a_paraphrase_is_known(text: str, said: str) -> None:
    assert covers(said, text)


@pytest.mark.parametrize(("text", "said"), UNKNOWN)
def test_another_answer_is_not(text: str, said: str) -> None:
    assert not covers(said, text)


def test_a_line_said_in_other_words_stands_by_its_citation() -> None:
    one = Expected("goal", "bill by the second", ("S7f3a#3",))
    assert stands(one, "**Goal**: bill by the second [S7f3a#3]")
    assert stands(one, "- per-second billing [S1b2c#1, S7f3a#3, verified]")
    assert not stands(one, "- per-second billing [S1b2c#1]")
