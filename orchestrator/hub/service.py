"""The hub as a whole: its parts, and what it does by itself while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from orchestrator.errors import OrchError
from orchestrator.hub.conversations import Conversations, Make
from orchestrator.hub.devices import Devices
from orchestrator.hub.known_projects import KnownProjects
from orchestrator.hub.recovery import close_unfinished
from orchestrator.hub.run_store import RunStore
from orchestrator.hub.runs import Runs
from orchestrator.hub.sqlite import HubDatabase
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.ports import Clock
from orchestrator.sync.engine import SyncEngine

_LOOK_S = 0.5  # how soon a revoked device is noticed
_TIDY_EVERY = 30  # looks


class Hub:
    """Everything but the server."""

    def __init__(
        self,
        home: Home,
        database: HubDatabase,
        journal: SqliteJournal,
        clock: Clock,
        make: Make,
        version: str,
    ) -> None:
        self.version = version
        self.clock = clock
        self.journal = journal
        self.database = database
        self.devices = Devices(database, clock)
        self.projects = KnownProjects(home, journal)
        self.sync = SyncEngine(journal)
        self.pushing = asyncio.Lock()
        store = RunStore(database)
        self.left_behind = close_unfinished(store, journal, clock)
        self.conversations = Conversations(make, clock)
        self.runs = Runs(store, self.conversations, journal, clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers runs and looks after them; at the end all are interrupted and all sessions closed."""
        tasks = [asyncio.create_task(self.runs.work()), asyncio.create_task(self._look_after())]
        try:
            yield
        finally:
            await self.runs.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.conversations.close()

    async def _look_after(self) -> None:
        version, looks = self.database.version, 0
        while True:
            await asyncio.sleep(_LOOK_S)
            looks += 1
            try:
                if (now := self.database.version) != version:
                    version = now
                    await self.let_go()
                if looks % _TIDY_EVERY == 0:
                    await self.runs.keep_house()
                    await self.conversations.close_idle()
            except OrchError as error:
                logging.getLogger(__name__).warning("%s", error)

    async def let_go(self) -> None:
        """End what devices have open that were revoked meanwhile."""
        for device in self.runs.devices:
            if not self.devices.valid(device):
                await self.runs.shut(device)
