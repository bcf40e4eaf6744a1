"""A document that says what is not so, put right from the code; its other lines stay."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tasks.checks import contains
from tasks.facts import Fact

from goals.goal import PACKAGES, Goal, Maker, Note, replaced

FAMILY = "documentation"


def _goal(
    name: str,
    text: str,
    check: str,
    files: Mapping[str, str],
    path: str,
    change: tuple[tuple[str, str], ...],
    facts: tuple[Fact, ...],
    never: tuple[Fact, ...],
    loses: int,
    notes: tuple[Note, ...],
) -> Goal:
    solution = {path: replaced(files, path, *change)}
    hidden = (contains(path, *facts, never=never, loses=loses),)
    return Goal(f"documentation-{name}", FAMILY, text, check, files, hidden, (path,), solution, notes)


def option(rng: random.Random) -> Goal:
    package, new = rng.choice(PACKAGES), rng.choice(("--color", "--paint"))
    files = {
        "README.md": f"# {package}\n\n    python3 main.py --colour red TEXT\n\nPrints TEXT. `--colour` is red or "
        "green.\n\n## Licence\n\nMIT\n",
        "main.py": f'import argparse\n\nparser = argparse.ArgumentParser()\nparser.add_argument("{new}", '
        'choices=["red", "green"])\nparser.add_argument("text")\ngiven = parser.parse_args()\n'
        "print(given.text)\n",
        "LICENSE": "MIT\n",
    }
    return _goal(
        "option",
        f"README.md names the option --colour, but the option of main.py is {new}. Correct README.md.",
        f"! grep -q -e --colour README.md && grep -q -e {new} README.md",
        files,
        "README.md",
        (("--colour", new),),
        (f"python3 main.py {new} red TEXT", f"`{new}` is red or green"),
        ("--colour",),
        2,
        (
            Note("lesson", "README.md names the option twice"),
            Note("constraint", "main.py stays as it is: scripts of others call it"),
        ),
    )


def default(rng: random.Random) -> Goal:
    package, seconds = rng.choice(PACKAGES), rng.choice((45, 75, 95))
    files = {
        "README.md": f"# {package}\n\nFetches pages.\n\n- Pages are fetched one after the other.\n"
        "- A page that takes longer than 30 seconds is given up.\n- Nothing is kept.\n",
        f"{package}/__init__.py": "",
        f"{package}/fetch.py": f'"""Fetches pages."""\n\nTIMEOUT_S = {seconds}\nRETRIES = 30\n',
    }
    return _goal(
        "default",
        f"README.md says after how many seconds a page is given up, and it is wrong. Put there the value of "
        f"TIMEOUT_S in {package}/fetch.py.",
        "! grep -q '30 seconds' README.md && grep -q 'is given up' README.md",
        files,
        "README.md",
        (("30 seconds", f"{seconds} seconds"),),
        (f"A page that takes longer than {seconds} seconds is given up",),
        ("30",),
        1,
        (
            Note("lesson", "RETRIES in fetch.py has nothing to do with seconds"),
            Note("note", "README.md has one line for each promise"),
        ),
    )


def changelog(rng: random.Random) -> Goal:
    package, what = rng.choice(PACKAGES), rng.choice(("Windows", "Termux", "FreeBSD"))
    files = {
        "README.md": f"# {package}\n",
        "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Faster start\n\n## 1.2.0\n\n- First version\n",
        f"{package}.py": 'VERSION = "1.2.0"\n',
    }
    return _goal(
        "changelog",
        f'Add the line "- Runs on {what}" to CHANGELOG.md, under Unreleased.',
        f"grep -q -e '- Runs on {what}' CHANGELOG.md",
        files,
        "CHANGELOG.md",
        (("- Faster start\n", f"- Faster start\n- Runs on {what}\n"),),
        (f"- Runs on {what}", "- Faster start", "## 1.2.0 - First version"),
        (f"First version - Runs on {what}", f"## 1.2.0 - Runs on {what}"),
        0,
        (
            Note("decision", "what is not released yet stands under Unreleased, the newest version first"),
            Note("note", "1.2.0 is the only version that was released"),
        ),
    )


def link(rng: random.Random) -> Goal:
    package, new = rng.choice(PACKAGES), rng.choice(("install", "setup", "start"))
    files = {
        "README.md": f"# {package}\n\nSee [the documents](docs/index.md).\n",
        "docs/index.md": "# Documents\n\n- [Getting started](getting-started.md)\n- [Questions](questions.md)\n"
        "- [Licence](../LICENSE)\n",
        f"docs/{new}.md": "# Getting started\n\nUnpack it, and run it.\n",
        "docs/questions.md": "# Questions\n\nNone yet.\n",
        "LICENSE": "MIT\n",
    }
    return _goal(
        "link",
        "docs/index.md has a link to a file that is not there: find the file of docs/ that it means, and correct "
        "the link.",
        "! grep -q getting-started.md docs/index.md && test \"$(grep -c '](' docs/index.md)\" = 3",
        files,
        "docs/index.md",
        (("(getting-started.md)", f"({new}.md)"),),
        (f"[Getting started]({new}.md)", "[Questions](questions.md)", "[Licence](../LICENSE)"),
        ("getting-started.md",),
        1,
        (
            Note("lesson", "the heading of each file of docs/ is the text of its link"),
            Note("dead-end", "making a new docs/getting-started.md: then there are two of the same"),
        ),
    )


def output(rng: random.Random) -> Goal:
    package, sides = rng.choice(PACKAGES), rng.choice(((3, 4), (5, 6), (2, 9)))
    area = sides[0] * sides[1]
    files = {
        "README.md": f"# {package}\n\n    $ python3 area.py {sides[0]} {sides[1]}\n    area: {sum(sides)}\n\n"
        "Sides are in metres.\n",
        "area.py": 'import sys\n\nlong, wide = map(int, sys.argv[1:3])\nprint(f"area: {long * wide}")\n',
        "LICENSE": "MIT\n",
    }
    return _goal(
        "output",
        f"README.md shows what `python3 area.py {sides[0]} {sides[1]}` prints, and that is wrong. Run the program "
        "and correct README.md.",
        f"! grep -q 'area: {sum(sides)}$' README.md && grep -q 'area: [0-9]' README.md",
        files,
        "README.md",
        ((f"area: {sum(sides)}", f"area: {area}"),),
        (f"area: {area}", f"$ python3 area.py {sides[0]} {sides[1]}", "Sides are in metres"),
        (f"area: {sum(sides)}",),
        1,
        (
            Note("lesson", "area.py is right: its result is the area of a rectangle"),
            Note("decision", "examples of README.md show what the program really prints"),
        ),
    )


MAKERS: tuple[Maker, ...] = (option, default, changelog, link, output)
