"""Runs a check when files of a project change, and tells when it begins to fail or passes again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from orchestrator.autonomy.outcome import TIMED_OUT, Outcome
from orchestrator.autonomy.rounds import Rounds
from orchestrator.autonomy.tree_state import TreeState, counts, difference

State = Literal["passing", "failing"]
POLL_S = 2.0
"""How often files are looked at where the system cannot tell of changes."""
_LONGEST = 10
"""Times the debounce that one waits for quiet: a file that is written all the time must not keep the check
from running."""


class Checked(Protocol):
    """What runs the check: see `check.Check`."""

    async def run(self, known: tuple[str, ...]) -> tuple[Outcome, str]: ...


@dataclass(frozen=True, slots=True)
class Turned:
    """The check's state is another than before. `changed` are the files that changed since the last run.

    The first state is told only where it is "failing".
    """

    state: State
    outcome: Outcome
    output: str
    changed: tuple[str, ...]

    @property
    def timed_out(self) -> bool:
        return self.outcome.exit_code == TIMED_OUT


class Watcher:
    """`look` reads the project's files; `debounce` is how many seconds must be quiet after a change."""

    def __init__(self, root: Path, check: Checked, look: Callable[[], TreeState], debounce: float) -> None:
        self._root = root
        self._check = check
        self._look = look
        self._debounce = debounce
        self._woken = asyncio.Event()
        self._told = True

    async def watch(self) -> AsyncIterator[Turned]:
        """Endless; ends by cancelling. Raises `VcsError` and `ToolError`."""
        loop = asyncio.get_running_loop()
        with _observed(self._root, lambda: loop.call_soon_threadsafe(self._woken.set)) as told:
            self._told = told
            state: State = "passing"
            rounds, before, changed = Rounds(), await asyncio.to_thread(self._look), frozenset[str]()
            while True:
                again = True
                while again:
                    outcome, output = await self._check.run(tuple(before))
                    now = await asyncio.to_thread(self._look)
                    rounds, again = rounds.ended(difference(before, now))
                    before = now
                turned: State = "failing" if outcome.exit_code else "passing"
                if turned != state:
                    state = turned
                    yield Turned(state, outcome, output, tuple(sorted(changed)))
                before, changed = await self._changed(before)
                rounds = rounds.begun()

    async def _changed(self, before: TreeState) -> tuple[TreeState, frozenset[str]]:
        """Wait until files are other than before, and quiet; the files now, and which those are."""
        while True:
            await self._quiet()
            now = await asyncio.to_thread(self._look)
            if changed := difference(before, now).all:
                return now, changed

    async def _quiet(self) -> None:
        if not self._told:
            await asyncio.sleep(POLL_S)
            return
        await self._woken.wait()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._debounce * _LONGEST
        while self._woken.is_set() and loop.time() < end:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._debounce)
        self._woken.clear()


@contextlib.contextmanager
def _observed(root: Path, wake: Callable[[], object]) -> Iterator[bool]:
    """Call `wake`, from another thread, when something below `root` changes; False: nothing will tell."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in ("opened", "closed_no_write"):
                return
            for place in (event.src_path, event.dest_path):
                path = Path(str(place))
                if place and path.is_relative_to(root) and counts(path.relative_to(root).as_posix()):
                    wake()

    observer, told = Observer(), True
    try:
        observer.schedule(Handler(), str(root), recursive=True)
        observer.start()
    except OSError:  # no inotify watches left
        observer.unschedule_all()
        told = False
    try:
        yield told
    finally:
        with contextlib.suppress(RuntimeError):  # it never started
            observer.stop()
            observer.join()
