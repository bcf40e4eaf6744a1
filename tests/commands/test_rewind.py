"""Going back, through the real wiring: an open session with a scripted model, and `orch rewind`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator import wiring
from orchestrator.agent.approval import Always
from orchestrator.agent.slash import Back, Said, handle
from orchestrator.errors import UsageError
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.paths import Home
from orchestrator.types import Mode
from tests.commands.orch import events, run, script

EDIT = {
    "tool": "edit",
    "arguments": {"path": "quota.py", "old": "account < amount", "new": "account <= amount"},
}
WRITE = {"tool": "write", "arguments": {"path": "notes.txt", "content": "hello\n"}}
SEEN = {"tool": "read", "arguments": {"path": "quota.py"}}


@pytest.fixture
def heron(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    folder.mkdir()
    (folder / "quota.py").write_text("if account < amount:\n    pass\n")
    return folder


def test_a_session_goes_on_from_before_the_turn(heron: Path, tmp_path: Path, orch_home: Home) -> None:
    async def story() -> None:
        name = script(
            tmp_path / "steps.json",
            SEEN,
            {"answer": "A guard."},
            EDIT,
            {"answer": "Done."},
            {"answer": "Again."},
        )
        options = wiring.Options(project=heron, model=name, mode=Mode.WORKSPACE)
        async with wiring.desktop(options, Always()) as made:
            session = made.session
            backend = session._parts.backend
            assert isinstance(backend, ScriptedBackend)
            _ = [event async for event in session.open()]
            for prompt in ("what is it?", "use <= there"):
                _ = [event async for event in session.turn(prompt)]
            assert "<=" in (heron / "quota.py").read_text()
            listed = handle("/rewind", session)
            assert isinstance(listed, Said)
            assert [line.split()[0] for line in listed.text.splitlines()[:2]] == ["1", "2"]
            assert "use <= there  [changed quota.py]" in listed.text
            shown = handle("/rewind 1 diff", session)
            assert isinstance(shown, Said)
            assert "-if account <= amount:\n+if account < amount:" in shown.text
            assert "<=" in (heron / "quota.py").read_text(), "a look changes nothing"
            went = handle("/rewind 1", session)
            assert isinstance(went, Back)
            assert went.prompt == "use <= there"
            assert "restored quota.py" in went.text
            assert (heron / "quota.py").read_text() == "if account < amount:\n    pass\n"
            before = backend.requests[1].messages
            _ = [event async for event in session.turn("and now?")]
            assert backend.requests[-1].messages[: len(before)] == before, "the prefix is cut, not rewritten"
            assert [message.text for message in backend.requests[-1].messages[len(before) :]][1:] == [
                "and now?"
            ]
            with pytest.raises(UsageError, match="no point"):
                handle("/rewind S0000#1", session)
            await session.close("done")

    asyncio.run(story())
    log = (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "what is it?" in log
    assert "and now?" in log
    assert "use <= there" not in log, "what was rewound is no part of the handoff"
    kinds = [one["kind"] for one in map(json.loads, orch_home.memory_log.read_text().splitlines())]
    assert "tombstone" in kinds, "and yet every record is there"


def asked(heron: Path, tmp_path: Path, *steps: dict[str, Any]) -> None:
    name = script(tmp_path / "steps.json", *steps)
    done = run("ask", "do it", "--model", name, "--mode", "workspace", cwd=heron)
    assert done.returncode == 0, done.stderr


def test_the_command_lists_shows_asks_and_restores(heron: Path, tmp_path: Path) -> None:
    asked(heron, tmp_path, SEEN, EDIT, WRITE, {"answer": "Changed the guard."})
    assert "Changed the guard" in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    (point,) = events(run("rewind", "--json", cwd=heron).stdout)
    assert point["files"] == ["quota.py", "notes.txt"]
    assert "do it" in run("rewind", "--list", cwd=heron).stdout
    shown = events(run("rewind", point["id"], "--diff", "--json", cwd=heron).stdout)[0]
    assert {row["path"] for row in shown["restores"]} == {"quota.py", "notes.txt"}
    unasked = run("rewind", point["id"], cwd=heron)
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert (heron / "notes.txt").exists()

    (heron / "notes.txt").write_text("mine\n")
    (went,) = events(run("rewind", point["id"], "--yes", "--json", cwd=heron).stdout)
    assert went["restored"] == ["quota.py"]
    assert went["left"] == [{"path": "notes.txt", "why": "you changed it since"}]
    assert (heron / "quota.py").read_text() == "if account < amount:\n    pass\n"
    assert (heron / "notes.txt").read_text() == "mine\n"
    assert "Changed the guard" not in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    assert "Changed the guard" not in (heron / "SESSION_BRIEFING.md").read_text(encoding="utf-8")
    assert "guard" not in run("recall", "what about the guard that changed", cwd=heron).stdout

    back, rest = events(run("rewind", "--json", cwd=heron).stdout)
    assert back["id"].startswith("R")
    assert rest["id"] == point["id"], "its files are not all as they were"
    assert run("rewind", rest["id"], "--yes", "--overwrite", cwd=heron).returncode == 0
    assert not (heron / "notes.txt").exists()
    ids = [one["id"] for one in events(run("rewind", "--json", cwd=heron).stdout)]
    assert point["id"] not in ids
    assert run("rewind", back["id"], "--yes", cwd=heron).returncode == 0
    assert (heron / "notes.txt").read_text() == "mine\n", "what was overwritten was kept"
    assert "<=" in (heron / "quota.py").read_text(), "going back can be taken back"


def test_files_or_conversation_alone(heron: Path, tmp_path: Path) -> None:
    asked(heron, tmp_path, WRITE, {"answer": "Written."})
    point = events(run("rewind", "--json", cwd=heron).stdout)[0]["id"]
    assert run("rewind", point, "--files-only", "--yes", cwd=heron).returncode == 0
    assert not (heron / "notes.txt").exists()
    assert "Written." in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")
    asked(heron, tmp_path, WRITE, {"answer": "Once more."})
    point = events(run("rewind", "--json", cwd=heron).stdout)[0]["id"]
    assert run("rewind", point, "--conversation-only", "--yes", cwd=heron).returncode == 0
    assert (heron / "notes.txt").exists()
    assert "Once more." not in (heron / "SESSION_LOG.md").read_text(encoding="utf-8")


def test_what_cannot_be_is_said(heron: Path, tmp_path: Path) -> None:
    for args, said in (
        (("rewind",), "no project"),
        (("rewind", "1", "--files-only", "--conversation-only"), "exclude"),
    ):
        done = run(*args, cwd=heron)
        assert done.returncode == 2
        assert said in done.stderr
    asked(heron, tmp_path, {"answer": "Nothing."})
    done = run("rewind", "S1#99", "--yes", cwd=heron)
    assert done.returncode == 2
    assert "no point" in done.stderr
