"""AGENTS.md: a region that points other tools to the four tiers, and the human text around it."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.documents.tiers import AGENTS, BRIEFING, LOG, PORTFOLIO, PROJECT
from orchestrator.handoff import templates
from orchestrator.handoff.templates import Templates

_SAYS = {
    PORTFOLIO: "which projects there are in this workspace, and how they relate",
    PROJECT: "what this project is, how it is built and tested, where things are",
    BRIEFING: "where work stands: decisions, dead ends, the next step",
    LOG: "what each session did, newest last",
}


def rendered(root: Path, name: str, workspace: Path | None, own: Templates) -> str:
    """The whole AGENTS.md as it would be made anew, its one region marked."""
    documents = []
    for tier, says in _SAYS.items():
        place = (
            Path(os.path.relpath(workspace, root)) / tier.filename
            if tier is PORTFOLIO and workspace
            else None
        )
        if place or tier is not PORTFOLIO or (root / tier.filename).is_file():
            documents.append({"path": (place or Path(tier.filename)).as_posix(), "says": says})
    return own.render(templates.AGENTS, {"name": name, "file": AGENTS.filename, "documents": documents})
