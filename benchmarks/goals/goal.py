"""What a goal is: a repository, what is to become of it, and how that is seen, by everybody and by us."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isolated.history import Commit, Files, build
from tasks.commands import prints
from tasks.state import untouched
from tasks.task import Check, Left

IGNORED = "__pycache__/\n*.pyc\n"
SUITE = "python3 -m unittest -q"
PACKAGES = ("heron", "larch", "tern", "moss", "birch", "otter", "plover", "sedge", "wren", "alder")


@dataclass(frozen=True, slots=True)
class Note:
    """What an earlier session left for those to come: `kind` as `orch note` takes it."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Goal:
    """`check` is the command that a run is given, and can read and edit what it runs; `hidden` are the
    checks that decide, kept outside of every worktree.

    `changes` are patterns of the files that may differ afterwards; everything else must be as it was.
    `solution` are the files that a good run leaves, as a whole. `notes` are in the journal before the run.
    """

    id: str
    family: str
    text: str
    check: str
    files: Mapping[str, str]
    hidden: tuple[Check, ...]
    changes: tuple[str, ...]
    solution: Files
    notes: tuple[Note, ...]


Maker = Callable[[random.Random], Goal]
"""Makes one goal; names and numbers in it are the generator's."""


def pristine(goal: Goal, folder: Path) -> Path:
    """The repository of the goal, made anew in `folder` (created); the same each time."""
    return build(folder, (Commit("Ana Lopes", 3, "First version", {".gitignore": IGNORED, **goal.files}),))


def solved(goal: Goal, before: Path, folder: Path) -> Path:
    """A copy of `before` as the reference solution leaves it."""
    shutil.copytree(before, folder, symlinks=True)
    for name, text in goal.solution.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def judge(goal: Goal, left: Left) -> str:
    """Why the goal is not reached, by what no run could see; empty where it is."""
    for check in goal.hidden:
        if why := check(left):
            return why
    return untouched(left, goal.changes, history=True)


def visible(goal: Goal) -> Check:
    """The check that the run is given, as one of ours: in a copy, and confined."""
    return prints(["bash", "-c", goal.check])


def replaced(files: Mapping[str, str], name: str, *changes: tuple[str, str]) -> str:
    """The text of a file of the goal with each old text, which must be there, replaced by the new one."""
    text = files[name]
    for old, new in changes:
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    return text


def cases(module: str, *expressions: str) -> Check:
    """Each expression is true of what `module` exports; it is not said which was not."""
    body = "\n".join(f"assert {one}, 'a hidden case fails'" for one in expressions)
    return prints(["python3", "-c", f"from {module} import *\n{body}\nprint('all hold')"], "all hold")


def tests(name: str, text: str) -> Check:
    """The suite passes with this file of tests in it, whatever a run made of that file."""
    return prints(SUITE.split(), given={name: text}, never=("Ran 0 tests", "NO TESTS RAN"))


def unused_names(rng: random.Random, names: Sequence[str], count: int) -> list[str]:
    return rng.sample(list(names), count)
