"""What a set is made of: tasks, the repositories they are asked in, and what a run left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isolated.history import Commit, Files

GROUPS = ("find", "read", "count", "explain", "create", "edit", "run", "git", "steps")


@dataclass(frozen=True, slots=True)
class Left:
    """What a run left: the project as it is now, the repository as it was, and the answer's text."""

    project: Path
    pristine: Path
    answer: str


Check = Callable[[Left], str]
"""Empty where the check holds, else one phrase that says why not."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of a reference solution."""

    tool: str
    arguments: Mapping[str, Any]


def call(tool: str, **arguments: Any) -> Call:
    return Call(tool, arguments)


@dataclass(frozen=True, slots=True)
class Task:
    """`solution` is what a good model does: calls and, last, the answer's text.

    `changes` are patterns of the files that may differ afterwards (new ones too); `history` says
    that commits, branches or tags may.
    """

    id: str
    group: str
    prompt: str
    checks: tuple[Check, ...]
    solution: tuple[Call | str, ...]
    changes: tuple[str, ...] = ()
    history: bool = False
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Repository:
    """`needs` are programs that its tasks cannot do without."""

    name: str
    commits: tuple[Commit, ...]
    uncommitted: Files = field(default_factory=dict)
    needs: tuple[str, ...] = ()
