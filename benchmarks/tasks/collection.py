"""Sets of tasks: a folder of Python modules, one a repository, each with the tasks asked in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isolated.area import spread
from isolated.history import build

from tasks.task import GROUPS, Call, Repository, Task

HERE = Path(__file__).resolve().parent


class SetError(Exception):
    """A set is not as it should be; the message says where and what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A task, the repository it is asked in, and that repository's pristine copy."""

    task: Task
    repository: Repository
    pristine: Path


def find(name: str) -> Path:
    """The folder of a set here ("development") or anywhere. Raises `SetError`."""
    for folder in (HERE / name, Path(name)):
        if folder.is_dir() and _modules(folder):
            return folder
    raise SetError(f"There is no set {name}: no folder with Python modules in it.")


def load(folder: Path) -> list[tuple[Repository, Task]]:
    """Every task of a set, by module and in the order of the modules. Raises `SetError`."""
    found: list[tuple[Repository, Task]] = []
    for path in _modules(folder):
        spec = importlib.util.spec_from_file_location(f"_set_{folder.name}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            repository = Repository(
                path.stem,
                tuple(module.COMMITS),
                getattr(module, "UNCOMMITTED", {}),
                getattr(module, "NEEDS", ()),
            )
            found += [(repository, task) for task in module.TASKS]
        except Exception as error:
            raise SetError(f"{path} is no repository with tasks: {error!r}.") from error
    faults = [fault for _, task in found if (fault := _fault(task))]
    ids = [task.id for _, task in found]
    faults += [f"{one}: this id is used twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    if faults:
        raise SetError("; ".join(faults))
    return found


def prepare(tasks: Sequence[tuple[Repository, Task]], folder: Path) -> list[Entry]:
    """Make each repository once, in `folder`."""
    pristine: dict[str, Path] = {}
    for repository, _ in tasks:
        if repository.name not in pristine:
            where = folder / repository.name
            pristine[repository.name] = build(where, repository.commits, repository.uncommitted)
    return [Entry(task, repository, pristine[repository.name]) for repository, task in tasks]


def choose(
    tasks: Sequence[tuple[Repository, Task]],
    groups: Sequence[str] = (),
    ids: Sequence[str] = (),
    limit: int | None = None,
) -> list[tuple[Repository, Task]]:
    """Those of these groups and ids (all, where none is named); a limit picks evenly."""
    kept = [
        (repository, task)
        for repository, task in tasks
        if (not groups or task.group in groups) and (not ids or task.id in ids)
    ]
    return spread(kept, limit)


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _fault(task: Task) -> str:
    if task.group not in GROUPS:
        return f"{task.id}: no group is called {task.group!r}"
    if not task.prompt.strip() or not task.checks:
        return f"{task.id}: a task needs a prompt and a check"
    calls = [step for step in task.solution if isinstance(step, Call)]
    if not task.solution or not isinstance(task.solution[-1], str) or len(calls) != len(task.solution) - 1:
        return f"{task.id}: a solution is calls and, last, an answer"
    return ""
