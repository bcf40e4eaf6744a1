"""Runs: asked, queued, answered one after the other, resumed and cancelled.

A run is the hub's and not the connection's: who drops off finds it again. Each event is on disk before it
is told, so a killed hub finds what was said and closes the run as interrupted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Protocol

from orchestrator.errors import HubError, JournalError, OrchError
from orchestrator.events import (
    Answer,
    Event,
    Loading,
    Notice,
    PrefillProgress,
    Serving,
    SessionStart,
    Token,
)
from orchestrator.hub.conversations import Asked, Opened
from orchestrator.hub.fair_queue import FairQueue
from orchestrator.hub.recovery import answer_event, recorded
from orchestrator.hub.run import Run
from orchestrator.hub.run_store import RunRow, RunStore, said
from orchestrator.journal.redact import redact
from orchestrator.journal.redacted_events import RedactedEvents
from orchestrator.journal.store import SqliteJournal
from orchestrator.ports import Clock
from orchestrator.remote.run_events import RunEvent, Status

ORPHAN_MS = 10 * 60 * 1000
"""A run to which nobody has listened for so long is interrupted."""
LONGEST_MS = 30 * 60 * 1000
_FIRST_GUESS_S = 20.0  # of how long an answer takes, until one has ended


class Answers(Protocol):
    """`conversations.Conversations`."""

    def turn(self, asked: Asked) -> AsyncIterator[Event | Opened]: ...

    async def interrupt(self) -> bool: ...


class Runs:
    def __init__(self, store: RunStore, answers: Answers, journal: SqliteJournal, clock: Clock) -> None:
        self._store = store
        self._answers = answers
        self._journal = journal
        self._clock = clock
        self._queue: FairQueue[Run] = FairQueue()
        self._live: dict[str, Run] = {}
        self._wake = asyncio.Event()
        self._playing: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._usual_s = _FIRST_GUESS_S

    # --- asking ---------------------------------------------------------------------------------

    def submit(self, asked: Asked, key: str | None = None) -> Run:
        """A new run, or the one that this device asked for with the same key.

        Raises `HubError`: 409 for a key that was used for another question, 429 where this device has
        enough waiting, 503 where the hub has.
        """
        digest = sha256(json.dumps(asdict(asked)).encode()).digest()
        if key and (row := self._store.by_key(asked.device, key)):
            if row.asked_sha256 != digest:
                raise HubError(
                    "This Idempotency-Key was used for another question.", "Use a new one.", status=409
                )
            return self._live.get(row.id) or self._replayed(row)
        if self._stopping:
            raise HubError("The hub is being stopped.", "Ask again in a moment.", status=503, retry_after=5)
        if (room := self._queue.room(asked.device)) <= 0:
            waits = max(1, round(self._usual_s))
            if room < 0:
                raise HubError("Too many questions wait here.", "Ask later.", status=503, retry_after=waits)
            raise HubError(
                "Too many questions of this device wait.",
                "Let one end, or cancel it.",
                status=429,
                retry_after=waits,
            )
        now = self._clock.now_ms()
        run = Run(uuid.uuid4().hex, asked, now, left=now)
        self._store.add(
            run.id,
            asked.device,
            asked.project,
            redact(asked.prompt)[0],
            key=key,
            asked_sha256=digest,
            now=now,
        )
        self._live[run.id] = run
        self._queue.put(asked.device, run)
        self._tell_positions()
        self._wake.set()
        return run

    def get(self, run: str, device: str) -> Run:
        """A run of this device. Raises `HubError` (404)."""
        live = self._live.get(run)
        if live and live.asked.device == device:
            return live
        if row := self._store.find(run, device):
            return self._replayed(row)
        raise HubError("There is no such run.", "Runs are kept for a day.", status=404)

    async def cancel(self, run: Run) -> None:
        """End it as interrupted with what was said; one that has ended stays as it is."""
        run.cancelled = True
        if self._queue.remove(run.asked.device, run):
            self._end(run, "interrupted")
            self._tell_positions()
        elif run is self._playing and self._task and not await self._answers.interrupt():
            self._task.cancel()  # nothing is answered yet: it loads, or reads documents
        while not run.ended:
            await run.finished()
            if run.shut and not run.ended:
                return

    # --- answering ------------------------------------------------------------------------------

    async def work(self) -> None:
        """Answer what waits, one after the other, until `stop`."""
        while True:
            while (run := self._queue.take()) is None:
                self._wake.clear()
                await self._wake.wait()
            self._tell_positions()
            self._playing = run
            self._task = asyncio.create_task(self._play(run))
            await asyncio.wait({self._task})
            self._playing = self._task = None

    async def stop(self) -> None:
        """End all runs as interrupted, what was said kept; takes no more."""
        self._stopping = True
        for run in [*self._queue.order(), *([self._playing] if self._playing else [])]:
            await self.cancel(run)

    async def keep_house(self) -> None:
        """Interrupt what takes too long or what nobody waits for, and forget what is old."""
        now = self._clock.now_ms()
        for run in list(self._live.values()):
            alone = not run.listeners and now - run.left > ORPHAN_MS
            if not run.ended and (alone or (run.started and now - run.started > LONGEST_MS)):
                await self.cancel(run)
            elif run.unsaved and run.ended and self._saved(run):
                del self._live[run.id]
        self._store.prune(now)

    async def shut(self, device: str) -> None:
        """The device may ask no more: its streams end now, and so do its runs."""
        for run in [run for run in self._live.values() if run.asked.device == device]:
            run.shut = True
            run.ring()
            if not run.ended:
                await self.cancel(run)

    @property
    def devices(self) -> set[str]:
        """Those with runs that have not ended."""
        return {run.asked.device for run in self._live.values()}

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def _play(self, run: Run) -> None:
        run.started = self._clock.now_ms()
        run.status, run.position = "running", 0
        status: Status = "failed"
        leaving = RedactedEvents()
        try:
            try:
                async with aclosing(self._answers.turn(run.asked)) as heard:  # type: ignore[type-var]
                    async for event in heard:
                        for one in [event] if isinstance(event, Opened) else leaving.of(event):
                            self._hear(run, one)
                        if isinstance(event, Answer):
                            status = "interrupted" if event.interrupted else "done"
            finally:
                with suppress(JournalError):  # the disk may be what is full
                    for one in leaving.rest():
                        self._hear(run, one)
        except asyncio.CancelledError:
            status = "interrupted"
        except OrchError as error:
            self._last(run, "error", {"message": error.message, "remedy": error.remedy})
        except Exception:  # one answer must not end the hub
            logging.getLogger(__name__).exception("A run failed unexpectedly.")
            told = {"message": "The hub made a mistake.", "remedy": "Its log says more."}
            self._last(run, "error", told)
        if status == "done":
            self._usual_s += ((self._clock.now_ms() - run.started) / 1000 - self._usual_s) / 4
        self._end(run, status)

    def _hear(self, run: Run, event: Event | Opened) -> None:
        told: dict[str, Any]
        match event:
            case Opened() | SessionStart():
                if isinstance(event, SessionStart) and not run.session:
                    return  # it only opens; `Opened` follows
                run.session, run.model = event.session, event.model  # another one after a rollover
                told = {"run": run.id, "session": event.session, "model": event.model}
                columns = {"status": "running", "session": event.session, "model": event.model}
                self._keep(run, "started", told, **columns)
            case Token():
                self._keep(run, "token", {"text": event.text})
            case Serving() if run.session:
                told = {"model": event.model, "server": event.server, "anew": event.anew}
                self._keep(run, "serving", told, model=event.model)
            case Notice():
                self._keep(run, "notice", {"text": event.text, "level": event.level})
            case PrefillProgress():
                self._pass(run, "prefill", {"done": event.done, "total": event.total, "cached": event.cached})
            case Loading():
                self._pass(run, "loading", {"share": event.share})
            case Answer():
                told = {
                    "text": event.text,
                    "citation": event.citation,
                    "interrupted": event.interrupted,
                    "usage": asdict(event.usage),
                }
                found = self._journal.resolve(event.citation)
                self._keep(run, "answer", told, record=found[0].id, citation=event.citation, prompt=None)
            case _:
                pass

    # --- telling --------------------------------------------------------------------------------

    def _keep(self, run: Run, kind: str, data: dict[str, Any], **columns: object) -> None:
        event = RunEvent(kind, data, len(run.events) + 1)
        self._store.event(run.id, event, **columns)
        run.tell(event)

    def _last(self, run: Run, kind: str, data: dict[str, Any], **columns: object) -> None:
        """As `_keep`, told even where it cannot be kept: the disk may be what is full."""
        try:
            self._keep(run, kind, data, **columns)
        except JournalError:
            run.unsaved = True
            run.tell(RunEvent(kind, data, len(run.events) + 1))

    def _pass(self, run: Run, kind: str, data: dict[str, Any]) -> None:
        run.tell(RunEvent(kind, data))

    def _end(self, run: Run, status: Status) -> None:
        if not run.of_type("answer"):
            self._settle(run, status)
        columns = {"status": status, "ended": self._clock.now_ms(), "prompt": None}
        self._last(run, "end", {"status": status}, **columns)
        run.status = status
        if not run.unsaved:
            self._live.pop(run.id, None)
        run.ring()

    def _settle(self, run: Run, status: Status) -> None:
        """It came to no answer: what was asked and said is recorded, and told as it stands."""
        asked, text = run.asked, said(run.events)
        try:
            record = recorded(
                self._store,
                self._journal,
                run=run.id,
                session=run.session,
                device=asked.device,
                project=asked.project,
                prompt=asked.prompt,
                text=text,
            )
            event = answer_event(text, record, self._journal, 0)
        except JournalError as error:
            self._last(run, "error", {"message": error.message, "remedy": error.remedy})
            return
        if text or status == "interrupted":
            columns = {"record": record and record.id, "citation": event.data["citation"]}
            self._last(run, event.type, event.data, **columns)

    def _saved(self, run: Run) -> bool:
        """Whether the events that could not be kept now are."""
        have = len(self._store.events(run.id))
        try:
            for event in run.events[have:]:
                ended = event.type == "end"
                columns = (
                    {"status": run.status, "ended": self._clock.now_ms(), "prompt": None} if ended else {}
                )
                self._store.event(run.id, event, **columns)
        except JournalError:
            return False
        return True

    def _tell_positions(self) -> None:
        for place, run in enumerate(self._queue.order(), 1):
            if run.position != place:
                run.position = place
                self._pass(run, "queued", {"position": place})

    def _replayed(self, row: RunRow) -> Run:
        asked = Asked(row.device, row.project, "")
        run = Run(row.id, asked, row.created, session=row.session, model=row.model)
        run.status = row.status  # type: ignore[assignment]
        run.events = self._store.events(row.id)
        if row.ended is not None and not run.events:  # its pieces are forgotten; the journal has the answer
            found = self._journal.by_id_prefix(row.record, 1) if row.record else []
            text = str((found[0].body or {}).get("text", "")) if found else ""
            told = {"text": text, "citation": row.citation, "interrupted": row.status != "done", "usage": {}}
            run.events = [RunEvent("answer", told, 1), RunEvent("end", {"status": row.status}, 2)]
        return run
