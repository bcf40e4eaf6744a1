"""How far a download or a check has come, on stderr: a bar in a terminal, else a line now and then."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_STEP = 10  # per cent between two lines


class Bar:
    """Use it as a context; nothing is shown before the first `update`."""

    def __init__(self, title: str) -> None:
        self._title = one_line(title, 40)
        self._live: tuple[Progress, TaskID] | None = None
        self._terminal = sys.stderr.isatty()
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live[0].stop()

    def update(self, done: int, total: int) -> None:
        if self._terminal:
            self._draw(done, total)
        elif total:
            self._line(done * 100 // total, total)

    def say(self, text: str) -> None:
        """One sentence, above the bar."""
        if self._live:
            self._live[0].console.print(one_line(text), markup=False, highlight=False)
        else:
            print(one_line(text), file=sys.stderr, flush=True)

    def _line(self, percent: int, total: int) -> None:
        if percent + _STEP < self._next:
            self._next = 0  # another step began, such as a download after a check
        if percent >= self._next:
            self._next = percent - percent % _STEP + _STEP
            print(f"{self._title}: {percent} % of {total / 1e6:,.0f} MB", file=sys.stderr, flush=True)

    def _draw(self, done: int, total: int) -> None:
        if self._live is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            progress.start()
            self._live = progress, progress.add_task(self._title, total=total, completed=done)
        progress, task = self._live
        progress.update(task, completed=done, total=total)
