"""Which words of a goal the tools of a run go by."""

from __future__ import annotations

import pytest

from orchestrator.autonomy.wishes import is_question, sought
from orchestrator.tools.asked import Asked

CODE = "def page_count(total, size=12):\n    return total // size\n"


@pytest.mark.parametrize(
    ("goal", "wanted"),
    [
        ("Make the failing test pass: page_count(31) must be 3. The fault is in larch/paging.py.", ""),
        ('The test fails: pair("  Port = 8080 ") must be ("port", "8080")', ""),
        ("Make the check pass: `python3 -m unittest -q`", ""),
        ("Set size to 40 in larch/paging.py", "40"),
        ("Rename page_count to `pages`", "pages"),
    ],
)
def test_a_value_is_wanted_of_an_edit_only_where_it_is_to_come_into_the_file(goal: str, wanted: str) -> None:
    asked = Asked()
    asked.begin(sought(goal))
    assert asked.missing(CODE, "return -(-total // size)") == wanted


def test_the_files_that_a_goal_names_are_looked_at_all_the_same() -> None:
    goal = "Make the failing test pass: page_count(31) must be 3. The fault is in larch/paging.py."
    asked = Asked()
    asked.begin(sought(goal))
    assert asked.wording.paths == ("larch/paging.py",)
    assert asked.wording.code == (), "else the right line is refused, since the name stands in another"


@pytest.mark.parametrize(
    ("goal", "question"),
    [
        ("What is the sum of the amounts of region west in orders.csv?", True),
        ("What is the sum of the amounts in orders.csv? Write the answer, alone, into answer.txt.", False),
        ("How many users have an error? Save it as result.json", False),
    ],
)
def test_a_question_whose_answer_is_wanted_in_a_file_is_no_question(goal: str, question: bool) -> None:
    assert is_question(goal) is question
