"""A Python package: what is in the pantry, what runs low, what to buy. One of its tests fails."""

from tasks.kit import Commit, Task, call, contains, number, prints, python, says, suite_passes

FIRST = {
    "README.md": """# larder

Keeps track of a pantry.

    python -m larder list
    python -m larder shop
""",
    "pyproject.toml": """[project]
name = "larder"
version = "1.4.2"
requires-python = ">=3.10"
""",
    "larder/__init__.py": '"""A pantry and its shopping list."""\n\n__version__ = "1.4.2"\n',
    "larder/items.py": '''"""One thing in the pantry."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Item:
    name: str
    amount: float
    unit: str
    expires: date | None = None


def expires_soon(item: Item, today: date, days: int = 9) -> bool:
    """Does it go bad within `days` from today?"""
    return item.expires is not None and item.expires <= today + timedelta(days=days)
''',
    "larder/units.py": '''"""Weights and volumes."""

GRAMS = {"g": 1, "kg": 1000, "lb": 453.6, "oz": 28.35}
MILLILITRES = {"ml": 1, "l": 1000, "cup": 240}


def kilos(amount: float, unit: str) -> float:
    """The weight in kilograms."""
    return amount * GRAMS[unit] / 1000


def convert(amount: float, unit: str, wanted: str) -> float:
    """`amount` in another unit of the same kind."""
    for table in (GRAMS, MILLILITRES):
        if unit in table and wanted in table:
            return amount * table[unit] / table[wanted]
    raise LookupError(f"{unit} and {wanted} do not measure the same")
''',
    "larder/stock.py": '''"""What is there, and how much of it."""

DEFAULT_THRESHOLD = 2


class OutOfStock(Exception):
    """More was taken than is there."""


class Stock:
    def __init__(self):
        self.amounts = {}

    def put(self, name, amount):
        if amount <= 0:
            raise ValueError("nothing to put")
        self.amounts[name] = self.amounts.get(name, 0) + amount

    def withdraw(self, name, amount):
        """Take some out; what is used up is forgotten."""
        left = self.amounts.get(name, 0) - amount
        if left < 0:
            raise OutOfStock(name)
        if left == 0:
            del self.amounts[name]
        else:
            self.amounts[name] = left

    def low(self, threshold=DEFAULT_THRESHOLD):
        return sorted(name for name, amount in self.amounts.items() if amount < threshold)
''',
    "larder/shopping.py": '''"""What to buy."""

from larder.units import kilos


def shopping_list(stock, wanted):
    """Name to missing amount, for everything of which less is there than wanted."""
    missing = {}
    for name, amount in wanted.items():
        have = stock.amounts.get(name, 0)
        if have < amount:
            missing[name] = amount + have
    return missing


def weight(parts):
    """Kilograms of a shopping bag; `parts` are pairs of amount and unit."""
    return sum(kilos(amount, unit) for amount, unit in parts)
''',
    "larder/cli.py": '''"""The command line."""

import argparse


def parser():
    top = argparse.ArgumentParser(prog="larder")
    commands = top.add_subparsers(dest="command")
    commands.add_parser("list", help="what is there")
    put = commands.add_parser("put", help="add something")
    put.add_argument("name")
    take = commands.add_parser("take", help="take something out")
    take.add_argument("name")
    commands.add_parser("shop", help="what to buy")
    commands.add_parser("expired", help="what went bad")
    commands.add_parser("export", help="write it all as JSON")
    return top
''',
    "tests/__init__.py": "",
    "tests/test_stock.py": """import unittest

from larder.stock import OutOfStock, Stock


class StockTest(unittest.TestCase):
    def test_withdraw(self):
        stock = Stock()
        stock.put("rice", 3)
        stock.withdraw("rice", 1)
        self.assertEqual(stock.amounts, {"rice": 2})

    def test_withdraw_too_much(self):
        with self.assertRaises(OutOfStock):
            Stock().withdraw("rice", 1)
""",
}
SECOND = {
    "tests/test_shopping.py": """import unittest

from larder.shopping import shopping_list
from larder.stock import Stock


class ShoppingTest(unittest.TestCase):
    def test_only_what_is_missing(self):
        stock = Stock()
        stock.put("eggs", 4)
        stock.put("oil", 2)
        self.assertEqual(shopping_list(stock, {"eggs": 10, "oil": 1, "salt": 1}), {"eggs": 6, "salt": 1})
""",
}
COMMITS = (
    Commit("Mara Stein", 4, "Stock, units and command line", FIRST),
    Commit("Tom Okafor", 9, "A test of the shopping list", SECOND),
)

TASKS = (
    Task(
        "larder-find-raises",
        "find",
        "Which method raises OutOfStock?",
        (says("withdraw"),),
        (call("search", pattern="raise OutOfStock"), "Stock.withdraw in larder/stock.py raises it."),
    ),
    Task(
        "larder-find-threshold",
        "find",
        "In welcher Datei und Zeile wird DEFAULT_THRESHOLD festgelegt?",
        (says("stock.py", number(3)),),
        (call("search", pattern="DEFAULT_THRESHOLD"), "In larder/stock.py, Zeile 3."),
        language="de",
    ),
    Task(
        "larder-read-days",
        "read",
        "By default, within how many days does expires_soon say that an item goes bad?",
        (says(number(9)),),
        (call("search", pattern="expires_soon"), "Within 9 days, by default."),
    ),
    Task(
        "larder-count-commands",
        "count",
        "How many subcommands does larder's command line have? They are in larder/cli.py.",
        (says(number(6)),),
        (call("read", path="larder/cli.py"), "It has six: list, put, take, shop, expired and export."),
    ),
    Task(
        "larder-explain-withdraw",
        "explain",
        "Explain Stock.withdraw: what happens if one takes more than is there, and what if nothing is left?",
        (
            says(
                "OutOfStock",
                (
                    *("del", "delete", "deletes", "deleted", "deleting", "remove", "removes", "removed"),
                    *("removing", "forget", "forgets", "forgotten", "drops", "dropped"),
                ),
            ),
        ),
        (
            call("search", pattern="def withdraw"),
            call("read", path="larder/stock.py"),
            "It raises OutOfStock; when nothing is left, the item is removed from amounts.",
        ),
    ),
    Task(
        "larder-explain-convert",
        "explain",
        "Que se passe-t-il quand on appelle convert(1, 'kg', 'l') de larder/units.py ? Quelle exception ?",
        (says("LookupError"),),
        (
            call("read", path="larder/units.py"),
            "convert lève une LookupError : kg et l ne vont pas ensemble.",
        ),
        language="fr",
    ),
    Task(
        "larder-edit-default",
        "edit",
        "Change the default threshold of Stock to 5.",
        (
            python("from larder.stock import Stock as S; s = S(); s.put('a', 4); print(s.low())", "'a'"),
            suite_passes(("python3", "-m", "unittest", "tests.test_stock")),
            contains("larder/stock.py", loses=1),
        ),
        (
            call("search", pattern="threshold"),
            call("edit", path="larder/stock.py", old="DEFAULT_THRESHOLD = 2", new="DEFAULT_THRESHOLD = 5"),
            "The default threshold is 5 now.",
        ),
        changes=("larder/stock.py",),
    ),
    Task(
        "larder-edit-method",
        "edit",
        "Please add a method clear() to the class Stock in larder/stock.py. It empties amounts.",
        (
            python(
                "from larder.stock import Stock\n"
                "stock = Stock(); stock.put('a', 1); stock.clear(); print(len(stock.amounts))",
                exactly="0",
            ),
            suite_passes(("python3", "-m", "unittest", "tests.test_stock")),
            contains("larder/stock.py", loses=1),
        ),
        (
            call("read", path="larder/stock.py"),
            call(
                "edit",
                path="larder/stock.py",
                old="        self.amounts = {}\n",
                new="        self.amounts = {}\n\n    def clear(self):\n        self.amounts.clear()\n",
            ),
            "Stock has a method clear now.",
        ),
        changes=("larder/stock.py",),
    ),
    Task(
        "larder-steps-rename",
        "steps",
        "rename the function kilos to to_kilograms, also where it is used",
        (
            python(
                "from larder.shopping import weight; print(weight([(500, 'g'), (1, 'kg')]))", exactly="1.5"
            ),
            python(
                "import larder.units as u; print(u.to_kilograms(1, 'kg'), hasattr(u, 'kilos'))",
                exactly="1.0 False",
            ),
        ),
        (
            call("search", pattern="kilos"),
            call("edit", path="larder/units.py", old="def kilos(", new="def to_kilograms("),
            call(
                "shell",
                command="sed -i 's/\\bkilos\\b/to_kilograms/g' larder/shopping.py && grep -n kilo -r larder",
            ),
            "kilos is called to_kilograms now, in units.py and shopping.py.",
        ),
        changes=("larder/units.py", "larder/shopping.py"),
    ),
    Task(
        "larder-steps-fix",
        "steps",
        "The tests fail. Find out why and fix the bug in larder/shopping.py, not the test.",
        (
            suite_passes(),
            python(
                "from larder.shopping import shopping_list as s; from larder.stock import Stock\n"
                "t = Stock(); t.put('a', 3); print(s(t, {'a': 8, 'b': 2, 'c': 0}))",
                exactly="{'a': 5, 'b': 2}",
            ),
        ),
        (
            call("shell", command="python3 -m unittest"),
            call("read", path="larder/shopping.py"),
            call("edit", path="larder/shopping.py", old="amount + have", new="amount - have"),
            "It added what is there instead of subtracting it; fixed.",
        ),
        changes=("larder/shopping.py",),
    ),
    Task(
        "larder-create-labels",
        "create",
        "Create larder/labels.py with a function label(name, amount, unit) that returns a text like "
        "'rice: 3 kg'.",
        (
            python("from larder.labels import label; print(label('rice', 3, 'kg'))", exactly="rice: 3 kg"),
            python("from larder.labels import label; print(label('oil', 2, 'l'))", exactly="oil: 2 l"),
        ),
        (
            call(
                "write",
                path="larder/labels.py",
                content='def label(name, amount, unit):\n    return f"{name}: {amount} {unit}"\n',
            ),
            "larder/labels.py has the function label now.",
        ),
        changes=("larder/labels.py",),
    ),
    Task(
        "larder-create-main",
        "create",
        "`python -m larder` does not work, __main__.py is missing. Create larder/__main__.py: it calls "
        "parser() from larder/cli.py and parses the arguments.",
        (
            prints(("python3", "-m", "larder", "--help"), "expired", "usage"),
            prints(("python3", "-m", "larder", "nonsense"), "invalid choice", code=2),
        ),
        (
            call("read", path="larder/cli.py"),
            call(
                "write",
                path="larder/__main__.py",
                content="from larder.cli import parser\n\nparser().parse_args()\n",
            ),
            "Created.",
        ),
        changes=("larder/__main__.py",),
    ),
    Task(
        "larder-run-tests",
        "run",
        "Run the tests in tests/test_stock.py and tell me how many ran and whether they pass.",
        (says(number(2), ("pass", "passed", "passes", "ok", "successful", "successfully", "succeeded")),),
        (call("shell", command="python3 -m unittest tests.test_stock"), "2 tests ran, and both pass."),
    ),
)
