"""`orch sandbox`, run as a person would: what the agent's shell may do, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from orchestrator.tools.sandbox import TIERS, tried
from tests.commands.orch import ORCH, run


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    if tried(request.param).tier == "none":
        pytest.skip(tried(request.param).reason)
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("one\n")
    return root


def vanishes(name: str) -> bool:
    """The killed may take a moment to be gone."""
    listing = ["ps", "-Ao", "args"]
    return any(name not in subprocess.run(listing, capture_output=True, text=True).stdout for _ in range(200))


def test_output_and_exit_code_are_the_commands(folder: Path, tier: str) -> None:
    done = run("sandbox", "--tier", tier, "--", "cat a.txt; exit 7", cwd=folder)
    assert (done.stdout, done.returncode) == ("one\n", 7)
    raw = subprocess.run(
        [*ORCH, "sandbox", "--tier", tier, "--", "printf '\\377\\0'; echo err >&2; kill -9 $$"],
        cwd=folder,
        capture_output=True,
    )
    assert (raw.stdout, raw.stderr, raw.returncode) == (b"\xff\0", b"err\n", 137)
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "sub"]


def test_it_runs_in_the_project_of_the_folder(folder: Path, tier: str) -> None:
    (folder / ".orchestrator").mkdir()
    (folder / ".orchestrator/project.toml").write_text('id = "0f0e0d0c-0b0a-4908-8706-050403020100"\n')
    assert run("sandbox", "--tier", tier, "--", "pwd", cwd=folder / "sub").stdout == f"{folder}\n"
    assert run("sandbox", "--tier", tier, "--", "ls", "a.txt", cwd=folder).stdout == "a.txt\n"


def test_writing_is_for_bubblewrap_alone(folder: Path, tier: str) -> None:
    done = run("sandbox", "--tier", tier, "--", "echo two > b.txt; echo x > ../outside", cwd=folder)
    assert "Permission" in done.stderr or tier == "bwrap"
    assert (folder / "b.txt").exists() == (tier == "bwrap")
    assert not (folder.parent / "outside").exists()


def test_the_network_is_opened_for_one_command(folder: Path, tier: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f"exec 3<> /dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo reached"
        assert "reached" not in run("sandbox", "--tier", tier, "--", reach, cwd=folder).stdout
        assert run("sandbox", "--tier", tier, "--network", "--", reach, cwd=folder).stdout == "reached\n"


def test_the_outcome_as_json(folder: Path, tier: str) -> None:
    done = run("sandbox", "--json", "--tier", tier, "--", "echo out; echo err >&2; exit 3", cwd=folder)
    told = json.loads(done.stdout)
    assert (told["tier"], told["output"], told["exit_code"], done.returncode) == (tier, "out\nerr\n", 3, 3)


def test_time_is_up(folder: Path, tier: str) -> None:
    hidden = f"sleep 73{os.getpid()}"
    command = f"env -i setsid {hidden} > /dev/null 2>&1 & echo started; {hidden}"
    done = run("sandbox", "--tier", tier, "--timeout", "0.3", "--", command, cwd=folder)
    assert (done.stdout, done.returncode) == ("started\n", 124)
    assert vanishes(hidden)


def test_an_interrupt_ends_the_command(folder: Path, tier: str) -> None:
    hidden = f"sleep 74{os.getpid()}"
    argv = [*ORCH, "sandbox", "--tier", tier, "--", f"env -i setsid {hidden} & echo up; {hidden}"]
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert vanishes(hidden)


def test_what_is_enforced_is_told(folder: Path) -> None:
    told = json.loads(run("sandbox", "--status", "--json", cwd=folder).stdout)
    assert told["tier"] in (*TIERS, "none")
    assert set(told["tiers"]) == set(TIERS)
    assert told["does_not_stop"]
    words = run("sandbox", "--status", cwd=folder).stdout
    assert all(line in words for line in (*told["stops"], *told["does_not_stop"]))


def test_without_a_sandbox_nothing_runs(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("sandbox", "--tier", "bwrap", "--", "touch b", cwd=folder, PATH=str(tmp_path / "empty"))
    assert done.returncode == 125
    assert "Bubblewrap is not installed" in done.stderr
    assert not (folder / "b").exists()
    assert run("sandbox", "--tier", "vault", "--", "true", cwd=folder).returncode == 2
    assert run("sandbox", cwd=folder).returncode == 2
