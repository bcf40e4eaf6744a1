"""A function to add, with its test: the hidden check breaks the function and sees the new test fail."""

from __future__ import annotations

import random
from pathlib import Path

from tasks.commands import prints
from tasks.task import Check, Left

from goals.goal import PACKAGES, SUITE, Goal, Maker, Note, cases, tests

FAMILY = "function with test"


def caught(module: str, function: str) -> Check:
    """The suite that the run left fails when the function returns nothing: so it tests it."""

    def check(left: Left) -> str:
        text = _text(left.project / module)
        broken = f"{text}\n\ndef {function}(*args, **kwargs):\n    return None\n"
        survives = prints(SUITE.split(), given={module: broken})(left) == ""
        return f"no test fails when {function} returns nothing" if survives else ""

    return check


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _goal(
    package: str,
    module: str,
    code: str,
    test: str,
    function: str,
    does: str,
    example: str,
    body: str,
    own_test: str,
    hidden: tuple[str, ...],
    notes: tuple[Note, ...],
) -> Goal:
    path, test_path = f"{package}/{module}.py", f"tests/test_{module}.py"
    head = f"import unittest\n\nfrom {package} import {module}\n\n\nclass {module.title()}Test(unittest.TestCase):\n"
    files = {
        "README.md": f"# {package}\n\nRun the tests with `{SUITE}`.\n",
        f"{package}/__init__.py": "",
        path: code,
        f"{package}/names.py": '"""Names that are used in several places."""\n\nAPP = "' + package + '"\n',
        "tests/__init__.py": "",
        test_path: head + test,
    }
    return Goal(
        f"function-{function}",
        FAMILY,
        f"Add a function {does} to {path}, and a test of it to {test_path}.",
        f'python3 -c "from {package}.{module} import {function}; assert {example}" '
        f"&& grep -q {function} {test_path} && {SUITE}",
        files,
        (
            cases(f"{package}.{module}", *hidden),
            prints(SUITE.split(), never=("Ran 0 tests", "NO TESTS RAN")),
            tests(f"tests/test_{module}_before.py", files[test_path]),
            caught(path, function),
        ),
        (path, test_path),
        {path: code + "\n\n" + body, test_path: files[test_path] + "\n" + own_test},
        notes,
    )


def median(rng: random.Random) -> Goal:
    package, low = rng.choice(PACKAGES), rng.choice((3, 5, 7))
    return _goal(
        package,
        "figures",
        '"""Figures about lists of numbers."""\n\n\ndef mean(values):\n    return sum(values) / len(values)\n',
        "    def test_mean(self):\n        self.assertEqual(figures.mean([1, 2, 6]), 3)\n",
        "median",
        "median(values), the middle of the sorted numbers, and the mean of the two middle ones where there "
        "are two,",
        f"median([{low}, 1, 9]) == {low}",
        "def median(values):\n    ordered = sorted(values)\n    middle = len(ordered) // 2\n"
        "    if len(ordered) % 2:\n        return ordered[middle]\n"
        "    return (ordered[middle - 1] + ordered[middle]) / 2\n",
        "    def test_median(self):\n        self.assertEqual(figures.median([4, 1, 3, 2]), 2.5)\n",
        ("median([5, 1, 3]) == 3", "median([4, 1, 3, 2]) == 2.5", "median([7]) == 7"),
        (
            Note("constraint", "only the standard library, and no import of statistics"),
            Note("note", "lists are never empty here"),
        ),
    )


def slug(rng: random.Random) -> Goal:
    package, words = rng.choice(PACKAGES), rng.choice(("Blue Whale", "Red Kite", "Grey Seal"))
    return _goal(
        package,
        "titles",
        '"""Titles of pages."""\n\n\ndef shout(title):\n    return title.upper() + "!"\n',
        '    def test_shout(self):\n        self.assertEqual(titles.shout("a"), "A!")\n',
        "slug",
        "slug(title), the title in lower case with its words joined by single hyphens,",
        f"slug('{words}') == '{words.lower().replace(' ', '-')}'",
        'def slug(title):\n    return "-".join(title.lower().split())\n',
        '    def test_slug(self):\n        self.assertEqual(titles.slug("A  b"), "a-b")\n',
        ("slug('One') == 'one'", "slug('  The  Old   Mill ') == 'the-old-mill'", "slug('') == ''"),
        (
            Note("lesson", "titles come with double spaces: split() without an argument takes them all"),
            Note("decision", "page names are lower case"),
        ),
    )


def chunked(rng: random.Random) -> Goal:
    package, size = rng.choice(PACKAGES), rng.choice((2, 3))
    items = list(range(1, size + 2))
    return _goal(
        package,
        "lists",
        '"""Work with lists."""\n\n\ndef flat(lists):\n    return [one for part in lists for one in part]\n',
        "    def test_flat(self):\n        self.assertEqual(lists.flat([[1], [2, 3]]), [1, 2, 3])\n",
        "chunked",
        "chunked(items, size), a list of lists of at most size items each, in order,",
        f"chunked({items}, {size}) == [{items[:-1]}, [{items[-1]}]]",
        "def chunked(items, size):\n    return [items[at : at + size] for at in range(0, len(items), size)]\n",
        "    def test_chunked(self):\n        self.assertEqual(lists.chunked([1, 2, 3], 2), [[1, 2], [3]])\n",
        (
            "chunked([1, 2, 3, 4], 2) == [[1, 2], [3, 4]]",
            "chunked([], 3) == []",
            "chunked(['a'], 9) == [['a']]",
        ),
        (
            Note("dead-end", "zip over iterators for parts of a list: it drops the last, short one"),
            Note("note", "lists here hold at most a thousand items"),
        ),
    )


def celsius(rng: random.Random) -> Goal:
    package, warm = rng.choice(PACKAGES), rng.choice((50, 68, 86))
    return _goal(
        package,
        "units",
        '"""Units of measure."""\n\n\ndef metres(feet):\n    return round(feet * 0.3048, 2)\n',
        "    def test_metres(self):\n        self.assertEqual(units.metres(10), 3.05)\n",
        "celsius",
        "celsius(fahrenheit), the temperature in degrees Celsius rounded to one decimal,",
        f"celsius({warm}) == {round((warm - 32) * 5 / 9, 1)}",
        "def celsius(fahrenheit):\n    return round((fahrenheit - 32) * 5 / 9, 1)\n",
        "    def test_celsius(self):\n        self.assertEqual(units.celsius(100), 37.8)\n",
        ("celsius(32) == 0", "celsius(100) == 37.8", "celsius(-40) == -40"),
        (
            Note("lesson", "functions of units.py round their result, and the tests compare exactly"),
            Note("decision", "no classes for units: plain numbers"),
        ),
    )


def initials(rng: random.Random) -> Goal:
    package, name = rng.choice(PACKAGES), rng.choice(("Ada Lovelace", "Mary Shelley", "Jane Goodall"))
    short = ".".join(part[0] for part in name.split()) + "."
    return _goal(
        package,
        "people",
        '"""Names of people."""\n\n\ndef surname(name):\n    return name.split()[-1]\n',
        '    def test_surname(self):\n        self.assertEqual(people.surname("Ana Lopes"), "Lopes")\n',
        "initials",
        f"initials(name), the first letter of each word in upper case with a dot behind it, so that {name} "
        f"gives {short},",
        f"initials('{name}') == '{short}'",
        'def initials(name):\n    return "".join(part[0].upper() + "." for part in name.split())\n',
        '    def test_initials(self):\n        self.assertEqual(people.initials("ana lopes"), "A.L.")\n',
        ("initials('ana lopes') == 'A.L.'", "initials('Cher') == 'C.'", "initials('a  b c') == 'A.B.C.'"),
        (
            Note("lesson", "names come with double spaces between their words"),
            Note("note", "surname() is used by the address book"),
        ),
    )


MAKERS: tuple[Maker, ...] = (median, slug, chunked, celsius, initials)
