"""What a confined command cannot do, tried for real."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import SandboxError
from orchestrator.paths import Home
from orchestrator.tools import sandbox as module
from orchestrator.tools.confinement.bubblewrap import Bubblewrap
from orchestrator.tools.confinement.hidden import secret_paths
from orchestrator.tools.sandbox import probe
from tests.tools.conftest import Bench, bench_in


def inside(bench: Bench, command: str) -> str:
    return bench("shell", command=command).text


def test_writing_outside_fails(confined: Bench, tmp_path: Path) -> None:
    for target in (tmp_path / "x", "/etc/x", "~/x", "/usr/x", "../x"):
        inside(confined, f"echo evil > {target}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]
    assert not Path("/etc/x").exists()
    assert not Path("~/x").expanduser().exists()


def test_temporary_files_work_and_vanish(confined: Bench) -> None:
    assert (
        inside(confined, "f=$(mktemp) && echo x > $f && cat $f && df /dev/shm > /dev/null && echo ok")
        == "x\nok"
    )
    assert inside(confined, "ls /tmp | grep -c tmp.") == "0\n[exit code 1]"


def test_the_network_is_off(confined: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reach = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"
        assert confined("run", code=reach).exit_code == 1
        socket.create_connection(("127.0.0.1", port), 2).close()  # it was there all the time


def test_sockets_of_other_programs_are_out_of_sight(confined: Bench, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "agent.sock"))
        assert "No such file" in inside(confined, f"ls {tmp_path}/agent.sock")
    assert inside(confined, "ls /run | wc -l") in ("0", "1")


def test_secrets_are_out_of_sight(confined: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("/var/lib") / f"orch-test-{os.getpid()}"
    home.mkdir()
    try:
        monkeypatch.setenv("HOME", str(home))
        node = home / "node"
        for name in (".ssh/id", ".config/gh/hosts.yml", ".netrc", "node/journal", "elsewhere/key"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text("canary")
        (home / ".gnupg").symlink_to("elsewhere")
        (home / "plain.txt").write_text("visible")
        bench = bench_in(confined.root, Bubblewrap("bwrap", node))
        assert inside(bench, f"cat {home}/plain.txt") == "visible"
        for name in (
            ".ssh/id",
            ".config/gh/hosts.yml",
            ".netrc",
            "node/journal",
            "elsewhere/key",
            ".gnupg/key",
        ):
            assert "canary" not in inside(bench, f"cat {home}/{name}")
        project = home / ".config/gh/project"
        project.mkdir()
        assert (
            inside(bench_in(project, Bubblewrap("bwrap", node)), "touch here; ls h*; ls ..")
            == "here\nproject"
        )
        assert "canary" not in inside(bench_in(home, Bubblewrap("bwrap", node)), "cat .ssh/id")
        assert "Read-only" in inside(bench_in(home, Bubblewrap("bwrap", node)), "echo evil >> .bashrc")
    finally:
        subprocess.run(["rm", "-rf", home], check=True)


def test_the_homes_of_users_and_node_are_hidden_by_default(orch_home: Home) -> None:
    (orch_home.root / "journal").write_text("canary")
    assert orch_home.root in secret_paths(orch_home.root)


def test_git_and_orch_folders_are_read_only(confined: Bench) -> None:
    subprocess.run(["git", "init", "-q"], cwd=confined.root, check=True)
    confined.file(".orchestrator/project.toml", "id")
    for attack in (
        "echo x > .git/hooks/post-checkout",
        "git config core.fsmonitor evil",
        "mv .git .gone",
        "rm -rf .git",
        "echo x > .orchestrator/project.toml",
        "mv .orchestrator gone",
    ):
        assert confined("shell", command=attack).exit_code != 0, attack
    assert (confined.root / ".orchestrator/project.toml").read_text() == "id"
    assert "fsmonitor" not in (confined.root / ".git/config").read_text()


def test_no_repository_can_be_planted_and_nothing_stays_behind(confined: Bench) -> None:
    assert confined("shell", command="git init; mkdir -p .git/hooks").exit_code != 0
    assert list(confined.root.iterdir()) == []
    confined("shell", command="touch a")
    assert [path.name for path in confined.root.iterdir() if path.name != ".orchestrator"] == ["a"]


def test_no_bare_repository_can_be_planted(confined: Bench) -> None:
    """Without a `.git`, git would take the project itself for one, and run what its `config` says."""
    evil = confined.root.parent / "ran"
    config = f"[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = touch {evil}\n"
    head = "echo ref: refs/heads/main > HEAD"
    attack = f"mkdir -p objects refs; echo '{config}' > config; {head}; rm -f HEAD; mv HEAD x; {head}"
    confined("shell", command=attack)
    subprocess.run(["git", "status"], cwd=confined.root, capture_output=True)
    assert not evil.exists()
    assert sorted(path.name for path in confined.root.iterdir() if path.name != ".orchestrator") == [
        "config",
        "objects",
        "refs",
    ]
    (confined.root / "HEAD").write_text("ref: refs/heads/main\n")  # so would it have worked
    subprocess.run(["git", "status"], cwd=confined.root, capture_output=True)
    assert evil.exists()


def test_a_bubblewrap_in_the_project_is_not_run(project: Path) -> None:
    with pytest.raises(SandboxError, match="could replace it"):
        Bubblewrap(str(project / "bwrap"), project / "none").wrap(["true"], project=project, writable=True)


def test_the_last_of_several_commands_tidies_up(project: Path) -> None:
    sandbox = Bubblewrap("bwrap", project / "none")
    with sandbox.guard(project):
        (project / ".git").mkdir()  # as bwrap makes it
        with sandbox.guard(project):
            pass
        assert (project / ".git").exists()
    assert not (project / ".git").exists()


def test_what_a_killed_command_left_is_removed_unless_another_runs(project: Path) -> None:
    (project / ".git").mkdir()
    (project / ".orchestrator").mkdir()
    (project / ".orchestrator" / "project.toml").touch()
    with Bubblewrap("bwrap", project / "none").guard(project):
        module.tidy(project)
        assert (project / ".git").exists()
        (project / ".git" / "HEAD").touch()
    module.tidy(project)
    assert (project / ".git" / "HEAD").exists()
    (project / ".git" / "HEAD").unlink()
    module.tidy(project)
    assert [path.name for path in project.iterdir()] == [".orchestrator"]
    module.tidy(project / "missing")


def test_a_worktrees_git_file_is_read_only(confined: Bench, tmp_path: Path) -> None:
    main = tmp_path / "main"
    steps = "git init -q main && cd main && git -c user.name=a -c user.email=b commit -q --allow-empty -m x"
    subprocess.run(f"{steps} && git worktree add -q ../tree", shell=True, cwd=tmp_path, check=True)  # noqa: S602
    bench = bench_in(tmp_path / "tree", probe())
    for attack in ("rm .git", "echo gitdir: x > .git", "mv .git x"):
        assert bench("shell", command=attack).exit_code != 0
    assert (tmp_path / "tree/.git").read_text().startswith("gitdir: ")
    assert (main / ".git").is_dir()


def test_a_linked_git_folder_makes_the_project_read_only(confined: Bench, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (confined.root / ".git").symlink_to(tmp_path / "elsewhere")
    assert "Read-only" in inside(confined, "rm .git")


def test_processes_outside_are_out_of_sight(confined: Bench) -> None:
    assert int(inside(confined, "ls -d /proc/[0-9]* | wc -l")) < 8


def test_the_root_folder_is_no_project() -> None:
    with pytest.raises(SandboxError):
        Bubblewrap("bwrap", Path("/x")).wrap(["true"], project=Path("/"), writable=True)


@pytest.mark.parametrize("fault", ["missing", "failing"])
def test_a_bubblewrap_that_does_not_work_is_told(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "failing":
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
        broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = module._tried.__wrapped__("bwrap", tmp_path)
    assert found.tier == "none"
    assert ("not installed" if fault == "missing" else "Permission denied") in found.reason


def test_commands_run_on_a_read_only_disk(
    confined: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bwrap around it all is the read-only disk: there the guarded folders cannot be mounted over."""
    argv = probe().wrap(["sh", "-c", "pwd; touch x"], project=project, writable=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    read_only = probe().wrap(["sh", "-c", "pwd; touch x"], project=project, writable=True)
    disk = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(project), str(project), "--"]
    assert subprocess.run([*disk, *argv], capture_output=True, text=True).stdout == ""
    done = subprocess.run([*disk, *read_only], capture_output=True, text=True)
    assert done.stdout == f"{project}\n"
    assert "Read-only file system" in done.stderr
