"""`orch model snapshots` on files that look like snapshots, and `orch warm` where it must refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.models.snapshot import SnapshotStore
from orchestrator.paths import Home
from orchestrator.types import EVERYBODY, Owner
from tests.commands.orch import run, script


@pytest.fixture
def kept(orch_home: Home) -> Home:
    """A base, and two projects of the same name."""
    store = SnapshotStore(orch_home.snapshots, 10**6, "small")

    def write(path: Path) -> bool:
        path.write_bytes(bytes(2000))
        return True

    owners = (EVERYBODY, Owner("a", "/x/heron"), Owner("b", "/y/heron"))
    for number, owner in enumerate(owners):
        store.save("s", owner, [1, 2, 3, number], 2000, write)
    store.wait()
    return orch_home


def test_the_list_names_size_age_and_hits(kept: Home, tmp_path: Path) -> None:
    rows = json.loads(run("model", "snapshots", "list", "--json", cwd=tmp_path).stdout)
    assert {row["name"] for row in rows} == {"small/base", "small/heron", "small/heron#2"}
    assert {row["project"] for row in rows} == {None, "/x/heron", "/y/heron"}
    assert all((row["tokens"], row["hits"]) == (4, 0) and row["bytes"] > 2000 for row in rows)
    shown = run("model", "snapshots", cwd=tmp_path).stdout
    assert "just now" in shown
    assert "of 4.0 GB" in shown


def test_one_is_deleted_by_name_and_all_at_once(kept: Home, tmp_path: Path) -> None:
    assert "1 deleted" in run("model", "snapshots", "rm", "base", cwd=tmp_path).stdout
    wrong = run("model", "snapshots", "rm", "hern", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean small/heron" in wrong.stderr
    assert run("model", "snapshots", "rm", cwd=tmp_path).returncode == 2
    assert "2 deleted" in run("model", "snapshots", "rm", "--all", cwd=tmp_path).stdout
    assert not list(kept.snapshots.glob("*/*"))
    assert "none" in run("model", "snapshots", "list", cwd=tmp_path).stdout


def test_a_model_without_snapshots_cannot_be_warmed(tmp_path: Path) -> None:
    named = script(tmp_path / "script.json", {"answer": "hi"})
    done = run("warm", "--model", named, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "keeps no snapshots" in done.stderr


@pytest.mark.parametrize("where", [("--project", "none"), ("--all", "--project", ".")])
def test_warm_says_what_is_wrong_with_its_arguments(tmp_path: Path, where: tuple[str, ...]) -> None:
    done = run("warm", *where, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_in_the_background_nothing_is_said_and_nothing_written(orch_home: Home, tmp_path: Path) -> None:
    done = run("warm", "--background", cwd=tmp_path, OLLAMA_HOST="127.0.0.1:1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert not list(tmp_path.iterdir())
