"""What going back to a point would do, decided before anything is done. Pure.

The changes of one file form a chain: what one left is what the next one found. Where the chain is broken,
or ends in something else than what is there now, somebody else changed the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.checkpoints.state import State
from orchestrator.checkpoints.store import Entry, Look

CHANGED = "you changed it since"
BETWEEN = "you changed it between two changes of the tools"
UNKNOWN = "what the last change left is not known"
UNKEPT = "it was too large to be kept"
FOREIGN = "no ordinary file stands there"


@dataclass(frozen=True, slots=True)
class Step:
    """One file: `now` is there, `target` was. Not done unasked where `why` says so."""

    path: str
    now: State
    target: State
    why: str = ""

    @property
    def possible(self) -> bool:
        """Whether it can be done at all, asked or not."""
        return self.why not in (UNKEPT, FOREIGN)


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` are safe, `kept` are files that somebody else changed; the rest is as it was already."""

    steps: tuple[Step, ...]
    kept: tuple[Step, ...]


def since(entries: Sequence[Entry], points: Iterable[str]) -> list[Entry]:
    """The entries from the first of any of these points on."""
    wanted = set(points)
    first = next((number for number, entry in enumerate(entries) if entry.point in wanted), len(entries))
    return list(entries[first:])


def plan(entries: Sequence[Entry], look: Look) -> Plan:
    """The way back from all these changes, which are the newest there are, oldest first."""
    chains: dict[str, list[Entry]] = {}
    for entry in entries:
        chains.setdefault(entry.path, []).append(entry)
    steps: list[Step] = []
    kept: list[Step] = []
    for path, chain in chains.items():
        target, now = chain[0].before, look(path)
        if now == target:
            continue
        step = Step(path, now, target, _why(chain, now))
        (kept if step.why else steps).append(step)
    return Plan(tuple(steps), tuple(kept))


def ordered(steps: Iterable[Step]) -> list[Step]:
    """What goes first, the deepest first: a folder may stand where a file has to come back."""
    return sorted(steps, key=lambda step: (step.target.kind != "missing", -step.path.count("/"), step.path))


def _why(chain: Sequence[Entry], now: State) -> str:
    if chain[0].before.kind == "unkept":
        return UNKEPT
    if now.kind == "other" or chain[0].before.kind == "other":
        return FOREIGN
    if any(entry.after is None for entry in chain):
        return UNKNOWN
    if chain[-1].after != now:
        return CHANGED
    return BETWEEN if any(one.after != two.before for one, two in pairwise(chain)) else ""
