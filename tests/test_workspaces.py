import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from orchestrator.errors import ProjectError
from orchestrator.paths import Home
from orchestrator.workspaces import Registry, find_project, open_project, remember, share_id, workspace_of

SPAWN = multiprocessing.get_context("spawn")


def test_any_folder_is_a_project_and_keeps_its_id(tmp_path: Path) -> None:
    assert find_project(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    made = open_project(tmp_path)
    assert made.writable
    assert (made.root, made.name) == (tmp_path, tmp_path.name)
    assert uuid.UUID(made.id).version == 4
    (tmp_path / "src" / "deep").mkdir(parents=True)
    assert open_project(tmp_path / "src" / "deep") == made == find_project(tmp_path / "src")
    assert not list((tmp_path / ".orchestrator").glob(".project*"))


def test_git_sees_nothing_and_once_it_is_wanted_only_the_id(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    project = open_project(tmp_path)
    (tmp_path / ".orchestrator" / "checkpoint").write_text("x")
    command = ["git", "-C", str(tmp_path), "status", "--porcelain", "-uall"]

    def seen() -> list[str]:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert seen() == []
    share_id(project)
    assert seen() == ["??", ".orchestrator/project.toml"]
    open_project(tmp_path)  # and it stays so
    assert seen() == ["??", ".orchestrator/project.toml"]
    ignore = tmp_path / ".orchestrator" / ".gitignore"
    ignore.write_text("*\n")  # by a person, who does not want it there
    share_id(project)
    assert seen() == []


def test_the_root_is_the_git_top_level(tmp_path: Path) -> None:
    (tmp_path / "repo" / "src").mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere")  # as in a worktree
    assert open_project(tmp_path / "repo" / "src").root == tmp_path / "repo"


def test_an_id_in_the_workspace_does_not_swallow_repositories(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / ".git" / "HEAD").touch()
    (tmp_path / "plain").mkdir()
    top = open_project(tmp_path)
    assert open_project(tmp_path / "repo").root == tmp_path / "repo"
    assert open_project(tmp_path / "plain").id == top.id
    assert open_project(tmp_path / "plain", here=True).root == tmp_path / "plain"


def test_home_and_shared_folders_catch_nothing_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "notes").mkdir(parents=True)
    (home / ".git").mkdir()
    (home / ".git" / "HEAD").touch()
    monkeypatch.setenv("HOME", str(home))
    assert open_project(home / "notes").root == home / "notes"
    assert open_project(home).root == home
    shared = tmp_path / "shared"
    (shared / "mine").mkdir(parents=True)
    open_project(shared)
    shared.chmod(0o1777)
    assert open_project(shared / "mine").root == shared / "mine"


@pytest.mark.parametrize("name", ["missing", "file", "bad\0name", "loop"])
def test_what_is_no_folder_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ProjectError) as caught:
        open_project(tmp_path / name)
    assert caught.value.remedy
    assert find_project(tmp_path / name) is None


def test_a_damaged_id_is_saved_where_it_can_be(tmp_path: Path) -> None:
    made = open_project(tmp_path)
    file = tmp_path / ".orchestrator" / "project.toml"
    file.write_text(f'<<<<<<< HEAD\nid = "{made.id}\n')
    assert open_project(tmp_path).id == made.id
    assert file.with_suffix(".toml.damaged").read_text().startswith("<<<<<<<")
    assert made.id in file.read_text()
    file.write_bytes(b"")
    with pytest.raises(ProjectError, match="damaged"):
        open_project(tmp_path)
    file.write_text(f'id = "{uuid.uuid4()}" "{uuid.uuid4()}"')
    with pytest.raises(ProjectError):
        open_project(tmp_path)


def test_links_in_an_untrusted_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".orchestrator").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectError):
        open_project(tmp_path / "a")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    open_project(tmp_path / "elsewhere")
    (tmp_path / "b" / ".orchestrator").mkdir(parents=True)
    (tmp_path / "b" / ".orchestrator" / "project.toml").symlink_to(
        tmp_path / "elsewhere" / ".orchestrator" / "project.toml"
    )
    with pytest.raises(ProjectError):
        open_project(tmp_path / "b")


def test_a_folder_that_cannot_be_written_has_a_stable_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    first = open_project(tmp_path)
    assert not first.writable
    assert open_project(tmp_path) == first
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
def test_on_a_really_read_only_file_system(tmp_path: Path) -> None:
    code = "from pathlib import Path; from orchestrator.workspaces import *;"
    code += f"print(open_project(Path({str(tmp_path)!r})))"
    command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True) for _ in range(2)]
    if "bwrap:" in runs[0].stderr:
        pytest.skip("bubblewrap does not work here")
    assert "writable=False" in runs[0].stdout, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout
    made = open_project(tmp_path)
    after = subprocess.run(command, capture_output=True, text=True).stdout
    assert made.id in after
    assert "writable=False" in after


def _open(path: str, queue: "multiprocessing.Queue[str]") -> None:
    queue.put(open_project(Path(path)).id)


def test_processes_that_open_at_once_agree(tmp_path: Path) -> None:
    queue = SPAWN.Queue()
    workers = [SPAWN.Process(target=_open, args=(str(tmp_path), queue)) for _ in range(4)]
    for worker in workers:
        worker.start()
    ids = {queue.get(timeout=300) for _ in workers}
    for worker in workers:
        worker.join()
    assert ids == {open_project(tmp_path).id}


def test_the_id_is_made_without_links_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    made = open_project(tmp_path)
    assert open_project(tmp_path) == made


def test_the_workspace_is_the_nearest_folder_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "home" / "code" / "group" / "heron"
    root.mkdir(parents=True)
    project = open_project(root)
    (tmp_path / "PORTFOLIO_CONTEXT.md").write_text("above home")
    assert workspace_of(project) is None
    (tmp_path / "home" / "PORTFOLIO_CONTEXT.md").write_text("home")
    assert workspace_of(project) == tmp_path / "home"
    (root.parent / "PORTFOLIO_CONTEXT.md").write_text("group")
    (root / "PORTFOLIO_CONTEXT.md").write_text("its own")
    assert workspace_of(project) == root.parent


# --- the registry -----------------------------------------------------------------------------------


def test_projects_workspaces_and_preferences_are_remembered(tmp_path: Path, orch_home: Home) -> None:
    (tmp_path / "PORTFOLIO_CONTEXT.md").write_text("x")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        remember(open_project(tmp_path / name), orch_home)
    shutil.copytree(tmp_path / "a", tmp_path / "moved")
    remember(open_project(tmp_path / "moved", here=True), orch_home)
    registry = Registry(orch_home)
    paths = {known.id: known.paths for known in registry.projects()}
    assert paths[open_project(tmp_path / "a").id] == (str(tmp_path / "moved"), str(tmp_path / "a"))
    assert len(paths) == 2
    assert registry.workspaces() == [tmp_path]
    assert registry.preference("theme") is None
    registry.prefer("theme", "light")
    registry.prefer("theme", "dark")
    assert Registry(orch_home).preference("theme") == "dark"


@pytest.mark.parametrize(
    "damage", [b'{"projects": {"1": {"id"', b"[]", b'{"projects": []}', b'{"p": {"x": {}}}', b"\xff\xfe", b""]
)
def test_a_damaged_registry_is_kept_aside(tmp_path: Path, orch_home: Home, damage: bytes) -> None:
    orch_home.registry.write_bytes(damage)
    warnings: list[str] = []
    registry = Registry(orch_home, warnings.append)
    registry.remember(open_project(tmp_path))
    assert len(registry.projects()) == 1
    assert len(warnings) == 1
    (aside,) = orch_home.root.glob("registry.json.damaged-*")
    assert aside.read_bytes() == damage


def test_a_full_disk_loses_nothing_of_the_registry(
    tmp_path: Path, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(orch_home)
    registry.prefer("theme", "dark")
    before = orch_home.registry.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space"):
        registry.prefer("theme", "light")
    assert orch_home.registry.read_bytes() == before


def _insert(root: str, mark: str) -> None:
    registry = Registry(Home(Path(root)))
    for number in range(30):
        registry.prefer(f"{mark}{number}", number)


def test_two_processes_lose_no_insert(orch_home: Home) -> None:
    workers = [SPAWN.Process(target=_insert, args=(str(orch_home.root), mark)) for mark in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    registry = Registry(orch_home)
    assert [registry.preference(f"{mark}{n}") for mark in "ab" for n in range(30)] == [*range(30)] * 2


def test_opening_a_project_imports_nothing_heavy() -> None:
    code = (
        "import sys, orchestrator.workspaces, orchestrator.handoff.writer;"
        "print({'tinydb', 'jinja2', 'filelock', 'git'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_empty_git_folder_is_no_top_level(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / ".git").mkdir(parents=True)
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (top / "below" / ".git").mkdir(parents=True)
    (top / "below" / "deep").mkdir()
    assert open_project(top / "below" / "deep").root == top
