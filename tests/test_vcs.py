"""The door to git: what it tells, and that nothing a repository configures runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import VcsError
from orchestrator.tools.sandbox import probe
from orchestrator.vcs import Repository

IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    return root


def found(folder: Path) -> Repository:
    repository = Repository.find(folder)
    assert repository is not None
    return repository


def commit(folder: Path, name: str, text: str, subject: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", subject)
    return git(folder, "rev-parse", "--short", "HEAD")


def test_no_repository_costs_no_import(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from orchestrator.vcs import Repository;"
        f"print(Repository.find(pathlib.Path({str(tmp_path)!r})), 'git' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None False\n"


@pytest.mark.parametrize("fake", ["empty folder", "nonsense file", "points at nothing", "points at no git"])
def test_what_only_looks_like_a_repository(tmp_path: Path, fake: str) -> None:
    dot_git = tmp_path / ".git"
    if fake == "empty folder":
        dot_git.mkdir()
    else:
        dot_git.write_text(
            {"nonsense file": "\0\xff", "points at nothing": "gitdir: nowhere"}.get(fake, "gitdir: /etc")
        )
    assert Repository.find(tmp_path) is None


def test_a_git_file_cannot_borrow_another_repositorys_objects(folder: Path, tmp_path: Path) -> None:
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "HEAD").write_text("ref: refs/heads/main\n")
    (fake / "commondir").write_text(str(folder / ".git"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project/.git").write_text(f"gitdir: {fake}")
    assert Repository.find(tmp_path / "project") is None


def test_an_empty_repository(folder: Path) -> None:
    repository = found(folder)
    assert repository.head() is None
    assert repository.branch() == "main"
    assert repository.dirty() == []


def test_what_it_tells(folder: Path) -> None:
    first = commit(folder, "a.txt", "one\n", "first: [x]")
    second = commit(folder, "a.txt", "one\ntwo\n", "second")
    (folder / "a.txt").write_text("three\n")
    (folder / "new \n file").write_text("x")
    repository = found(folder / ".")
    assert repository.head() == second
    assert sorted(repository.dirty()) == ["a.txt", "new \n file"]
    assert repository.query("log", "--format=%s").splitlines() == ["second", "first: [x]"]
    assert (repository.has(first), repository.has("beef0001"), repository.has("--all")) == (
        True,
        False,
        False,
    )
    git(folder, "checkout", "-q", "--detach")
    assert repository.branch() is None


def test_errors_are_ours(folder: Path) -> None:
    commit(folder, "a.txt", "one\n", "first")
    repository = found(folder)
    with pytest.raises(VcsError):
        repository.query("log", "beef0001")
    with pytest.raises(VcsError):
        repository.query("diff", "beef0001")
    (folder / ".git/config").write_text("[broken\n")
    with pytest.raises(VcsError):
        repository.head()


def test_an_option_is_never_taken_for_a_commit(folder: Path, tmp_path: Path) -> None:
    commit(folder, "a.txt", "one\n", "first")
    target = tmp_path / "planted"
    assert not found(folder).has(f"--output={target}")
    assert not target.exists()


HOSTILE = """
[core]
    fsmonitor = "{evil}"
    hooksPath = {hooks}
    pager = {evil}
    editor = {evil}
    sshCommand = {evil}
    askPass = {evil}
    alternateRefsCommand = {evil}
    attributesFile = {attributes}
[pager]
    log = {evil}
    status = {evil}
    diff = {evil}
[diff]
    external = {evil}
[diff "evil"]
    textconv = {evil}
    command = {evil}
[filter "evil"]
    clean = {evil}
    smudge = {evil}
    required = true
[filter "evil=odd"]
    process = {evil}
[merge "evil"]
    driver = {evil}
[alias]
    status = !{evil}
    st = !{evil}
[gpg]
    program = {evil}
[gpg "ssh"]
    program = {evil}
    defaultKeyCommand = {evil}
[commit]
    gpgSign = true
[log]
    showSignature = true
[credential]
    helper = {evil}
[sequence]
    editor = {evil}
[trailer "evil"]
    cmd = {evil}
    key = Evil
[interactive]
    diffFilter = {evil}
[protocol "ext"]
    allow = always
[remote "origin"]
    url = "ext::{evil}"
    uploadpack = {evil}
    promisor = true
    partialclonefilter = blob:none
[uploadpack]
    packObjectsHook = {evil}
[submodule "sub"]
    update = !{evil}
[include]
    path = {include}
"""


HOOKS = (
    *("pre-commit", "post-checkout", "post-commit", "commit-msg", "prepare-commit-msg", "post-index-change"),
    *("reference-transaction", "post-merge", "pre-rebase", "fsmonitor-watchman"),
)


@pytest.fixture
def hostile(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A repository that would run a program for everything, and the file the program leaves."""
    commit(folder, "a.txt", "one\n", "first")
    git(folder, "checkout", "-qb", "side")
    commit(folder, "a.txt", "side\n", "on the side")
    git(folder, "checkout", "-q", "main")
    (folder / "b.odd").write_text("odd\n")
    commit(
        folder,
        ".gitattributes",
        "*.txt diff=evil filter=evil merge=evil\n*.odd filter=evil=odd\n",
        "second",
    )
    canary, evil = tmp_path / "canary", tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {canary}\ncat\n')
    evil.chmod(0o755)
    hooks = folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(evil.read_text())
        (hooks / name).chmod(0o755)
    included = folder / ".git/included"
    included.write_text(f'[diff "later"]\n textconv = {evil}\n[filter "later"]\n clean = {evil}\n')
    values = {"evil": evil, "hooks": hooks, "include": included, "attributes": folder / ".gitattributes"}
    config = folder / ".git/config"
    config.write_text(config.read_text() + HOSTILE.format(**values))
    os.utime(folder / "a.txt", (1, 1))  # stat data no longer matches, so git must look at the content
    return folder, canary


CALLS: dict[str, Callable[[Repository], object]] = {
    "head": lambda r: r.head(),
    "branch": lambda r: r.branch(),
    "dirty": lambda r: r.dirty(),
    "diff --stat": lambda r: r.query("diff", "--stat", "HEAD~1"),
    "log": lambda r: r.query("log", "--format=%h"),
    "has": lambda r: r.has("HEAD"),
    **{
        command: lambda r, command=command: r.run(command.split())  # type: ignore[misc]
        for command in (
            "status",
            "diff",
            "diff HEAD~1",
            "diff --cached",
            "log -p --ext-diff",
            "log -p",
            "show",
            "blame a.txt",
            "grep one",
            "add -A",
            "commit -am changed",
            "commit --amend --trailer Evil:x -m again",
            "checkout side",
            "merge side",
            "rebase side",
            "stash",
            "stash show -p",
            "st",
            "fetch origin",
            "gc --auto",
            "tag -s v1 -m x",
            "cat-file --textconv HEAD:a.txt",
            "submodule update --init",
        )
    },
}


@pytest.mark.parametrize("name", list(CALLS))
def test_nothing_that_a_repository_configures_runs(hostile: tuple[Path, Path], name: str) -> None:
    folder, canary = hostile
    (folder / "a.txt").write_text("changed\n")
    CALLS[name](found(folder))
    assert not canary.exists(), canary.read_text()


def test_the_hostile_repository_would_do_harm(hostile: tuple[Path, Path]) -> None:
    folder, canary = hostile
    (folder / "a.txt").write_text("changed\n")
    subprocess.run(["git", "diff"], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert canary.exists()


def test_a_hostile_repository_still_works(hostile: tuple[Path, Path]) -> None:
    folder, _ = hostile
    repository = found(folder)
    (folder / "a.txt").write_text("changed\n")
    assert repository.dirty() == ["a.txt"]
    assert "-one\n+changed" in repository.run(["diff"])[1]
    assert repository.filters() == ("evil", "evil=odd", "later")


def test_a_moved_worktree_is_not_followed(folder: Path, tmp_path: Path) -> None:
    commit(folder, "a.txt", "one\n", "first")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.txt").write_text("x")
    git(folder, "config", "core.worktree", str(elsewhere))
    assert found(folder).dirty() == []


def test_includes_by_branch_are_refused(folder: Path) -> None:
    git(folder, "config", "includeIf.onbranch:side.path", "evil")
    with pytest.raises(VcsError, match="cannot be checked"):
        found(folder).head()


def test_the_environment_does_not_steer_git(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = commit(folder, "a.txt", "one\n", "first")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(tmp_path / "evil"))
    assert found(folder).head() == head


def test_identity_comes_from_the_user(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Grace\nemail = g@example.org\n[core]\npager = evil\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    (folder / "a.txt").write_text("x")
    repository = found(folder)
    assert repository.run(["add", "."])[0] == 0
    code, said = repository.run(["commit", "-m", "mine"])
    assert code == 0, said
    assert git(folder, "log", "-1", "--format=%an %ae") == "Grace g@example.org"


def test_every_repository_command_goes_through_the_wrap(folder: Path) -> None:
    commit(folder, "a.txt", "one\n", "first")
    seen: list[list[str]] = []

    def wrap(argv: list[str]) -> list[str]:
        seen.append(argv)
        return argv

    repository = Repository.find(folder, wrap)
    assert repository is not None
    repository.head()
    repository.dirty()
    repository.run(["status"])
    assert len(seen) == 6  # before each, what the repository configures is read
    assert all(argv[:2] == ["env", "-i"] for argv in seen)


def test_no_git_runs_outside_the_sandbox(
    hostile: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git before the real one tells who is in a namespace of its own; GitPython's is told, too."""
    folder, canary = hostile
    told, real = tmp_path / "told", shutil.which("git")
    shim = tmp_path / "bin/git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho "$(readlink /proc/self/ns/pid) $*" >> {told}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    sandbox = probe()
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")

    def wrap(argv: list[str]) -> list[str]:
        return sandbox.wrap(argv, project=folder, writable=False, also_writable=[tmp_path])

    repository = Repository.find(folder, wrap)
    assert repository is not None
    repository.dirty()
    repository.head()
    repository.query("log", "--format=%h")
    repository.run(["diff", "HEAD~1"])
    repository.filters()
    assert not canary.exists()
    ours = os.readlink("/proc/self/ns/pid")
    outside = [line for line in told.read_text().splitlines() if line.startswith(ours)]
    assert len(told.read_text().splitlines()) > 7
    reads_no_repository = (" config --global ", " version")
    assert [line for line in outside if not any(part in f"{line} " for part in reads_no_repository)] == []
