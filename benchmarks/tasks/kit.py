"""Everything that a set is written with: `from tasks.kit import *`."""

from isolated.history import Commit

from tasks.checks import (
    GONE,
    becomes,
    branch,
    clean,
    committed,
    contains,
    gone,
    parses,
    says,
    sets,
    tagged,
    there,
)
from tasks.commands import prints, python, suite_passes
from tasks.facts import number
from tasks.task import Left, Task, call

__all__ = [
    "GONE",
    "Commit",
    "Left",
    "Task",
    "becomes",
    "branch",
    "call",
    "clean",
    "committed",
    "contains",
    "gone",
    "number",
    "parses",
    "prints",
    "python",
    "says",
    "sets",
    "suite_passes",
    "tagged",
    "there",
]
