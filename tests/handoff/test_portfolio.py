# ruff: noqa: E501
"""Tier 1: which projects there are, how they relate, and what one of them reads of it."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.documents.nearness import near
from orchestrator.handoff import portfolio
from orchestrator.handoff.pen import Pencil
from orchestrator.handoff.profile import Profile, plain_address, profile
from orchestrator.handoff.relations import relations
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.workspaces import open_project, remember
from tests.handoff.repositories import git, workspace, write


def told(root: Path, *folders: str) -> dict[str, list[str]]:
    found = relations([profile(root / folder, folder, folder.rpartition("/")[2]) for folder in folders])
    return {folder: [one.fact.line for one in rows] for folder, rows in found.items()}


def test_projects_relate_by_dependency_path_and_mention(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "heron/pyproject.toml": '[project]\nname = "heron-billing"\ndependencies = [\n  "ledger_core",\n  "httpx",\n]\n',
            "ledger/core/pyproject.toml": '[project]\nname = "Ledger.Core"\n',
            "ledger/README.md": "# Ledger\n\nSee `heron` too.\n",
            "tern/package.json": '{"name": "tern", "dependencies": {"x": "file:../gull/lib"}}',
            "gull/lib/index.js": "",
            "kiln/.gitmodules": '[submodule "g"]\n\tpath = deps/glaze\n\turl = git@host.example:me/glaze.git\n',
            "glaze/.git/HEAD": "ref: refs/heads/main\n",
            "glaze/.git/config": '[core]\n[remote "origin"]\n\turl = https://host.example/me/glaze\n',
            "glaze/.git/objects/x": "",
            "glaze/.git/refs/x": "",
            "gull/plugins/feather/README.md": "# Feather\n",
            "notes/README.md": "Work like in Heron, or in ../tern; requests to web and gulls.\n",
            "web/README.md": "# Web\n\nThe web of gull-like things. A ledger is kept. Gull is first. Heron.\n",
        },
    )
    (tmp_path / "web" / "shared").symlink_to("../gull/lib")
    (tmp_path / "web" / "abs").symlink_to(tmp_path / "heron" / "pyproject.toml")
    folders = ["heron", "ledger", "tern", "gull", "kiln", "glaze", "gull/plugins/feather", "notes", "web"]
    assert told(tmp_path, *folders) == {
        "heron": ["needs **ledger**, whose package is `ledger-core` [heron/pyproject.toml:4]"],
        "ledger": ["mentions **heron** [ledger/README.md:3]"],
        "tern": ["leads into **gull** by a path in a manifest [tern/package.json:1]"],
        "kiln": ["has **glaze** as a submodule [kiln/.gitmodules:2]"],
        "gull/plugins/feather": ["lies inside **gull** [gull/plugins/feather/]"],
        "notes": ["mentions **heron** [notes/README.md:1]", "mentions **tern** [notes/README.md:1]"],
        "web": ["leads into **gull** by a link [web/shared]", "leads into **heron** by a link [web/abs]"],
    }


def test_the_strongest_of_several_is_told_and_names_that_two_bear_are_told_by_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/lib/package.json": '{"name": "@x/lib"}',
            "b/lib/package.json": '{"name": "@y/lib"}',
            "app/package.json": '{"name": "app", "dependencies": {"@x/lib": "file:../a/lib"}}',
            "app/README.md": "Uses `lib` and ../b/lib.\n",
        },
    )
    assert told(tmp_path, "a/lib", "b/lib", "app") == {
        "app": ["needs `a/lib/`, whose package is `@x/lib` [app/package.json:1]"]
    }


def test_a_copy_is_told(tmp_path: Path) -> None:
    one = Profile("heron", "heron", "id-1")
    rows = relations([one, Profile("old/heron", "heron", "id-1"), Profile("x", "x"), Profile("y", "y")])
    assert [one.fact.line for one in rows["old/heron"]] == [
        "has the id of `heron/`: one is a copy of the other [old/heron/.orchestrator/project.toml]"
    ]
    assert len(rows) == 1


@pytest.mark.parametrize(
    "url", ["git@h.example:me/x.git", "https://h.example/me/x", "ssh://git@h.example/me/x.git/"]
)
def test_addresses_of_one_repository_are_the_same(url: str) -> None:
    assert plain_address(url) == "h.example/me/x"


def test_moved_deleted_and_new_projects(tmp_path: Path, orch_home: Home) -> None:
    place = tmp_path / "code"
    workspace(place, ["heron", "tern", "gull"])
    projects = {name: open_project(place / name) for name in ("heron", "tern")}
    for project in projects.values():
        remember(project, orch_home)
    shutil.move(place / "heron", place / "birds" / "heron") if (place / "birds").mkdir() is None else None
    shutil.rmtree(place / "tern")
    write(
        place, {"node_modules/x/.git/HEAD": "", ".hidden/y/.git/HEAD": "", "deep/er/than/that/.git/HEAD": ""}
    )
    found, gone = portfolio.members(place, orch_home)
    assert [(one.folder, one.id) for one in found] == [("birds/heron", projects["heron"].id), ("gull", "")]
    assert [one.name for one in gone] == ["tern"]
    text = portfolio.rendered(place, orch_home, None)
    assert "**heron** (`birds/heron/`): Heron: The heron of the house. [birds/heron/README.md:3]" in text
    assert "- **tern** was in `tern/`, which is no longer there" in text


def test_state_is_told_to_people_and_not_to_the_model(tmp_path: Path, orch_home: Home) -> None:
    workspace(tmp_path, ["heron", "tern"])
    git(tmp_path / "tern", "checkout", "-q", "-b", "quota")
    project = open_project(tmp_path / "tern")
    with SqliteJournal.open(orch_home) as journal:
        record = journal.append([Entry("session", {"event": "start"}, project.id, "7f3a" + "0" * 28)])[0]
        assert portfolio.refresh(tmp_path, orch_home, journal) == "created"
        written = (tmp_path / "PORTFOLIO_CONTEXT.md").read_text()
        assert (
            f"  - State: branch `quota` [tern/.git/HEAD], last session {record.wall[:10]} [S7f3a]\n"
            in written
        )
        assert portfolio.refresh(tmp_path, orch_home, journal) == "unchanged"
        read = {tier.name: tier.text for tier in ProjectDocuments(project, journal, orch_home).tiers()}
    assert read["portfolio"].index("**tern**") < read["portfolio"].index("**heron**")
    assert "State" not in read["portfolio"]


def test_a_pencil_writes_nothing(tmp_path: Path, orch_home: Home) -> None:
    workspace(tmp_path, ["heron"])
    pencil = Pencil()
    assert portfolio.refresh(tmp_path, orch_home, None, pen=pencil) == "created"
    assert not (tmp_path / "PORTFOLIO_CONTEXT.md").exists()
    assert any("**heron**" in line for line in pencil.diff())


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)
HUMAN = st.text("xyz \n-*`.é", max_size=60)


@given(
    names=NAMES, before=HUMAN, after=HUMAN, needs=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)))
)
def test_all_projects_and_all_words_are_still_there(
    names: list[str], before: str, after: str, needs: list[tuple[int, int]]
) -> None:
    entries = []
    for number, name in enumerate(names):
        wanted = [names[b] for a, b in needs if a == number and b < len(names) and b != a]
        lines = [f"  - needs **{one}** [{name}/x:1]" for one in dict.fromkeys(wanted)]
        entries.append(
            "\n".join([f"- **{name}** (`{name}/`): it is {name} [{name}/x:1]", *lines, "  - State: x [y]"])
        )
    body = "## Projects\n" + "\n".join(entries)
    text = f"{before}\n<!-- orch:begin projects -->\n{body}\n<!-- orch:end -->\n{after}"
    read = near(text, names[-1])
    found = [line[4] for line in read.splitlines() if line.startswith("- **")]
    assert sorted(found) == sorted(names)
    assert found[0] == names[-1]
    for words in (before, after):
        assert words.strip() in read
    related = {names[b] for a, b in needs if a == len(names) - 1 and b < len(names)}
    related |= {names[a] for a, b in needs if b == len(names) - 1 and a < len(names)}
    assert set(found[1 : 1 + len(related - {names[-1]})]) == related - {names[-1]}


@pytest.mark.parametrize(
    "text", ["", "All by hand.\n- **a** (`a/`)\n", "<!-- orch:begin projects -->\n", "\x00"]
)
def test_what_is_not_ours_is_read_as_it_is(text: str) -> None:
    assert near(text, "a") == text


def test_two_hundred_projects_are_two_hundred_blocks(tmp_path: Path, orch_home: Home) -> None:
    for number in range(200):
        write(tmp_path, {f"p{number % 5}/svc-{number:03}/package.json": f'{{"name": "svc-{number:03}"}}'})
        os.makedirs(tmp_path / f"p{number % 5}/svc-{number:03}/.git")
    write(tmp_path, {"p1/svc-001/package.json": '{"name": "svc-001", "dependencies": {"svc-150": "1"}}'})
    text = portfolio.rendered(tmp_path, orch_home, None)
    assert text.count("\n- **") == 200
    blocks = near(text, "p1/svc-001").split("\n\n")
    assert [block.split("**")[1] for block in blocks[1:3]] == ["svc-001", "svc-150"]
    rest = [block for block in blocks[3:] if block.startswith("- ")]
    assert all("(`p1/" in block for block in rest[:39])
    assert len(rest) == 198
