"""How far a prefill has come, on stderr: a bar in a terminal, else a line now and then."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from orchestrator.commands.pace import Pace, duration
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_STEP = 20  # per cent between two lines


class TokenBar:
    """Use it as a context; nothing is shown before the first `update`."""

    def __init__(self, title: str) -> None:
        self._title = one_line(title, 40)
        self._pace = Pace()
        self._live: tuple[Progress, TaskID] | None = None
        self._next = _STEP

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live[0].stop()

    def update(self, done: int, total: int, cached: int) -> None:
        left = duration(self._pace.remaining(done, total)) if done < total else ""
        if sys.stderr.isatty():
            self._draw(done, total, cached, left)
        elif total and done * 100 >= self._next * total:
            self._next += _STEP
            print(
                f"{self._title}: {done:,} of {total:,} tokens{', ' if left else ''}{left}",
                file=sys.stderr,
                flush=True,
            )

    def _draw(self, done: int, total: int, cached: int, left: str) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.completed:,}/{task.total:,} tokens"),
                TextColumn("{task.fields[left]}"),
                console=Console(stderr=True),
                transient=True,
            )
            progress.start()
            self._live = progress, progress.add_task(self._title, total=cached + total, left="")
        progress, task = self._live
        progress.update(task, completed=cached + done, total=cached + total, left=left)
