"""A failing test to mend: the fault is in the code, never in the test."""

from __future__ import annotations

import random

from goals.goal import PACKAGES, SUITE, Goal, Maker, Note, cases, replaced, tests

FAMILY = "failing test"
HEAD = '"""Tests, run with `python3 -m unittest -q`."""\n\nimport unittest\n\n'


def _goal(
    name: str,
    package: str,
    module: str,
    code: str,
    test: str,
    mend: tuple[str, str],
    hidden: tuple[str, ...],
    symptom: str,
    notes: tuple[Note, ...],
) -> Goal:
    """One fault: `mend` takes it out of `code`; `hidden` are more cases of what the function promises."""
    files = {
        "README.md": f"# {package}\n\nRun the tests with `{SUITE}`.\n",
        f"{package}/__init__.py": "",
        f"{package}/{module}.py": code,
        f"{package}/version.py": 'VERSION = "0.3.1"\n',
        "tests/__init__.py": "",
        f"tests/test_{module}.py": HEAD + test,
    }
    path = f"{package}/{module}.py"
    return Goal(
        f"failing-{name}",
        FAMILY,
        f"Make the failing test pass: {symptom}. The fault is in {path}; leave the tests as they are.",
        SUITE,
        files,
        (
            tests(f"tests/test_{module}.py", files[f"tests/test_{module}.py"]),
            cases(f"{package}.{module}", *hidden),
        ),
        (path,),
        {path: replaced(files, path, mend)},
        notes,
    )


def pages(rng: random.Random) -> Goal:
    package, size = rng.choice(PACKAGES), rng.choice((8, 12, 15))
    code = f'''"""Lists in pages."""

SIZE = {size}


def page_count(total, size=SIZE):
    """How many pages `total` entries fill; the last may be half empty."""
    return total // size


def page(entries, number, size=SIZE):
    """The entries of page `number`, counted from 1."""
    start = (number - 1) * size
    return entries[start : start + size]
'''
    test = f"""from {package}.paging import page, page_count


class PagingTest(unittest.TestCase):
    def test_first_page(self):
        self.assertEqual(page(list(range(30)), 1, 4), [0, 1, 2, 3])

    def test_a_page_that_is_half_empty_counts(self):
        self.assertEqual(page_count({size * 2 + 1}), 3)
"""
    return _goal(
        "pages",
        package,
        "paging",
        code,
        test,
        ("return total // size", "return -(-total // size)"),
        (
            f"page_count({size * 3}) == 3",
            "page_count(0) == 0",
            "page_count(1, 5) == 1",
            "page([1, 2, 3], 2, 2) == [3]",
        ),
        f"page_count({size * 2 + 1}) must be 3, a page that is half empty counts",
        (
            Note("lesson", "page_count is the only function that divides; page() itself is right"),
            Note("decision", "page numbers are counted from 1"),
        ),
    )


def quota(rng: random.Random) -> Goal:
    package, noun = rng.choice(PACKAGES), rng.choice(("credit", "budget", "stock"))
    code = f'''"""Who may still take something."""


class Out(Exception):
    """More was asked for than is left."""


def take(left, amount):
    """What is left of the {noun} after `amount` was taken; all of it may be taken."""
    if amount <= 0:
        raise ValueError("nothing to take")
    if left <= amount:
        raise Out(f"only {{left}} left")
    return left - amount
'''
    test = f"""from {package}.{noun} import Out, take


class TakeTest(unittest.TestCase):
    def test_some(self):
        self.assertEqual(take(10, 4), 6)

    def test_all_of_it(self):
        self.assertEqual(take(7, 7), 0)

    def test_too_much(self):
        with self.assertRaises(Out):
            take(3, 4)
"""
    return _goal(
        "quota",
        package,
        noun,
        code,
        test,
        ("if left <= amount", "if left < amount"),
        ("take(1, 1) == 0", "take(100, 1) == 99"),
        "take(7, 7) must return 0 and raises Out",
        (
            Note("dead-end", "changing the amount <= 0 check: the test of all of it still fails"),
            Note("note", "amounts are whole numbers"),
        ),
    )


def basket(rng: random.Random) -> Goal:
    package, thing = rng.choice(PACKAGES), rng.choice(("pear", "lamp", "rope"))
    code = '''"""Baskets of things."""


def put(thing, basket=[]):
    """A basket with the thing in it; a new one where none is given."""
    basket.append(thing)
    return basket


def total(basket, prices):
    return sum(prices[thing] for thing in basket)
'''
    test = f"""from {package}.basket import put, total


class BasketTest(unittest.TestCase):
    def test_a_new_basket_each_time(self):
        put("{thing}")
        self.assertEqual(put("cup"), ["cup"])

    def test_total(self):
        self.assertEqual(total(["cup", "{thing}"], {{"cup": 3, "{thing}": 4}}), 7)
"""
    return _goal(
        "basket",
        package,
        "basket",
        code,
        test,
        (
            'basket=[]):\n    """A basket with the thing in it; a new one where none is given."""\n',
            "basket=None):\n"
            '    """A basket with the thing in it; a new one where none is given."""\n'
            "    basket = [] if basket is None else basket\n",
        ),
        (
            "(put('a'), put('b'))[1] == ['b']",
            "(lambda mine: put('x', mine) is mine and mine == ['w', 'x'])(['w'])",
        ),
        'put("cup") must return ["cup"], and returns what was put before as well',
        (
            Note("lesson", "a default argument that is a list is made once and shared by all calls"),
            Note("decision", "prices are whole cents"),
        ),
    )


def ranking(rng: random.Random) -> Goal:
    package, few = rng.choice(PACKAGES), rng.choice((2, 3))
    code = '''"""Who has most points."""


def best(points, count):
    """The names with most points, most first; names with as many in the order of the alphabet."""
    ordered = sorted(points, key=lambda name: (points[name], name))
    return ordered[:count]
'''
    test = f"""from {package}.ranking import best

POINTS = {{"Bo": 4, "Ada": 9, "Cy": 7, "Dee": 9}}


class RankingTest(unittest.TestCase):
    def test_most_points_first(self):
        self.assertEqual(best(POINTS, {few}), {["Ada", "Dee", "Cy"][:few]!r})
"""
    return _goal(
        "ranking",
        package,
        "ranking",
        code,
        test,
        ("(points[name], name)", "(-points[name], name)"),
        (
            "best({'x': 1, 'y': 5, 'a': 5}, 3) == ['a', 'y', 'x']",
            "best({}, 2) == []",
            "best({'x': 1}, 5) == ['x']",
        ),
        f"best(POINTS, {few}) must be {['Ada', 'Dee', 'Cy'][:few]!r}, most points first",
        (
            Note("dead-end", "sorted(..., reverse=True): names with as many points come in the wrong order"),
            Note("note", "points are never negative"),
        ),
    )


def pairs(rng: random.Random) -> Goal:
    package, mark = rng.choice(PACKAGES), rng.choice(("=", ":"))
    code = f'''"""Reads settings of the form KEY {mark} VALUE."""


def pair(line):
    """Key and value of a line, without the spaces around them; None for an empty line or a comment."""
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    key, _, value = line.partition("{mark}")
    return key.lower(), value


def settings(text):
    return dict(one for one in map(pair, text.splitlines()) if one)
'''
    test = f"""from {package}.settings import pair, settings


class SettingsTest(unittest.TestCase):
    def test_spaces_do_not_matter(self):
        self.assertEqual(pair("  Port {mark} 8080  "), ("port", "8080"))

    def test_a_comment_is_no_pair(self):
        self.assertIsNone(pair("# Port"))

    def test_text(self):
        self.assertEqual(settings("a{mark}1\\n\\n# b\\nc{mark}2"), {{"a": "1", "c": "2"}})
"""
    return _goal(
        "pairs",
        package,
        "settings",
        code,
        test,
        ("return key.lower(), value", "return key.strip().lower(), value.strip()"),
        (
            f"pair('A B {mark} c d') == ('a b', 'c d')",
            f"pair('x{mark}') == ('x', '')",
            f"settings(' k {mark} v{mark}w ') == {{'k': 'v{mark}w'}}",
        ),
        f'pair("  Port {mark} 8080  ") must be ("port", "8080")',
        (
            Note("lesson", "str.partition keeps the spaces around what it cuts"),
            Note("decision", "keys are lower case, values stay as they are"),
        ),
    )


MAKERS: tuple[Maker, ...] = (pages, quota, basket, ranking, pairs)
