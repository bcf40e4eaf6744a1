"""The tables of recall, as one migration of the journal's. `index` says what stands in them."""

from __future__ import annotations

MIGRATION: tuple[str, ...] = (
    """CREATE VIRTUAL TABLE recall_index USING fts5(
        words, content='', columnsize=0, detail=none, tokenize='porter ascii'
    )""",
    """CREATE TABLE recall_projects (
        number INTEGER PRIMARY KEY, project TEXT NOT NULL UNIQUE,
        turns INTEGER NOT NULL, words INTEGER NOT NULL
    )""",
    # `number` has the project's in its upper bits; a session of very many turns has several rows.
    """CREATE TABLE recall_sessions (
        number INTEGER PRIMARY KEY, project INTEGER NOT NULL, session TEXT NOT NULL, turns INTEGER NOT NULL
    )""",
    "CREATE INDEX recall_by_session ON recall_sessions (session, project)",
    """CREATE TABLE recall_turns (
        turn INTEGER PRIMARY KEY, arrival INTEGER NOT NULL, words INTEGER NOT NULL, at_ms INTEGER NOT NULL
    )""",
    # What was imported, by its entity: also what was forgotten since, so that it does not come back.
    "CREATE TABLE imported (entity TEXT PRIMARY KEY, arrival INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('recall_through', '0'), ('recall_words', '')",
)
