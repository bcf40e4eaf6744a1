"""Fuzzy ranking: what is found, what comes first, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tui import fuzzy

PATHS = [
    "README.md",
    "orchestrator/tui/widgets/prompt.py",
    "orchestrator/tui/widgets/prompt_area.py",
    "orchestrator/tui/app.py",
    "orchestrator/prompts/reader.py",
    "tests/tui/test_prompt.py",
    "docs/TuiPrompt.md",
    "a b/[id].tsx",
]
letters = st.text(alphabet="abAB/._ é", min_size=1, max_size=6)
paths = st.lists(st.text(alphabet="abcABC/._- éß[]\n", min_size=1, max_size=20), unique=True, max_size=60)


def holds(query: str, text: str) -> bool:
    """Whether the letters of the query are in the text in order; without a capital, in either case."""
    exact = any(letter.isupper() for letter in query)
    rest = iter(text)
    return all(any(c == x or (not exact and c in (x.lower(), x.upper())) for c in rest) for x in query)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("prompt.py", "orchestrator/tui/widgets/prompt.py"),
        ("prompt", "orchestrator/tui/widgets/prompt.py"),
        ("readme", "README.md"),
        ("read", "README.md"),
        ("tuiprompt", "docs/TuiPrompt.md"),
        ("TP", "docs/TuiPrompt.md"),
        ("prar", "orchestrator/tui/widgets/prompt_area.py"),
        ("wpy", "orchestrator/tui/widgets/prompt.py"),
        ("prompts/", "orchestrator/prompts/reader.py"),
        ("tui/app", "orchestrator/tui/app.py"),
        ("[id]", "a b/[id].tsx"),
        ("testp", "tests/tui/test_prompt.py"),
    ],
)
def test_what_is_meant_comes_first(query: str, first: str) -> None:
    assert fuzzy.rank(query, PATHS, 8)[0] == first


def test_a_capital_letter_matches_case() -> None:
    assert fuzzy.rank("README", ["readme.md", "README.md"], 8) == ["README.md"]
    assert fuzzy.rank("readme", ["readme.md", "README.md"], 8) == ["README.md", "readme.md"]


def test_no_query_gives_the_shallowest() -> None:
    assert fuzzy.rank("", ["b/c.py", "z.py", "a.py"], 2) == ["a.py", "z.py"]


@given(letters, paths)
def test_results_are_those_that_hold_the_query(query: str, candidates: list[str]) -> None:
    assert set(fuzzy.rank(query, candidates, 100)) == {path for path in candidates if holds(query, path)}


@given(paths, st.data())
def test_an_exact_name_comes_first(candidates: list[str], data: st.DataObject) -> None:
    names = [name for path in candidates if (name := path.rpartition("/")[2])]
    if names:
        name = data.draw(st.sampled_from(names))
        first = fuzzy.rank(name, candidates, 3)[0].rpartition("/")[2]
        assert len(first) == len(name)
        assert holds(name, first)


@given(letters, paths, st.randoms(), st.integers(1, 5))
def test_the_order_does_not_depend_on_the_order_of_what_comes_in_nor_on_the_limit(
    query: str, candidates: list[str], random: object, limit: int
) -> None:
    ranked = fuzzy.rank(query, candidates, 100)
    random.shuffle(candidates)  # type: ignore[attr-defined]
    assert fuzzy.rank(query, candidates, 100) == ranked
    assert fuzzy.rank(query, candidates, limit) == ranked[:limit]


@given(letters, paths)
def test_positions_spell_the_query(query: str, candidates: list[str]) -> None:
    for path in candidates:
        places = fuzzy.positions(query, path)
        assert bool(places) == holds(query, path)
        assert list(places) == sorted(set(places))
        assert all(holds(x, path[at]) for x, at in zip(query.lower(), places, strict=False))


@given(letters, letters, paths)
def test_a_query_that_grows_and_changes_finds_what_a_new_one_does(
    first: str, second: str, candidates: list[str]
) -> None:
    blocks = tuple(fuzzy.pack(candidates))

    async def grown() -> None:
        ranker = fuzzy.Ranker(limit=5)
        for query in (first, second):
            for end in range(len(query) + 1):
                ranked = await ranker.rank(query[:end], blocks)
                assert list(ranked.paths) == fuzzy.rank(query[:end], candidates, 5)
            await ranker.rank(first, blocks)

    asyncio.run(grown())


def test_blocks_are_bounded_by_paths_and_by_characters() -> None:
    assert [block.count("\0") - 1 for block in fuzzy.pack(f"{n}.py" for n in range(2500))] == [
        1000,
        1000,
        500,
    ]
    assert len(list(fuzzy.pack("x" * 4000 for _ in range(1000)))) > 20


def test_others_run_between_the_slices_and_a_cancelled_ranking_stops() -> None:
    steps: list[int] = []

    def endless():  # type: ignore[no-untyped-def]
        while True:
            steps.append(1)
            yield

    async def run() -> None:
        task = asyncio.create_task(fuzzy.in_slices(endless(), slice_s=0))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        done = len(steps)
        await asyncio.sleep(0)
        assert len(steps) == done

    asyncio.run(run())


def test_long_hostile_paths_take_small_steps() -> None:
    """Each step looks at a bounded number of characters, however many steps there are."""
    hostile = ["a" * 4000 + f"/b{n}" for n in range(100)]
    assert fuzzy.rank("a" * 20 + "c", hostile, 5) == []
    assert fuzzy.rank("ab", hostile, 1) == ["a" * 4000 + "/b0"]
