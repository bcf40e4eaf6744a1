"""Tiers 3 and 4 of a project with a history of its own. The expected documents are renewed with
`--snapshot-update`, and read by a person before they are committed."""

import re
import time
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from orchestrator.handoff import render
from tests.handoff.conftest import Scene
from tests.handoff.test_git_state import commit, git


class Markdown(SingleFileSnapshotExtension):
    _file_extension = "md"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def heron(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Three sessions, commits between them, and work that is open."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    root = scene.project.root
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".orchestrator\n*.md\n")
    first = commit(root, "utils/quota.py", "Quota by account", 0)

    scene.start("7f3a" + "1" * 28, branch="main", commit=first)
    scene.note("goal", "Calls are billed by the second, with a hard quota per account")
    scene.note("constraint", "No schema change before the freeze on Friday")
    sqlite = scene.note("decision", "SQLite", because="it is there")
    scene.ask("Where is the quota enforced?")
    scene.tool("search", {"pattern": "charge"}, text="utils/quota.py:7")
    scene.note("lesson", "pytest needs TZ=UTC, or test_midnight fails", by="model")
    scene.answer("Only in `charge`. Nothing else touches it.")
    scene.end()

    commit(root, "utils/quota.py", "Charge refuses at zero", 1)
    scene.start("8b1c" + "2" * 28, branch="main", commit=first)
    because, rejected = "SQLite locked under three writers", ["SQLite with a queue", "MySQL"]
    scene.note("decision", "PostgreSQL", because=because, rejected=rejected, supersedes=sqlite.id)
    scene.note("decision", "Money in integer cents")
    instead = "a row lock"
    scene.note("dead_end", "Redis as the quota counter", error="lost 14 increments", instead=instead)
    scene.note("lesson", "pytest needs TZ=UTC, or test_midnight fails", by="model")
    scene.ask("Migrate the rates, please.\nThey are in rates.csv.")
    scene.shell("psql -f rates.sql", 2, "FATAL: database heron does not exist\n")
    scene.end("interrupted")

    commit(root, "rates.py", "Rates of Portugal", 2)
    git(root, "switch", "-qc", "quota")
    last = commit(root, "tests/test_quota.py", "A test for zero", 3)
    scene.start("9d2e" + "3" * 28, branch="quota", commit=last)
    scene.note("blocker", "Rate table for Portugal is missing; asked Ines", by="model")
    scene.ask("Make charge refuse at zero")
    scene.tool("edit", {"path": "utils/quota.py"}, changed=["utils/quota.py"], added=12, removed=1)
    scene.shell("pytest -q tests/test_quota.py", 1, "1 failed, 41 passed in 2.1s\n")
    scene.shell("ruff check", 0, "All checks passed!\n")
    scene.answer("`charge` compares with <= now, but one test still fails.")
    scene.note("next", "make `charge` refuse at zero, then run `pytest tests/test_quota.py`")
    (root / "utils" / "quota.py").write_text("changed\n")
    scene.end()
    return scene


def settled(text: str) -> str:
    """Without what is another each time: a record's id, which a salt is in."""
    text = re.sub(r"supersedes [0-9a-f]{12}", "supersedes 0123456789ab", text)
    return re.sub(r"sha=[0-9a-f]{8}", "sha=01234567", text)


def test_the_briefing_and_the_log(heron: Scene, snapshot: SnapshotAssertion) -> None:
    assert settled(heron.briefing) == snapshot(name="briefing", extension_class=Markdown)
    assert settled(heron.log) == snapshot(name="log", extension_class=Markdown)
    assert heron.documents.refresh() == "unchanged"


def test_a_short_briefing_keeps_what_matters_most(heron: Scene, snapshot: SnapshotAssertion) -> None:
    heron.documents.refresh(budget=400 * render.CHARS_PER_TOKEN)
    assert len(heron.briefing) <= 400 * render.CHARS_PER_TOKEN
    assert settled(heron.briefing) == snapshot(extension_class=Markdown)


def test_every_line_can_be_opened(heron: Scene) -> None:
    root: Path = heron.project.root
    items = [line for line in heron.briefing.splitlines() if line.startswith(("- ", "**"))]
    assert len(items) > 12
    for line in items:
        evidence = re.search(r"\[([^\[\]]+)\]$", line)
        assert evidence, line
        for cite in evidence[1].split(", "):
            if cite.startswith("S"):
                assert heron.journal.resolve(cite)
            elif re.fullmatch(r"[0-9a-f]{7,}", cite):
                git(root, "cat-file", "-e", cite)
            else:
                assert cite in ("verified", "claimed", "confirmed", "git status"), line
