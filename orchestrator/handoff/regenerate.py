"""The four tiers of one project made anew, and what that would change without doing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.documents.nearness import STATE
from orchestrator.documents.tiers import AGENTS, BRIEFING, LOG, PORTFOLIO, PROJECT, decode
from orchestrator.handoff import render
from orchestrator.handoff.pen import Pencil
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.workspaces import Project

TIERS = (1, 2, 3, 4)
State = Literal["created", "updated", "kept", "unchanged"]
Portfolio = Callable[[], str]
"""Writes the workspace's PORTFOLIO_CONTEXT.md; says what it did."""

_EVIDENCE = re.compile(r"\[([^\[\]]+)\]\s*$")
_MOVES = re.compile(r"[0-9a-f]{7,64}|git [a-z-]+|counted in .*|verified|claimed|confirmed")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made anew. `budget` in characters; `replace`: edits inside regions are lost."""

    tiers: Collection[int] = TIERS
    budget: int = render.BRIEFING_CHARS
    replace: bool = False
    agents: bool = False
    """Make the region of AGENTS.md that points to the tiers; where it is, it is kept up to date anyway."""


@dataclass(frozen=True, slots=True)
class Done:
    """One document, and what was done with it."""

    tier: int
    path: Path
    state: str


def regenerate(
    project: Project,
    documents: ProjectDocuments,
    wish: Wish,
    running: Collection[str] = (),
    portfolio: Portfolio | None = None,
) -> list[Done]:
    """Tiers 1–3 from their evidence, and an entry for each session that ended without one.

    `running` are sessions that have not ended. Raises `DocumentError`, `JournalError`.
    """
    made = []
    if 2 in wish.tiers:
        state = documents.refresh_project(replace=wish.replace)
        made.append(Done(2, documents.folder / PROJECT.filename, state))
        pointer = documents.write_agents(create=wish.agents, replace=wish.replace)
        if wish.agents or pointer != "unchanged":
            made.append(Done(2, project.root / AGENTS.filename, pointer))
    if 1 in wish.tiers and portfolio and documents.workspace:  # it says what tier 2 says first
        made.append(Done(1, documents.workspace / PORTFOLIO.filename, portfolio()))
    if 4 in wish.tiers:
        added = documents.log.close_all(running)
        made.append(Done(4, documents.folder / LOG.filename, "updated" if added else "unchanged"))
    if 3 in wish.tiers:
        state = documents.refresh(create=True, budget=wish.budget, replace=wish.replace)
        made.append(Done(3, documents.folder / BRIEFING.filename, state))
    return sorted(made, key=lambda done: done.tier)


def stale(pencil: Pencil) -> list[Path]:
    """Documents that would say something else of records and files.

    What git moves by itself (the current commit, uncommitted files, counts of files) is no reason: a check
    that runs at each commit could never hold otherwise.
    """
    return [path for path in pencil.changed if _said(pencil.before(path)) != _said(pencil.now(path))]


def _said(data: bytes | None) -> Sequence[str]:
    """The lines that rest on a record or a file."""
    found = []
    for line in decode(data or b"").split("\n"):
        evidence = None if line.startswith(STATE) else _EVIDENCE.search(line)
        items = evidence[1].split(", ") if evidence else []
        if any(not _MOVES.fullmatch(item) for item in items):
            found.append(line.strip())
    return found
