"""Runs that came to no answer: what was asked and said is put into the journal, and they are closed."""

from __future__ import annotations

from orchestrator.hub.run_store import RunStore, said
from orchestrator.journal.store import SqliteJournal
from orchestrator.ports import Clock
from orchestrator.remote.run_events import RunEvent
from orchestrator.types import Entry, Record


def close_unfinished(store: RunStore, journal: SqliteJournal, clock: Clock) -> int:
    """End every run that a killed hub left, as interrupted; how many there were.

    Killed in the middle of it, the next start does the rest. Call it before abandoned sessions are closed,
    so that their log entries have what was said.
    """
    rows = store.unfinished()
    for row in rows:
        told = store.events(row.id)
        if not told or told[-1].type != "answer":
            text = said(told)
            record = recorded(
                store,
                journal,
                run=row.id,
                session=row.session,
                device=row.device,
                project=row.project,
                prompt=row.prompt or "",
                text=text,
            )
            answer = answer_event(text, record, journal, len(told) + 1)
            store.event(row.id, answer, record=record and record.id, citation=answer.data["citation"])
            told.append(answer)
        end = RunEvent("end", {"status": "interrupted"}, len(told) + 1)
        store.event(row.id, end, status="interrupted", ended=clock.now_ms(), prompt=None)
    return len(rows)


def answer_event(text: str, record: Record | None, journal: SqliteJournal, number: int) -> RunEvent:
    """What a device is told of an answer that was broken off."""
    citation = journal.cite(record) if record else ""
    return RunEvent("answer", {"text": text, "citation": citation, "interrupted": True, "usage": {}}, number)


def recorded(
    store: RunStore,
    journal: SqliteJournal,
    *,
    run: str,
    session: str,
    device: str,
    project: str,
    prompt: str,
    text: str,
) -> Record | None:
    """The answer as the journal has it, with the question before it; both put there unless they are.

    None where nothing was said. A question that no session got to stands in one of the run's own.
    """
    session = session or run
    newest = journal.records(session=session, kinds=["message"], newest_first=True, limit=1)
    role = (newest[0].body or {}).get("role") if newest else None
    if role == "assistant" and not store.claims(newest[0].id):
        return newest[0]
    states = journal.records(session=session, kinds=["session"], limit=1)
    asker = {"device": device} | ({"copy": True} if states and (states[0].body or {}).get("copy") else {})
    entries = []
    if role != "user":
        entries.append(Entry("message", {"role": "user", "text": prompt, **asker}, project, session))
    if text:
        body = {"role": "assistant", "text": text, "interrupted": True, **asker}
        entries.append(Entry("message", body, project, session))
    made = journal.append(entries)
    return made[-1] if text else None
