"""The sessions of a project, as the journal knows them: for lists, one indexed query a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.journal import citations
from orchestrator.journal.reader import JournalReader

TITLE_CHARS = 200

_FOUND = """ AND EXISTS (
    SELECT 1 FROM records AS said WHERE said.session = start.session AND said.kind = 'message'
{each})"""
_WORD = " AND json_extract(said.body, '$.text') LIKE ? ESCAPE '\\'"

_PAGE = """
WITH page AS MATERIALIZED (
    SELECT session, wall, ts_ms, ts_ctr, dev, json_extract(body, '$.model') AS model
    FROM records AS start INDEXED BY by_project_kind
    WHERE project = ? AND kind = 'session' AND json_extract(body, '$.event') = 'start'
    AND json_extract(body, '$.copy') IS NULL{found}
    ORDER BY ts_ms DESC, ts_ctr DESC, dev DESC LIMIT ?)
SELECT session, wall, model,
    (SELECT json_extract(body, '$.reason') FROM records INDEXED BY by_life
     WHERE session = page.session AND kind = 'session' AND json_extract(body, '$.event') = 'end'
     ORDER BY ts_ms DESC, ts_ctr DESC, dev DESC LIMIT 1),
    (SELECT count(*) FROM records INDEXED BY by_role
     WHERE session = page.session AND kind = 'message' AND json_extract(body, '$.role') = 'user'),
    (SELECT substr(json_extract(body, '$.text'), 1, ?) FROM records INDEXED BY by_role
     WHERE session = page.session AND kind = 'message' AND json_extract(body, '$.role') = 'user'
     ORDER BY ordinal LIMIT 1),
    (SELECT max(session) FROM sessions WHERE session < page.session),
    (SELECT min(session) FROM sessions WHERE session > page.session)
FROM page ORDER BY ts_ms DESC, ts_ctr DESC, dev DESC"""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session. `started` is ISO 8601 with offset; `ended` says why, empty while it runs.

    `title` is the beginning of its first prompt, empty when it has none.
    """

    id: str
    citation: str
    started: str
    ended: str
    model: str
    prompts: int
    title: str


def sessions(
    journal: JournalReader, project: str, *, search: str = "", limit: int = 200
) -> list[SessionSummary]:
    """The project's newest `limit` sessions, newest first. Raises `JournalError`.

    `search` keeps those of which a single prompt or answer holds every word of it (case counts
    beyond ASCII only).
    """
    query, values = page_query(project, search, limit)
    found: dict[str, SessionSummary] = {}
    for row in journal.rows(query, values):
        found.setdefault(row[0], _summary(*row))  # a peer may have sent a second start
    return list(found.values())


def page_query(project: str, search: str, limit: int) -> tuple[str, tuple[object, ...]]:
    """The one statement that a page takes, and its values."""
    words = search.split()
    found = _FOUND.format(each=_WORD * len(words)) if words else ""
    patterns = (f"%{_literal(word)}%" for word in words)
    return _PAGE.format(found=found), (project, *patterns, max(limit, 0), TITLE_CHARS)


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _summary(
    session: str, wall: str, model: Any, ended: Any, prompts: int, title: Any, before: Any, behind: Any
) -> SessionSummary:
    prefix = citations.shortest_prefix(session, tuple(filter(None, (before, behind))))
    return SessionSummary(
        session, citations.form(prefix), wall, str(ended or ""), str(model or ""), prompts, str(title or "")
    )
