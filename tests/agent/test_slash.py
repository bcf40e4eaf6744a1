"""The `/` commands: what they do to a session, and what they say when they cannot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.agent.session import Session
from orchestrator.agent.slash import COMMANDS, Fresh, Leave, Said, handle
from orchestrator.errors import UsageError
from orchestrator.types import Mode


class Notes:
    """The part of a session that the note commands touch."""

    def __init__(self) -> None:
        self.taken: list[tuple[object, ...]] = []
        self.gate = SimpleNamespace(mode=Mode.ASK)
        self.model = "small"
        self.notes = self

    def add(self, kind: str, text: str, because: str = "", *, more: dict[str, str]) -> str:
        self.taken.append((kind, text, because, more))
        return "S1a2b#1"

    def confirm(self, citation: str) -> str:
        self.taken.append(("confirm", citation))
        return "S1a2b#2"


def run(line: str, notes: Notes | None = None) -> Any:
    return handle(line, cast(Session, notes or Notes()))


def test_a_decision_is_noted_with_its_reason() -> None:
    notes = Notes()
    assert run("/decide use PostgreSQL because SQLite locks", notes) == Said("noted: decision [S1a2b#1]")
    run("/decide use cents because floats were rejected; rejected: floats; supersedes [D2]", notes)
    assert run("/confirm [S7f3a#3]", notes) == Said("confirmed: [S1a2b#2]")
    assert notes.taken == [
        ("decision", "use PostgreSQL", "SQLite locks", {}),
        ("decision", "use cents", "floats were rejected", {"rejected": "floats", "supersedes": "D2"}),
        ("confirm", "S7f3a#3"),
    ]


@pytest.mark.parametrize("line", ["/decide", "/decide  "])
def test_a_note_without_text_names_the_command_as_typed(line: str) -> None:
    notes = Notes()
    with pytest.raises(UsageError, match="/decide needs its text"):
        run(line, notes)
    assert notes.taken == []


def test_a_typing_mistake_names_the_nearest_command() -> None:
    with pytest.raises(UsageError, match="Did you mean /decide"):
        run("/decde x")


def test_the_mode_is_shown_and_set() -> None:
    notes = Notes()
    assert run("/mode", notes) == Said("mode: ask")
    assert run("/mode workspace", notes) == Said("mode: workspace")
    with pytest.raises(UsageError, match="read-only, ask, workspace"):
        run("/mode everything", notes)
    assert notes.gate.mode is Mode.WORKSPACE


def test_wishes_are_left_to_the_front_end() -> None:
    assert run("/quit") == Leave()
    assert run("/new") == Fresh()
    assert run("/model big") == Fresh("big")
    assert run("/model") == Said("model: small")


def test_help_lists_every_command() -> None:
    said = run("/help").text
    assert all(f"/{name}" in said for name in COMMANDS)
