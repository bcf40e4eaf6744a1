"""What was forgotten is in no document, no prompt history and no snapshot; what people wrote stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commands.orch import run
from tests.handoff.conftest import Scene

SECRET = "the launch code is zanzibarquokka"


@pytest.fixture
def written(scene: Scene) -> Scene:
    """A session that said the secret, its documents written, with words of a person around."""
    from orchestrator.workspaces import remember

    remember(scene.project, scene.home)
    scene.start()
    scene.ask("Where is the quota checked?")
    scene.answer("In quota.py.")
    scene.ask(SECRET)
    scene.add("lesson", {"text": SECRET.upper(), "by": "user", "status": "confirmed"})
    scene.add("session", {"event": "end", "reason": "done"})
    scene.documents.close_session(scene.session, "done")
    return scene


def forget(scene: Scene, *citations: str) -> str:
    done = run("forget", *citations, "--yes", cwd=scene.project.root)
    assert done.returncode == 0, done.stderr
    return done.stderr


def texts(scene: Scene) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in scene.project.root.glob("*.md")}


def test_entry_and_briefing_lose_it_and_keep_the_rest(written: Scene) -> None:
    before = texts(written)
    assert all("zanzibar" in text.lower() for text in before.values())
    assert forget(written, "S7f3a#4", "S7f3a#5") == ""
    after = texts(written)
    assert after.keys() == before.keys()
    assert not any("zanzibar" in text.lower() for text in after.values())
    log = after["SESSION_LOG.md"]
    assert "Where is the quota checked?" in log
    assert f"<!-- orch:session {written.session} -->" in log


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_entry_that_a_person_edited_loses_only_those_lines(written: Scene, newline: str) -> None:
    path = written.project.root / "SESSION_LOG.md"
    edited = path.read_text(encoding="utf-8").replace("### Decisions", "My own words stay.\n\n### Decisions")
    path.write_bytes((edited + "\n## Mine\n\nAfter it.\n").replace("\n", newline).encode())
    forget(written, "S7f3a#4", "S7f3a#5")
    log = path.read_bytes().decode()
    assert "zanzibar" not in log.lower()
    assert "My own words stay." in log
    assert f"## Mine{newline}{newline}After it." in log
    assert (log.count("\r\n") == log.count("\n")) == (newline == "\r\n")


def test_another_session_in_the_same_log_is_left_as_it_is(written: Scene) -> None:
    written.start("8888" + "0" * 28)
    written.ask("An unrelated question")
    written.add("session", {"event": "end", "reason": "done"})
    written.documents.close_session(written.session, "done")
    path = written.project.root / "SESSION_LOG.md"
    second = path.read_bytes().partition(b"-->")[2]
    forget(written, "S7f3a#4", "S7f3a#5")
    assert path.read_bytes().partition(b"-->")[2] == second


def test_what_a_person_wrote_elsewhere_is_told_and_not_touched(written: Scene) -> None:
    path = written.project.root / "SESSION_BRIEFING.md"
    path.write_text(path.read_text(encoding="utf-8") + f"\nNote to self: {SECRET}\n", encoding="utf-8")
    assert "SESSION_BRIEFING.md still holds the text" in forget(written, "S7f3a#4", "S7f3a#5")
    assert f"Note to self: {SECRET}" in path.read_text(encoding="utf-8")


def test_prompt_history_and_newer_snapshots_lose_it(written: Scene) -> None:
    written.home.history.write_text(f"first\n{SECRET}\nlast\n", encoding="utf-8")
    space = written.home.snapshots / "space"
    space.mkdir(parents=True)
    old, new = space / "old.kv", space / "new.kv"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(new, (4e9, 4e9))
    forget(written, "S7f3a#4")
    assert written.home.history.read_text(encoding="utf-8") == "first\nlast\n"
    assert (old.exists(), new.exists()) == (True, False)


def test_a_dry_run_names_copies_and_touches_nothing(written: Scene) -> None:
    written.answer(f"You said: {SECRET}")
    files = {path: path.read_bytes() for path in written.project.root.glob("*.md")}
    done = run("forget", "S7f3a#4", cwd=written.project.root)
    assert done.returncode == 0, done.stderr
    assert "The same text also stands in: S7f3a#7" in done.stdout
    assert files == {path: path.read_bytes() for path in files}


def test_a_project_that_is_gone_is_told(written: Scene, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(written.project.root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run("forget", "S7f3a#4", "--yes", cwd=elsewhere)
    assert done.returncode == 0
    assert "nowhere on this machine" in done.stderr
