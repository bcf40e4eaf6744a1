"""A rename, everywhere it is used: code, tests and documents."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from tasks.commands import prints
from tasks.task import Check, Left

from goals.goal import PACKAGES, SUITE, Goal, Maker, Note, cases

FAMILY = "rename"
SUFFIXES = (".py", ".md", ".txt")


def nowhere(name: str) -> Check:
    """No file that people read has the word any more."""

    def check(left: Left) -> str:
        word = re.compile(rf"\b{re.escape(name)}\b")
        found = [
            path.relative_to(left.project).as_posix()
            for path in sorted(left.project.rglob("*"))
            if path.suffix in SUFFIXES and _ours(path.relative_to(left.project).parts)
            if word.search(path.read_text(encoding="utf-8", errors="replace"))
        ]
        return f"{name} is still in {', '.join(found[:4])}" if found else ""

    return check


def _ours(parts: tuple[str, ...]) -> bool:
    own = (".orchestrator", ".git", "SESSION_LOG.md", "SESSION_BRIEFING.md", "PROJECT_CONTEXT.md")
    return parts[0] not in own


def _renamed(files: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    word = re.compile(rf"\b{re.escape(old)}\b")
    return {name: word.sub(new, text) for name, text in files.items() if word.search(text)}


def _goal(
    name: str,
    what: str,
    old: str,
    new: str,
    files: Mapping[str, str],
    hidden: tuple[Check, ...],
    notes: tuple[Note, ...],
) -> Goal:
    solution = _renamed(files, old, new)
    return Goal(
        f"rename-{name}",
        FAMILY,
        f"Rename the {what} {old} to {new} everywhere: in the code, the tests and README.md. "
        "What the program does stays as it is.",
        f"! grep -rnw {old} --include='*.py' --include='README.md' . && {SUITE}",
        files,
        (nowhere(old), prints(SUITE.split(), never=("Ran 0 tests", "NO TESTS RAN")), *hidden),
        tuple(solution),
        solution,
        notes,
    )


def _project(package: str, old: str, text: str) -> dict[str, str]:
    """Files cut out of one text at its lines `=== NAME`; PACKAGE and OLD stand for the names."""
    files = {f"{package}/__init__.py": "", "tests/__init__.py": ""}
    named = text.replace("PACKAGE", package).replace("OLD", old)
    for part in named.split("=== ")[1:]:
        name, _, content = part.partition("\n")
        files[name] = content.rstrip() + "\n"
    return files


FUNCTION = """
=== README.md
# PACKAGE

`OLD(marks)` counts marks; run `python3 -m unittest -q`.
=== PACKAGE/marks.py
'''Counts marks.'''


def OLD(marks):
    return len(marks.replace(" ", ""))
=== PACKAGE/report.py
'''Says it in words.'''

from PACKAGE.marks import OLD


def report(marks):
    return f"{OLD(marks)} marks"
=== tests/test_marks.py
import unittest

from PACKAGE.marks import OLD
from PACKAGE.report import report


class MarksTest(unittest.TestCase):
    def test_count(self):
        self.assertEqual(OLD("|| |"), 3)

    def test_report(self):
        self.assertEqual(report("||"), "2 marks")
"""


def function(rng: random.Random) -> Goal:
    package, (old, new) = rng.choice(PACKAGES), rng.choice((("tally", "count_marks"), ("sumup", "add_up")))
    return _goal(
        "function",
        "function",
        old,
        new,
        _project(package, old, FUNCTION),
        (
            cases(f"{package}.marks", f"{new}('| ||') == 3"),
            cases(f"{package}.report", "report('|') == '1 marks'"),
        ),
        (
            Note("lesson", "report.py imports the function of marks.py by its name"),
            Note("decision", "spaces between marks do not count"),
        ),
    )


CLASS = """
=== README.md
# PACKAGE

A `OLD` holds things. Run `python3 -m unittest -q`.
=== PACKAGE/store.py
'''Where things are kept.'''


class OLD:
    def __init__(self, size):
        self.size = size
        self.things = []

    def put(self, thing):
        if len(self.things) == self.size:
            raise OverflowError(self.size)
        self.things.append(thing)
        return self
=== PACKAGE/fill.py
'''Fills them.'''

from PACKAGE.store import OLD


def filled(things):
    one = OLD(len(things))
    for thing in things:
        one.put(thing)
    return one
=== tests/test_store.py
import unittest

from PACKAGE.fill import filled
from PACKAGE.store import OLD


class StoreTest(unittest.TestCase):
    def test_full(self):
        with self.assertRaises(OverflowError):
            OLD(1).put(1).put(2)

    def test_filled(self):
        self.assertIsInstance(filled([1, 2]), OLD)
"""


def klass(rng: random.Random) -> Goal:
    package, (old, new) = rng.choice(PACKAGES), rng.choice((("Box", "Crate"), ("Pot", "Kettle")))
    return _goal(
        "class",
        "class",
        old,
        new,
        _project(package, old, CLASS),
        (
            cases(f"{package}.store", f"{new}(2).put(1).things == [1]", f"{new}.__name__ == '{new}'"),
            cases(f"{package}.fill", "filled('ab').things == ['a', 'b']"),
        ),
        (
            Note("lesson", "fill.py and the tests import the class from store.py"),
            Note("note", "put returns the object itself, so that calls can be chained"),
        ),
    )


CONSTANT = """
=== README.md
# PACKAGE

At most `OLD` lines are kept. Run `python3 -m unittest -q`.
=== PACKAGE/bounds.py
'''Bounds.'''

OLD = MOST
=== PACKAGE/tail.py
'''The end of a text.'''

from PACKAGE import bounds


def tail(text):
    return "\\n".join(text.splitlines()[-bounds.OLD :])
=== tests/test_tail.py
import unittest

from PACKAGE import bounds
from PACKAGE.tail import tail


class TailTest(unittest.TestCase):
    def test_most(self):
        text = "x\\n" * (bounds.OLD + 5)
        self.assertEqual(len(tail(text).splitlines()), bounds.OLD)
"""


def constant(rng: random.Random) -> Goal:
    package, (old, new) = rng.choice(PACKAGES), rng.choice((("LIMIT", "LAST_LINES"), ("BOUND", "LAST_ROWS")))
    most = rng.choice((40, 60, 90))
    return _goal(
        "constant",
        "constant",
        old,
        new,
        _project(package, old, CONSTANT.replace("MOST", str(most))),
        (
            cases(f"{package}.bounds", f"{new} == {most}"),
            cases(f"{package}.tail", f"len(tail('a\\n' * 500).splitlines()) == {most}", "tail('a') == 'a'"),
        ),
        (
            Note("dead-end", "keeping the old name as an alias of the new one: the check still finds it"),
            Note("decision", "bounds stand in bounds.py and nowhere else"),
        ),
    )


METHOD = """
=== README.md
# PACKAGE

`Account.OLD(amount)` takes money out. Run `python3 -m unittest -q`.
=== PACKAGE/account.py
'''Accounts.'''


class Account:
    def __init__(self, left):
        self.left = left

    def OLD(self, amount):
        if amount > self.left:
            raise ValueError(amount)
        self.left -= amount
        return amount
=== PACKAGE/transfer.py
'''From one to the other.'''


def transfer(source, target, amount):
    target.left += source.OLD(amount)
=== tests/test_account.py
import unittest

from PACKAGE.account import Account
from PACKAGE.transfer import transfer


class AccountTest(unittest.TestCase):
    def test_too_much(self):
        with self.assertRaises(ValueError):
            Account(3).OLD(4)

    def test_transfer(self):
        one, two = Account(5), Account(0)
        transfer(one, two, 2)
        self.assertEqual((one.left, two.left), (3, 2))
"""


def method(rng: random.Random) -> Goal:
    package, (old, new) = rng.choice(PACKAGES), rng.choice((("fetch", "withdraw"), ("grab", "collect")))
    return _goal(
        "method",
        "method",
        old,
        new,
        _project(package, old, METHOD),
        (cases(f"{package}.account", f"Account(9).{new}(4) == 4", f"not hasattr(Account(1), '{old}')"),),
        (
            Note("lesson", "transfer.py calls the method too, without importing the class"),
            Note("note", "money is whole cents"),
        ),
    )


PARAMETER = """
=== README.md
# PACKAGE

`boxed(text, OLD=".")` sets a text between signs. Run `python3 -m unittest -q`.
=== PACKAGE/boxes.py
'''Texts between signs.'''


def boxed(text, OLD="."):
    return f"{OLD} {text} {OLD}"
=== PACKAGE/page.py
'''A page.'''

from PACKAGE.boxes import boxed


def page(lines):
    return "\\n".join(boxed(line, OLD="|") for line in lines)
=== tests/test_boxes.py
import unittest

from PACKAGE.boxes import boxed
from PACKAGE.page import page


class BoxesTest(unittest.TestCase):
    def test_sign(self):
        self.assertEqual(boxed("a", OLD="*"), "* a *")

    def test_page(self):
        self.assertEqual(page(["a", "b"]), "| a |\\n| b |")
"""


def parameter(rng: random.Random) -> Goal:
    package, (old, new) = rng.choice(PACKAGES), rng.choice((("fill", "padding"), ("mark", "bullet")))
    return _goal(
        "parameter",
        "parameter",
        old,
        new,
        _project(package, old, PARAMETER),
        (
            cases(f"{package}.boxes", f"boxed('a', {new}='#') == '# a #'", "boxed('a') == '. a .'"),
            cases(f"{package}.page", "page(['x']) == '| x |'"),
        ),
        (
            Note("lesson", "page.py passes the sign by the parameter's name"),
            Note("decision", "the default sign is a dot"),
        ),
    )


MAKERS: tuple[Maker, ...] = (function, klass, constant, method, parameter)
