"""Going back: what tools and commands changed is as it was, what a person changed is left."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.checkpoints.commands import Watched
from orchestrator.checkpoints.plan import BETWEEN, CHANGED, FOREIGN, UNKEPT, Plan, since
from orchestrator.checkpoints.restore import Restored, planned, restore
from orchestrator.checkpoints.store import Checkpoints, Limits
from orchestrator.config import ToolSettings
from orchestrator.tools.sandbox import NoSandbox
from orchestrator.tools.toolbox import Toolbox
from orchestrator.types import ToolCall, ToolResult

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")


class Here:
    """A project with its real tools. `go(point)` is what a person does."""

    def __init__(self, root: Path, **limits: int) -> None:
        self.root = root
        self.tools = Toolbox(
            root,
            sandbox=NoSandbox("not here"),
            settings=ToolSettings(**limits),  # type: ignore[arg-type]
            notes=lambda call: "",
            checkpoints=root / ".orchestrator" / "checkpoints",
        )
        self.store = self.tools.checkpoints

    def call(self, point: str, name: str, **arguments: Any) -> ToolResult:
        self.store.begin("s", point)
        return asyncio.run(self.tools.run(ToolCall(name, arguments), lambda piece: None))

    def plan(self, *points: str) -> Plan:
        return planned(self.store, since(self.store.entries(), points))

    def go(self, point: str, *later: str, overwrite: bool = False, name: str = "back") -> Restored:
        wanted = self.plan(point, *later)
        self.store.begin("s", name)
        return restore(self.store, wanted, f"rewind to {point}", overwrite=overwrite)

    def git(self, *args: str) -> None:
        subprocess.run(["git", *IDENTITY, *args], cwd=self.root, check=True, capture_output=True)

    def tree(self) -> dict[str, tuple[str, int, bytes]]:
        """Everything that is there: kind, permissions, content."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = Path(folder, name)
                shown = path.relative_to(self.root).as_posix()
                if shown.startswith((".orchestrator/", ".git/")):
                    continue
                if path.is_symlink():
                    found[shown] = ("link", 0, os.readlink(path).encode())
                else:
                    found[shown] = ("file", path.stat().st_mode & 0o777, path.read_bytes())
        return found


@pytest.fixture
def here(tmp_path: Path) -> Here:
    root = tmp_path / "heron"
    root.mkdir()
    return Here(root)


EVERYTHING = """
printf 'new\\n' > made.txt; mkdir -p deep/er; printf 'x' > deep/er/one
rm gone.txt; printf '\\0\\1\\2' > data.bin; chmod 755 run.sh; chmod 600 plain.txt
rm link; ln -s /etc/passwd link; ln -s plain.txt other
mv moved.txt moved_to.txt; printf 'more\\n' >> dirty.txt; rm -r folder; printf 'a file now' > folder
"""


@pytest.mark.parametrize("with_git", [True, False])
def test_whatever_a_command_did_is_undone_and_done_again(here: Here, with_git: bool) -> None:
    (here.root / "folder").mkdir()
    for name in ("gone.txt", "run.sh", "plain.txt", "moved.txt", "dirty.txt", "folder/in.txt"):
        (here.root / name).write_text(f"{name}\n")
    (here.root / "data.bin").write_bytes(b"\0\xff" * 500)
    (here.root / "link").symlink_to("plain.txt")
    if with_git:
        here.git("init")
        here.git("add", "-A")
        here.git("commit", "-m", "all")
    (here.root / "dirty.txt").write_text("not committed\n")
    (here.root / "untracked.txt").write_text("not known to git\n")
    before = here.tree()
    result = here.call("p1", "shell", command=EVERYTHING + "printf x > untracked.txt")
    assert result.exit_code == 0, result.text
    assert {"gone.txt", "link", "folder", "folder/in.txt", "untracked.txt"} <= set(result.changed)
    after = here.tree()
    went = here.go("p1")
    assert went.left == ()
    assert here.tree() == before
    assert not (here.root / "deep").exists(), "folders that were made for it are gone"
    assert here.go("back", name="again").left == ()
    assert here.tree() == after, "going back is a change, which can be taken back"


def test_a_switched_branch_comes_back_from_git_objects(here: Here) -> None:
    here.git("init")
    (here.root / "a.txt").write_text("main\n")
    here.git("add", "-A")
    here.git("commit", "-m", "one")
    here.git("checkout", "-b", "other")
    (here.root / "a.txt").write_text("other\n")
    (here.root / "b.txt").write_text("only here\n")
    here.git("add", "-A")
    here.git("commit", "-m", "two")
    before = here.tree()
    assert here.call("p1", "git", command="checkout main").ok
    assert (here.root / "a.txt").read_text() == "main\n"
    assert here.go("p1").left == ()
    assert here.tree() == before


def test_a_file_that_a_person_changed_since_is_left_unless_asked(here: Here) -> None:
    path = here.root / "a.txt"
    path.write_text("mine\n")
    here.call("p1", "edit", path="a.txt", old="mine", new="tool's")
    here.call("p1", "write", path="b.txt", content="new\n")
    path.write_text("mine again\n")
    assert here.go("p1") == Restored(("b.txt",), (("a.txt", CHANGED),))
    assert path.read_text() == "mine again\n"
    assert here.go("p1", overwrite=True, name="asked").done == ("a.txt",)
    assert path.read_text() == "mine\n"
    assert here.go("asked", name="undo").left == ()
    assert path.read_text() == "mine again\n", "what was overwritten was kept"


def test_a_change_between_two_of_the_tools_counts_too(here: Here) -> None:
    path = here.root / "a.txt"
    path.write_text("one\n")
    here.call("p1", "edit", path="a.txt", old="one", new="two")
    path.write_text("two\nby hand\n")
    here.call("p2", "edit", path="a.txt", old="two", new="three")
    assert here.go("p1").left == (("a.txt", BETWEEN),)
    assert here.go("p2", name="less").done == ("a.txt",)
    assert path.read_text() == "two\nby hand\n"


def test_a_link_that_a_command_left_does_not_lead_the_restore_outside(here: Here, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "in.txt").write_text("not ours\n")
    (here.root / "folder").mkdir()
    (here.root / "folder" / "in.txt").write_text("ours\n")
    here.call("p1", "edit", path="folder/in.txt", old="ours", new="changed")
    (here.root / "folder" / "in.txt").unlink()
    (here.root / "folder").rmdir()
    (here.root / "folder").symlink_to(outside)
    for overwrite in (False, True):
        assert here.go("p1", overwrite=overwrite).done == ()
    assert (outside / "in.txt").read_text() == "not ours\n"


@pytest.mark.parametrize(
    "path", ["../out.txt", "/tmp/out.txt", ".git/config", ".orchestrator/x", "a/../../b"]
)
def test_an_index_that_came_with_the_project_names_nothing_outside(here: Here, path: str) -> None:
    here.call("p1", "write", path="a.txt", content="x\n")
    index = here.root / ".orchestrator/checkpoints/index.jsonl"
    index.write_text(index.read_text().replace('"a.txt"', f'"{path}"') + "not JSON\n[]\n{}\n")
    assert here.store.entries() == []


def test_damaged_bytes_restore_nothing(here: Here) -> None:
    path = here.root / "a.txt"
    path.write_text("one\n")
    here.call("p1", "edit", path="a.txt", old="one", new="two")
    (here.store._folder / here.store.entries()[0].before.sha).write_text("else\n")
    assert [name for name, _ in here.go("p1").left] == ["a.txt"]
    assert path.read_text() == "two\n"


def test_what_is_too_large_or_special_is_said(tmp_path: Path) -> None:
    here = Here(tmp_path, checkpoint_file_bytes=100)
    (tmp_path / "large.txt").write_text("x" * 101)
    (tmp_path / "small.txt").write_text("x\n")
    here.call("p1", "shell", command="echo y >> large.txt; rm small.txt; mkdir small.txt")
    assert (
        sorted(here.go("p1", overwrite=True).left) == [("large.txt", UNKEPT), ("small.txt", FOREIGN)]
        or (tmp_path / "small.txt").read_text() == "x\n"
    )
    assert (tmp_path / "large.txt").read_text().endswith("y\n")


def test_the_oldest_turns_are_pruned_whole(here: Here) -> None:
    for number in range(10):
        here.call(
            f"p{number}", "shell", command=f"head -c 100000 /dev/urandom > a{number}; rm -f a{number - 1}"
        )
    small = Checkpoints(here.root, here.root / ".orchestrator/checkpoints", Limits(450_000))
    gone = small.prune()
    assert gone > 0
    assert small.prune() == 0
    points = [entry.point for entry in small.entries()]
    assert points[-1] == "p9"
    assert "p0" not in points
    assert here.go(points[0]).left == (), "what is left leads back whole"


FILES = ("a", "b/c", "b/d")
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["tool", "command", "remove", "person", "back"]),
        st.sampled_from(FILES),
        st.integers(0, 3),
        st.integers(0, 5),
    ),
    max_size=10,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
def test_no_order_of_changes_loses_what_a_person_wrote(actions: list[tuple[str, str, int, int]]) -> None:
    """Against a model: each point's tree; a path counts as a person's since its last change by hand."""
    with tempfile.TemporaryDirectory() as folder:
        here = Here(Path(folder).resolve())
        trees: list[dict[str, Any]] = []
        by_hand: dict[str, int] = {}
        for kind, path, value, back in actions:
            point, target = len(trees), here.root / path
            if kind == "back":
                if not trees:
                    continue
                to = back % len(trees)
                before = here.tree()
                trees.append(before)
                went = here.go(*(f"p{number}" for number in range(to, point)), name=f"p{point}")
                theirs = {name for name, at in by_hand.items() if at > to}
                assert {name for name, _ in went.left} <= theirs
                now = here.tree()
                for name in FILES:
                    if name not in theirs:
                        assert now.get(name) == trees[to].get(name), name
                    elif now.get(name) != before.get(name):  # only from a tool's text to a person's
                        assert b"hand" in now[name][2], name
                        assert name not in before or b"hand" not in before[name][2], name
                continue
            if kind == "person":
                target.parent.mkdir(exist_ok=True)
                target.write_text(f"hand {value} {point}\n")
                by_hand[path] = point
                continue
            trees.append(here.tree())
            if kind in ("remove", "command"):  # as the shell tool does, without a process each
                here.store.begin("s", f"p{point}")
                watched = Watched(here.store)
                seen = watched.before()
                target.parent.mkdir(exist_ok=True)
                target.unlink(missing_ok=True) if kind == "remove" else target.write_text(f"c{value}\n")
                watched.after(seen, "shell")
            else:
                here.call(f"p{point}", "read", path=path)
                here.call(f"p{point}", "write", path=path, content=f"t{value}\n")
