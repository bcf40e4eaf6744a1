from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.documents.plain import flat
from orchestrator.documents.regions import digest, parse
from orchestrator.documents.tiers import TIERS, Tier
from orchestrator.handoff import portfolio
from orchestrator.handoff.document import Document
from orchestrator.handoff.verify import check, of_project
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.vcs import Repository
from orchestrator.workspaces import open_project
from tests.handoff.conftest import Scene

OTHER = "8b" + "0" * 30


def worked(scene: Scene) -> None:
    """Two sessions with something of every kind, in a repository with commits."""
    root = scene.project.root
    scene.git("init", "-q")
    for number in (1, 2):
        (root / f"file{number}.py").write_text("x = 1\n", encoding="utf-8")
        scene.git("add", "-A")
        scene.git("commit", "-qm", f"Commit number {number}")
    scene.start(branch="main", commit=scene.git("rev-parse", "--short", "HEAD"))
    scene.ask("Which database?")
    old = scene.note("decision", "SQLite", because="simple")
    scene.note("decision", "PostgreSQL", because="SQLite locks", rejected="MySQL", supersedes=old.id)
    scene.note("lesson", "Use TZ=UTC", by="model")
    scene.note("blocker", "The rate table is missing", by="model")
    scene.note("dead_end", "mocking the clock", error="it never advances", instead="pass a Clock")
    scene.shell("make deploy", 2)
    scene.shell("pytest -q", 1, "1 failed, 4 passed in 2s")
    (root / "quota.py").write_text("y = 1\n", encoding="utf-8")
    scene.tool("write", {"path": "quota.py"}, changed=["quota.py"], added=1)
    scene.answer("PostgreSQL it is. Because.")
    scene.end()
    scene.start(OTHER)
    scene.ask("Go on")
    scene.note("lesson", "use TZ=UTC", by="model")
    scene.note("next", "add the row lock")
    scene.tool("read", {"path": "quota.py"}, text="y = 1")
    scene.tool("write", {"path": "quota.py"}, changed=["quota.py"], added=2, removed=1)
    scene.answer("Done.")
    scene.end()


def rewritten(scene: Scene, change: Callable[[str], str], *, stamp: bool = True) -> None:
    """The briefing changed by hand; with `stamp` by one who also mends the digest."""
    path = scene.project.root / "SESSION_BRIEFING.md"
    text = change(scene.briefing)
    if stamp:
        (region,) = parse(text.encode())
        text = text.replace(f"sha={region.sha}", f"sha={digest(region.content)}")
    path.write_text(text, encoding="utf-8")


def what(scene: Scene) -> list[tuple[str, str]]:
    return [(one.what, one.citation) for one in scene.check()]


def test_documents_as_they_are_made_are_right_and_stay_so(scene: Scene) -> None:
    worked(scene)
    assert scene.check() == ()
    made = scene.briefing
    scene.git("add", "-A")
    scene.git("commit", "-qm", "Commit number 3")
    told = {(one.what, one.warning) for one in scene.check()}
    assert told == {("outdated", True)}  # what git status said; commits and counts at a commit stay true
    scene.documents.refresh()
    assert scene.briefing != made
    assert scene.check() == ()


def test_each_pair_of_swapped_citations_is_found_twice(scene: Scene) -> None:
    worked(scene)
    made = scene.briefing
    cited = re.compile(r"\[([^\[\]]+)\]$", re.MULTILINE)
    found = list(cited.finditer(made))
    assert len(found) > 12
    for one, other in combinations(found, 2):
        if one[1] == other[1]:
            continue
        swapped = (
            made[: one.start(1)]
            + other[1]
            + made[one.end(1) : other.start(1)]
            + one[1]
            + made[other.end(1) :]
        )
        rewritten(scene, lambda _, text=swapped: text)  # type: ignore[misc]
        lines = {one.number for one in scene.check()}
        both = {made.count("\n", 0, place.start()) + 1 for place in (one, other)}
        assert both <= lines, (one[1], other[1])
        (scene.project.root / "SESSION_BRIEFING.md").write_text(made, encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("[S7f3a#4, confirmed]", "[S7f3a#99, confirmed]", ("dangling", "S7f3a#99")),
        ("[S7f3a#6, claimed]", "[S7f3a#6, confirmed]", ("swapped", "S7f3a#6")),
        ("exit 2 [S7f3a#9", "exit 3 [S7f3a#9", ("swapped", "S7f3a#9")),
        ("The rate table", "No rate table", ("swapped", "S7f3a#6")),
        ("- The rate", "- Not true: The rate", ("swapped", "S7f3a#6")),
        ("missing [S7f3a#6, claimed]", "missing", ("uncited", "")),
        ("Commit number 1", "Commit number 7", ("swapped", "COMMIT")),
    ],
)
def test_a_line_that_its_evidence_does_not_bear_out(
    scene: Scene, old: str, new: str, finding: tuple[str, str]
) -> None:
    worked(scene)
    rewritten(scene, lambda text: text.replace(old, new, 1))
    commit = scene.git("rev-parse", "--short", "HEAD~1")
    assert what(scene) == [(finding[0], finding[1].replace("COMMIT", commit))]
    (found,) = scene.check()
    assert scene.briefing.split("\n")[found.number - 1] == found.line
    assert found.remedy


def test_what_no_longer_holds(scene: Scene) -> None:
    worked(scene)
    head = scene.git("rev-parse", "--short", "HEAD")
    made = scene.briefing
    (scene.project.root / "quota.py").unlink()
    scene.git("reset", "-q", "--hard", "HEAD~1")
    (scene.project.root / "SESSION_BRIEFING.md").write_text(made, encoding="utf-8")
    scene.shell("make deploy", 0)
    scene.shell("pytest -q", 0, "5 passed in 2s")
    blocker = next(note for note in scene.journal.live_notes(scene.project.id) if note.kind == "blocker")
    scene.note("blocker", "The rate table is there", supersedes=blocker.id)
    lesson = next(note for note in scene.journal.live_notes(scene.project.id) if note.kind == "dead_end")
    scene.journal.redact([lesson])
    found = {(one.what, one.citation): one.says for one in scene.check() if not one.warning}
    assert found[("gone", "S8b00#8")] == "`quota.py` is gone."
    assert "rebased away" in found[("stale", head)]
    assert found[("stale", "S7f3a#9")].startswith("Run again since with exit 0")
    assert found[("stale", "S7f3a#6")].startswith("Superseded by S8b00#")
    assert ("forgotten", "S7f3a#7") in found
    assert any(what == "stale" and "S7f3a#11" in cite for what, cite in found)


def test_the_log_is_held_against_its_session_and_its_past_is_not_stale(scene: Scene) -> None:
    worked(scene)
    (scene.project.root / "quota.py").unlink()
    path = scene.project.root / "SESSION_LOG.md"
    assert not [one for one in scene.check() if one.document == path.name]  # it says what happened then
    made = scene.log
    path.write_text(made.replace("changed `quota.py`: +2 −1 [#8", "changed `quota.py`: +2 −1 [#6"), "utf-8")
    (found,) = [one for one in scene.check() if one.document == path.name]
    assert (found.what, found.citation, found.warning) == ("swapped", "#6", False)
    assert scene.log.split("\n")[found.number - 1].strip() == found.line
    path.write_text(made.replace("+2 −1 [#8", "+3 −1 [#8", 1), encoding="utf-8")
    (found,) = [one for one in scene.check() if one.document == path.name]
    assert (found.what, found.citation, found.warning) == ("altered", "#8", True)


def test_another_devices_session_is_told_once_and_its_records_count_when_they_are_here(
    scene: Scene, tmp_path: Path
) -> None:
    worked(scene)
    with SqliteJournal.open(Home(tmp_path / "other")) as theirs:
        entry = Entry("lesson", {"text": "x", "by": "user"}, scene.project.id, "cd" + "0" * 30)
        theirs.append([entry])
    log = scene.log.replace("7f3a" + "0" * 28, "cd" + "0" * 30).replace("Session S7f3a", "Session Scd00")
    (scene.project.root / "SESSION_LOG.md").write_text(log, encoding="utf-8")
    found = [one for one in scene.check() if one.document == "SESSION_LOG.md"]
    assert [(one.what, one.citation) for one in found] == [("dangling", "Scd" + "0" * 30)]


def test_citations_of_the_project_context_are_held_against_the_project(scene: Scene) -> None:
    root = scene.project.root
    (root / "pyproject.toml").write_text('[project]\nname = "heron"\nlicense = "MIT"\n', encoding="utf-8")
    worked(scene)
    scene.git("tag", "v1.0", "HEAD~1")
    scene.documents.refresh_project()
    path = root / "PROJECT_CONTEXT.md"
    made = path.read_text(encoding="utf-8")
    assert scene.check() == ()
    found = list(re.finditer(r"\[([^\[\]]+)\]$", made, re.MULTILINE))
    for one, other in combinations(found, 2):
        if one[1] == other[1]:
            continue
        text = (
            made[: one.start(1)]
            + other[1]
            + made[one.end(1) : other.start(1)]
            + one[1]
            + made[other.end(1) :]
        )
        (region,) = parse(text.encode())
        path.write_text(text.replace(f"sha={region.sha}", f"sha={digest(region.content)}"), encoding="utf-8")
        lines = {finding.number for finding in scene.check()}
        assert {made.count("\n", 0, place.start()) + 1 for place in (one, other)} <= lines, (one[0], other[0])


def test_citations_of_the_portfolio_are_held_against_its_projects(scene: Scene) -> None:
    workspace = scene.project.root.parent
    for name in ("heron", "egret"):
        (workspace / name).mkdir(exist_ok=True)
        (workspace / name / "README.md").write_text(f"# {name}\n\nCounts every {name}.\n", encoding="utf-8")
        subprocess.run(["git", "init", "-q", str(workspace / name)], check=True)
    portfolio.refresh(workspace, scene.home, scene.journal)
    path = workspace / "PORTFOLIO_CONTEXT.md"
    made = path.read_text(encoding="utf-8")
    assert "[egret/README.md:3]" in made
    assert scene.check() == ()
    text = made.replace("egret/README", "x/README").replace("heron/README", "egret/README")
    text = text.replace("x/README", "heron/README")
    (region,) = parse(text.encode())
    path.write_text(text.replace(f"sha={region.sha}", f"sha={digest(region.content)}"), encoding="utf-8")
    assert what(scene) == [("swapped", "heron/README.md:3"), ("swapped", "egret/README.md:3")]
    path.write_text(made, encoding="utf-8")
    (workspace / "egret/README.md").unlink()
    assert what(scene) == [("gone", "egret/README.md:3")]


def test_what_a_note_supersedes_may_not_be_here_yet(scene: Scene) -> None:
    scene.start()
    scene.note("decision", "PostgreSQL", supersedes="Sbeef#3")
    scene.documents.refresh()
    assert "; supersedes Sbeef#3 [S7f3a#2" in scene.briefing
    (found,) = scene.check()
    assert (found.what, found.citation, found.warning) == ("dangling", "Sbeef#3", True)


def test_without_git_and_in_a_shallow_clone_nothing_is_said_to_be_lost(scene: Scene, tmp_path: Path) -> None:
    worked(scene)
    scene.git("add", "-A")
    scene.git("commit", "-qm", "All")
    scene.documents.refresh()
    clone = tmp_path / "clone" / "heron"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", scene.project.root.as_uri(), str(clone)],
        check=True,
        capture_output=True,
    )
    for name in (".orchestrator/project.toml", "SESSION_BRIEFING.md", "quota.py"):
        (clone / name).parent.mkdir(exist_ok=True)
        shutil.copy(scene.project.root / name, clone / name)
    found = of_project(open_project(clone), scene.home)
    assert not [one for one in found if "rebased" in one.says or "is not in this repository" in one.says]
    shutil.rmtree(scene.project.root / ".git")
    assert not [one for one in scene.check() if "rebased" in one.says]


def test_many_lines_are_one_call_of_git(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    worked(scene)
    calls: list[str] = []
    run = Repository.run

    def counted(self: Repository, args: list[str], *more: object, **named: object) -> object:
        calls.append(args[0])
        return run(self, args, *more, **named)  # type: ignore[arg-type]

    commit = scene.git("rev-parse", "--short", "HEAD")
    lines = "".join(f"- `Commit number 2`, {n} [{commit}]\n- x{n} [S7f3a#{n + 1}]\n" for n in range(2500))
    rewritten(scene, lambda text: text.replace("## Newest commits\n", f"## Newest commits\n{lines}"))
    monkeypatch.setattr(Repository, "run", counted)
    scene.documents.tiers()
    assert calls == ["name-rev"]
    found = scene.check()
    assert len(found) >= 5000
    assert len(calls) < 20


TEXT = st.text(max_size=60) | st.sampled_from(
    (
        "[S7f3a#2, verified]",
        "x [a1b2c3d]",
        "; supersedes D1",
        "- None.",
        "## Session S1",
        "-->",
        "`",
        "**Goal**: y",
    )
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(("decision", "lesson", "next", "ask", "answer", "shell")), TEXT), max_size=8
    )
)
def test_whatever_was_recorded_its_documents_are_right(scene: Scene, happened: list[tuple[str, str]]) -> None:
    scene.start(f"{abs(hash(tuple(happened))):032x}"[-32:])
    for kind, text in happened:
        if kind == "ask":
            scene.ask(text)
        elif kind == "answer":
            scene.answer(text)
        elif kind == "shell":
            scene.shell(text, len(text) % 3, text)
        else:
            scene.note(kind, text)  # type: ignore[arg-type]
    scene.end()
    assert [one for one in scene.check() if not one.warning] == []


PIECES = (
    *("- x ", "[S7f3a#2", ", verified]", "[#1]", "\n", "\r\n", "]", "`", "[, ]", "supersedes D0", "\u202e"),
    *("## Session S1\n", "<!-- orch:session 7f3a -->\n", "<!-- orch:begin s -->\n", "<!-- orch:end -->\n"),
    *("[a1b2c3d]", "[../../etc/passwd:3]", "[/dev/tty]", "[S7f3a]", "[a\0b.py]", "[exit 99999999 verified]"),
    "[S" + "f" * 64 + "#9]",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=9), max_size=25), st.sampled_from(TIERS))
def test_hostile_documents_give_findings_and_no_errors(scene: Scene, pieces: list[str], tier: Tier) -> None:
    text = "".join(pieces)
    with scene.documents.sources() as sources:
        document = Document(tier, scene.project.root / tier.filename, text)
        for found in check([document], sources, "heron"):
            json.dumps(found.as_json())
            assert found.line in flat(text.split("\n")[found.number - 1], 400)
