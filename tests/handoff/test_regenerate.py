"""The four tiers made anew: any edit by hand, any order of regenerations."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.documents import regions
from orchestrator.errors import DocumentError
from orchestrator.handoff.pen import Pencil
from orchestrator.handoff.regenerate import Wish, regenerate, stale
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.workspaces import open_project
from tests.handoff.conftest import Scene, Steps

NAMES = ("PROJECT_CONTEXT.md", "SESSION_BRIEFING.md", "SESSION_LOG.md")
TIERS = {2: NAMES[0], 3: NAMES[1], 4: NAMES[2]}
human = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60).filter(
    lambda text: "orch:" not in text and "<<<<<<<" not in text and not text.startswith("\ufeff")
)


@contextmanager
def fresh_scene() -> Iterator[Scene]:
    """As the fixture, for each of Hypothesis's examples."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "heron"
        root.mkdir()
        home = Home(Path(folder) / "home")
        with SqliteJournal.open(home, Steps()) as journal:
            yield Scene(open_project(root), home, journal)


def people(scene: Scene) -> dict[str, bytes]:
    """Of each document what stands outside of its regions and of the log's entries."""
    found = {}
    for name in NAMES[:2]:
        path = scene.project.root / name
        if not path.exists():
            continue
        data = path.read_bytes()
        pieces, at = [], 0
        for region in regions.parse(data):
            pieces.append(data[at : region.begin])
            at = region.end
        found[name] = b"|".join([*pieces, data[at:]])
    return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("note"), st.sampled_from(("decision", "lesson", "next", "goal"))),
        st.tuples(st.just("regenerate"), st.sets(st.sampled_from((2, 3, 4)), min_size=1)),
        st.tuples(st.just("write"), st.sampled_from(NAMES[:2]), st.booleans(), human),
        st.tuples(st.just("crlf"), st.sampled_from(NAMES[:2])),
        st.tuples(st.just("no final newline"), st.sampled_from(NAMES[:2])),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.just("session"), human),
    ),
    min_size=3,
    max_size=10,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_what_people_wrote_survives_any_order_of_things(program: list[tuple[str, ...]]) -> None:
    with fresh_scene() as scene:
        sessions = 0
        begin: list[tuple[str, ...]] = [("note", "decision"), ("regenerate", {2, 3, 4})]  # type: ignore[list-item]
        for step, *arguments in [*begin, *program, ("note", "next"), begin[1]]:
            root = scene.project.root
            match step:
                case "note":
                    scene.note(arguments[0], f"said {len(program)}")  # type: ignore[arg-type]
                case "session":
                    sessions += 1
                    scene.start(f"{sessions:032x}")
                    scene.ask(arguments[0])
                    scene.add("session", {"event": "end", "reason": "done"})
                case "delete":
                    (root / arguments[0]).unlink(missing_ok=True)
                case "crlf" if (root / arguments[0]).exists():
                    data = (root / arguments[0]).read_bytes()
                    (root / arguments[0]).write_bytes(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
                case "no final newline" if (root / arguments[0]).exists():
                    data = (root / arguments[0]).read_bytes()
                    (root / arguments[0]).write_bytes(data.rstrip(b"\r\n"))
                case "write" if (root / arguments[0]).exists():
                    name, first, text = arguments
                    data = (root / name).read_bytes()
                    words = text.encode()
                    (root / name).write_bytes(words + b"\n" + data if first else data + words)
                case "regenerate":
                    before = people(scene)
                    regenerate(scene.project, scene.documents, Wish(tuple(arguments[0])))
                    after = people(scene)
                    assert {name: after[name] for name in before} == before
                    twice = Pencil()
                    documents = ProjectDocuments(scene.project, scene.journal, scene.home, pen=twice)
                    regenerate(scene.project, documents, Wish(tuple(arguments[0])))
                    assert twice.changed == []


def test_a_pencil_writes_nothing_and_says_what_would_change(scene: Scene) -> None:
    scene.start()
    scene.ask("Which database?")
    scene.add("session", {"event": "end", "reason": "done"})
    scene.note("decision", "PostgreSQL")
    pencil = Pencil()
    documents = ProjectDocuments(scene.project, scene.journal, scene.home, pen=pencil)
    before = sorted(scene.project.root.iterdir())
    made = regenerate(scene.project, documents, Wish())
    assert [(done.tier, done.state) for done in made] == [(2, "created"), (3, "created"), (4, "updated")]
    assert sorted(scene.project.root.iterdir()) == before
    told = "\n".join(pencil.diff())
    assert "+- PostgreSQL [S7f3a#4, confirmed]" in told
    assert "+1. Which database? [#2]" in told
    regenerate(scene.project, scene.documents, Wish())
    assert "- PostgreSQL [S7f3a#4, confirmed]" in scene.briefing


def test_what_git_moves_by_itself_makes_nothing_stale(scene: Scene) -> None:
    scene.note("decision", "PostgreSQL")
    path = scene.project.root / "SESSION_BRIEFING.md"
    path.write_bytes(
        b"# x\n<!-- orch:begin summary -->\n<!-- orch:end -->\n",
    )
    scene.documents.refresh()

    def look(change: tuple[str, str]) -> list[Path]:
        pencil = Pencil()
        data = path.read_bytes().decode()
        pencil.rewrite(path, (path.parent,), lambda old: data.replace(*change).encode())
        return stale(pencil)

    moved = "Branch `main` at a1b2c3d [a1b2c3d, git status]\n<!-- orch:end -->"
    assert look(("<!-- orch:end -->", moved)) == []
    assert look(("PostgreSQL", "SQLite")) == [path]


def test_a_session_without_an_entry_gets_one_and_those_that_were_taken_out_stay_out(scene: Scene) -> None:
    for number in range(1, 4):
        scene.start(f"{number}" * 32)
        scene.ask(f"question {number}")
        scene.add("session", {"event": "end", "reason": "done"})
        if number == 2:
            assert scene.documents.log.close_all() == 2
            log = scene.project.root / "SESSION_LOG.md"
            first = scene.log.index("## Session S1111")
            log.write_text(scene.log[:first] + scene.log[scene.log.index("## Session S2222") :])
    scene.start("4" * 32)
    scene.ask("it still runs")
    assert scene.documents.log.close_all(running={"4" * 32}) == 1
    assert [f"question {number}" in scene.log for number in (1, 2, 3)] == [False, True, True]
    assert "it still runs" not in scene.log


def test_a_region_edited_by_hand_is_made_anew_on_demand_only(scene: Scene) -> None:
    scene.note("decision", "PostgreSQL")
    scene.documents.refresh()
    path = scene.project.root / "SESSION_BRIEFING.md"
    path.write_text(scene.briefing.replace("PostgreSQL", "MySQL") + "mine\n")
    regenerate(scene.project, scene.documents, Wish((3,)))
    assert "MySQL" in scene.briefing
    regenerate(scene.project, scene.documents, Wish((3,), replace=True))
    assert "MySQL" not in scene.briefing
    assert scene.briefing.endswith("mine\n")


@pytest.mark.parametrize("trouble", ["conflict", "read-only", "link outside", "utf-16"])
def test_a_document_that_cannot_be_merged_is_left_alone(scene: Scene, trouble: str, tmp_path: Path) -> None:
    scene.note("decision", "PostgreSQL")
    scene.documents.refresh()
    scene.note("decision", "another")
    path = scene.project.root / "SESSION_BRIEFING.md"
    if trouble == "conflict":
        path.write_text(scene.briefing + "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other\n")
    elif trouble == "read-only":
        path.chmod(0o444)
    elif trouble == "utf-16":
        path.write_bytes(scene.briefing.encode("utf-16"))
    else:
        outside = tmp_path / "outside.md"
        shutil.move(path, outside)
        path.symlink_to(outside)
    before = path.read_bytes()
    with pytest.raises(DocumentError) as caught:
        regenerate(scene.project, scene.documents, Wish((3,)))
    assert caught.value.remedy
    assert path.read_bytes() == before


def test_a_link_inside_the_project_stays_a_link(scene: Scene) -> None:
    scene.note("decision", "PostgreSQL")
    (scene.project.root / "docs").mkdir()
    (scene.project.root / "docs" / "briefing.md").write_text("mine\n")
    path = scene.project.root / "SESSION_BRIEFING.md"
    path.symlink_to("docs/briefing.md")
    scene.documents.refresh()
    assert os.readlink(path) == "docs/briefing.md"
    assert scene.briefing.startswith("mine\n")
    assert "PostgreSQL" in scene.briefing


def test_what_another_device_learned_is_carried_on_until_its_records_come(
    scene: Scene, tmp_path: Path
) -> None:
    scene.note("goal", "Calls are billed by the second")
    scene.note("decision", "PostgreSQL", because="SQLite locks")
    scene.note("constraint", "No schema change")
    scene.note("next", "add the row lock")
    scene.documents.refresh()
    theirs = scene.briefing
    shutil.copytree(scene.project.root, tmp_path / "clone" / "heron")
    other = Home(tmp_path / "other")
    with SqliteJournal.open(other, Steps()) as journal:
        project = open_project(tmp_path / "clone" / "heron")
        clone = Scene(project, other, journal, session="8b" + "0" * 30)
        assert clone.documents.refresh(create=True) == "unchanged"
        assert clone.briefing == theirs
        clone.note("decision", "Money in cents")
        clone.note("next", "round at the end")
        clone.documents.refresh()
        mine = clone.briefing
        assert "**Goal**: Calls are billed by the second [S7f3a#1, confirmed]" in mine
        assert (
            "- PostgreSQL: SQLite locks [S7f3a#2, confirmed]\n- Money in cents [S8b00#1, confirmed]" in mine
        )
        assert "- No schema change [S7f3a#3, confirmed]" in mine
        assert "**Next step**: round at the end [S8b00#2, confirmed]" in mine
        assert clone.documents.refresh() == "unchanged"
        told = scene.journal.records()[1]
        journal.append([Entry(told.kind, told.body or {}, told.project, told.session)])
        clone.documents.refresh()
        assert clone.briefing.count("PostgreSQL") == 1


def test_where_no_git_and_no_journal_is_nothing_is_made_up(scene: Scene) -> None:
    scene.project = replace(scene.project, name="empty")
    made = regenerate(scene.project, scene.documents, Wish())
    assert [done.state for done in made] == ["created", "created", "unchanged"]
    assert "## " not in scene.briefing
