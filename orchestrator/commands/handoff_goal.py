"""`orch handoff GOAL`: the briefing for a goal, as a draft that a person takes, edits or leaves."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.commands.handoff_desk import Desk, tell
from orchestrator.errors import UsageError
from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.handoff.draft import Edited
    from orchestrator.workspaces import Project


def for_goal(desk: Desk, place: Project, goal: str, *, edit: bool, yes: bool, as_json: bool) -> None:
    """Show the briefing for a goal, or take it: the goal is recorded and the documents follow."""
    from orchestrator.handoff import draft, evidence

    documents = desk.documents(place)
    facts = draft.for_goal(documents.briefing_facts(most=evidence.GOAL_NOTES), goal)
    text = draft.text_of(documents.rendered(facts, desk.wish.budget))
    if not (edit or yes):
        typer.echo(json.dumps({"goal": goal, "draft": text}) if as_json else plain(text), nl=as_json)
        typer.echo("Nothing is written: --yes takes it, --edit opens it in your editor first.", err=True)
        return
    change = draft.Edited()
    if edit:
        saved = _in_editor(text)
        if not saved.strip():
            typer.echo("The draft was emptied: nothing is written.", err=True)
            return
        change = draft.compared(text, saved)
    _record_goal(desk, place, goal, change)
    if change.added:
        documents.add_below(f"For the goal: {goal}", change.added)
    tell(desk, {str(place.root): desk.regenerate(place, desk.wish)}, as_json)


def _record_goal(desk: Desk, place: Project, goal: str, change: Edited) -> None:
    """As a note of the user's, unless it is the goal already."""
    import secrets

    from orchestrator.handoff.selection import WITHOUT
    from orchestrator.types import Entry

    goals = [note for note in desk.journal.live_notes(place.id) if note.kind == "goal"]
    now = (goals[-1].body or {}) if goals else {}
    same = now.get("text") == goal
    if same and not change.without:
        return
    without = [*(now.get(WITHOUT, []) if same else []), *change.without]
    body = {"text": goal, "by": "user", "status": "confirmed", **({WITHOUT: without} if without else {})}
    entry = Entry("goal", body, place.id, secrets.token_hex(16))
    desk.journal.append([entry])


def _in_editor(text: str) -> str:
    """What a person makes of the text in their own editor."""
    import tempfile

    program = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not program and not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal for an editor, and EDITOR is not set.", "Use --yes, or set it."
        )
    program = program or ("notepad" if os.name == "nt" else "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "SESSION_BRIEFING.md"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(program), str(path)], check=False)
            if done.returncode:
                raise UsageError(f"{program} ended with {done.returncode}: nothing is written.", "Try again.")
            return path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{program} cannot be started: {error}.", "Set EDITOR to your editor."
            ) from error
