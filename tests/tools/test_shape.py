"""What JSON holds."""

import pytest

from orchestrator.tools.shape import shape


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"a": {"n": 1, "m": 2}, "b": {"n": 3}}',
            "in Python: a dict of 2 dicts, each with keys n, m (go through .values() or .items())",
        ),
        ('[{"n": 1}, {"n": 2}]', "in Python: a list of 2 dicts, each with keys n"),
        ('{"port": 1, "host": "x"}', "in Python: a dict with keys port, host"),
        ("[1, 2, 3]", "in Python: a list of 3 ints"),
        ("{}", ""),
        ("{broken", ""),
        ("[" * 100_000, ""),
    ],
)
def test_it_says_what_python_sees(text: str, said: str) -> None:
    assert shape(text, ".json") == said


def test_other_files_have_none() -> None:
    assert shape("[1]", ".txt") == ""
