"""The six families, five goals each: a module is a family, and its `MAKERS` make the goals."""

from __future__ import annotations

import random

from goals.families import data, documentation, failing, functions, renames, settings
from goals.goal import Goal

MODULES = (failing, functions, renames, settings, documentation, data)
FAMILIES = tuple(module.FAMILY for module in MODULES)


def thirty(seed: int = 1) -> list[Goal]:
    """All goals, family by family; another seed gives other names, numbers and data."""
    return [
        make(random.Random(f"{seed} {module.FAMILY} {number}"))
        for module in MODULES
        for number, make in enumerate(module.MAKERS)
    ]
