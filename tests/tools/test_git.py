from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import ToolError
from orchestrator.tools.git import plan
from orchestrator.tools.sandbox import TIERS, NoSandbox, tried
from orchestrator.vcs import Repository
from tests.tools.conftest import Bench, bench_in

Make = Callable[..., Bench]
IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture(params=[*TIERS, "none"])
def commands(request: pytest.FixtureRequest, project: Path) -> Make:
    """Git writes under Landlock as well: it is ours, though commands may not."""
    sandbox = NoSandbox("a test") if request.param == "none" else tried(request.param)
    assert sandbox.tier == request.param, sandbox.reason
    return lambda **settings: bench_in(project, sandbox, **settings)


@pytest.fixture
def repository(commands: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    bench = commands()
    git(bench.root, "init", "-q", "-b", "main")
    bench.file("a.txt", "one\n")
    git(bench.root, "add", "-A")
    git(bench.root, "commit", "-qm", "first")
    return bench


def test_reading(repository: Bench) -> None:
    repository.file("a.txt", "two\n")
    assert repository("git", command="git status --short").text == " M a.txt"
    assert "-one\n+two" in repository("git", command="diff").text
    assert repository("git", command="log --format=%s -5").text == "first"
    assert repository("git", command="shortlog -s").text.split() == ["1", "Ada"]
    assert repository("git", command="branch").text == "* main"


def test_writing(repository: Bench) -> None:
    repository.file("b [x].txt", "new\n")
    assert repository("git", command='add "b [x].txt"').ok
    assert repository("git", command="commit -m 'second one'").ok
    assert (
        git(repository.root, "log", "-1", "--format=%s %an %ae").strip() == "second one Ada ada@example.org"
    )
    assert repository("git", command="checkout -b side").ok
    assert Repository.find(repository.root).branch() == "side"  # type: ignore[union-attr]


def test_a_project_inside_a_larger_repository(repository: Bench, commands: Make) -> None:
    inner = bench_in(repository.root / "sub", repository.toolbox._sandbox)
    inner.file("c.txt", "c\n")
    assert inner("git", command="status --short").text == "?? ./"
    assert inner("git", command="add c.txt").ok
    assert inner("git", command="commit -qm inner").ok
    assert git(repository.root, "ls-files").split() == ["a.txt", "sub/c.txt"]


def test_a_worktree(repository: Bench, tmp_path: Path) -> None:
    git(repository.root, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "tree")
    tree = bench_in(tmp_path / "tree", repository.toolbox._sandbox)
    tree.file("t.txt", "t\n")
    assert tree("git", command="add t.txt").ok
    assert tree("git", command="commit -qm tree").ok, tree("git", command="status").text
    assert git(repository.root, "log", "-1", "--format=%s", "tree").strip() == "tree"


def test_no_repository_is_said(commands: Make) -> None:
    assert "not a git repository" in commands()("git", command="status").text


READS = (
    *("status", "git log -5 --oneline", "diff HEAD~1..HEAD", "show", "branch -a", "branch --list x", "tag"),
    *("stash list", "remote -v", "config --get user.name", "blame a.txt", "reflog", "diff -- a.txt"),
    *("log --format=%s", "branch --contains HEAD"),
)
WRITES = (
    *("commit -m x", "checkout main", "branch new", "branch -d x", "tag v1", "stash", "stash pop"),
    *("reset --hard", "clean -fdx", "reflog expire --all", "add ."),
)


@pytest.mark.parametrize("command", READS)
def test_reads(command: str, tmp_path: Path) -> None:
    assert plan(command, tmp_path).effect == "read"


@pytest.mark.parametrize("command", WRITES)
def test_writes(command: str, tmp_path: Path) -> None:
    assert plan(command, tmp_path).effect == "command"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "git",
        "-c core.pager=evil log",
        "-C /etc status",
        "--exec-path=/tmp status",
        "--git-dir=/x status",
        "log --output=/tmp/x",
        "log --outpu=/tmp/x",
        "diff --ext-diff",
        "diff --ext",
        "diff --no-index a b",
        "diff /etc/passwd a",
        "diff ../../x a",
        "blame --contents /etc/passwd a",
        "blame --contents=a a",
        "grep -Oevil x",
        "grep -iOevil x",
        "grep --open-files-in-pager=evil x",
        "grep --open=evil x",
        "grep --no-index x",
        "grep -f /etc/passwd",
        "rebase -x evil main",
        "rebase -ix evil main",
        "rebase --exec=evil main",
        "commit -F /etc/passwd",
        "add --pathspec-from-file=/etc/passwd",
        "log --textconv",
        "cat-file --filters HEAD:a",
        "config core.fsmonitor evil",
        "config --get -f /etc/passwd x",
        "config --list --file=/etc/passwd",
        "push",
        "clone x",
        "submodule foreach evil",
        "bisect run evil",
        "difftool -x evil",
        "filter-branch",
        "daemon",
        "evilalias",
        "status && rm x",
        "log | head",
        'commit -m "open',
    ],
)
def test_refused(command: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        plan(command, tmp_path)
    assert caught.value.remedy


def test_a_message_may_hold_anything(tmp_path: Path) -> None:
    assert plan('commit -am "/etc and ../x"', tmp_path).effect == "command"
    assert plan('commit -m "see /etc and ../x; a | b"', tmp_path).args[2] == "see /etc and ../x; a | b"
