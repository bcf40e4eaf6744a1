"""The files of a project for completion: gathered in the background, kept in blocks, soon up to date."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from time import monotonic

from orchestrator.tools import walk
from orchestrator.tui import fuzzy

LIMIT = 200_000
STALE_S = 5.0
_PIECE = 1 << 16


class FileIndex:
    """Paths relative to `root`, with `/` between folders; bytes that are no UTF-8 are surrogates.

    Hidden and ignored files are left out, as ripgrep (`rg`) does; where there is none, a walk over the
    folders does nearly the same. What cannot be read is left out, too.
    """

    def __init__(
        self,
        root: Path,
        *,
        rg: str | None = "rg",
        limit: int = LIMIT,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.root = root
        self.blocks: tuple[str, ...] = ()
        """For `fuzzy.Ranker`: the same object as long as nothing changes."""
        self.count = 0
        self.gathering = False
        self._rg = shutil.which(rg) if rg else None
        self._limit = limit
        self._clock = clock
        self._gathered_at = float("-inf")

    @property
    def gathered(self) -> bool:
        """Whether every file was seen once."""
        return self._gathered_at > float("-inf")

    @property
    def stale(self) -> bool:
        return not self.gathering and self._clock() - self._gathered_at > STALE_S

    async def refresh(self) -> bool:
        """Gather the files anew, if nobody does so already; True when they changed.

        The first time they can be seen as they come, later the old ones stay until all new ones are there.
        """
        if self.gathering:
            return False
        self.gathering = True
        before = self.blocks
        blocks: list[str] = []
        count = 0
        try:
            async with aclosing(self._found()) as parts:
                async for part in parts:
                    part = part[: self._limit - count]
                    blocks.extend(fuzzy.pack(part))
                    count += len(part)
                    if not self.gathered:
                        self.blocks, self.count = tuple(blocks), count
                    if count >= self._limit:
                        break
        finally:
            self.gathering = False
        if tuple(blocks) != self.blocks:
            self.blocks, self.count = tuple(blocks), count
        self._gathered_at = self._clock()
        return self.blocks != before

    def _found(self) -> AsyncGenerator[list[str], None]:
        return self._listed(self._rg) if self._rg else self._walked()

    async def _listed(self, rg: str) -> AsyncGenerator[list[str], None]:
        try:
            process = await asyncio.create_subprocess_exec(
                *(rg, "--no-config", "--no-messages", "--files", "--null"),
                *("--no-follow", "--no-require-git", "--sort=path"),
                cwd=self.root,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return
        assert process.stdout is not None
        rest, paths, ended = b"", list[str](), False
        try:
            while piece := await process.stdout.read(_PIECE):
                *names, rest = (rest + piece).split(b"\0")
                paths += [os.fsdecode(name).replace(os.sep, "/") for name in names]
                while len(paths) >= fuzzy.BLOCK:
                    yield paths[: fuzzy.BLOCK]
                    del paths[: fuzzy.BLOCK]
            ended = True
            if paths:
                yield paths
        finally:
            if not ended:
                with contextlib.suppress(
                    ProcessLookupError
                ):  # `kill` would reap it, and asyncio then complain
                    os.kill(process.pid, signal.SIGTERM)
            await process.wait()

    async def _walked(self) -> AsyncGenerator[list[str], None]:
        paths = walk.project_files(self.root, limit=self._limit)
        while part := await asyncio.to_thread(lambda: list(islice(paths, fuzzy.BLOCK))):
            yield part
