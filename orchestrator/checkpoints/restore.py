"""Going back: files are put as they were, and that is a change of its own, which can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.checkpoints.plan import CHANGED, Plan, Step, ordered, plan
from orchestrator.checkpoints.state import put
from orchestrator.checkpoints.store import Checkpoints, Entry
from orchestrator.errors import ToolError


@dataclass(frozen=True, slots=True)
class Restored:
    """Paths that are as they were, and (path, why) of those that are not."""

    done: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def planned(store: Checkpoints, entries: Sequence[Entry]) -> Plan:
    """The way back from these entries, the newest there are."""
    return plan(entries, store.look)


def restore(store: Checkpoints, wanted: Plan, call: str, *, overwrite: bool = False) -> Restored:
    """Take the steps of a plan, those in its `kept` only with `overwrite`.

    What is there goes into a checkpoint first. A file that changed since the plan was made is left.
    """
    steps = [*wanted.steps, *(step for step in wanted.kept if overwrite and step.possible)]
    left = [(step.path, step.why) for step in wanted.kept if not (overwrite and step.possible)]
    done: list[str] = []
    for step in ordered(steps):
        if why := _put(store, step, call):
            left.append((step.path, why))
        else:
            done.append(step.path)
    return Restored(tuple(sorted(done)), tuple(left))


def _put(store: Checkpoints, step: Step, call: str) -> str:
    """Put one file; says why not."""
    data = store.bytes_of(step.target)
    if data is None:
        return "what it held is not kept any more"
    try:
        if store.look(step.path, keep=True) != step.now:
            return CHANGED
        with store.change(store.root / step.path, call):
            put(store.root, step.path, step.target, data)
    except ToolError as error:
        return error.message
    except OSError as error:
        return f"it cannot be written: {error.strerror or error}"
    return ""


def touched(entries: Iterable[Entry]) -> list[str]:
    """The files of these changes, each once."""
    return list(dict.fromkeys(entry.path for entry in entries))
