"""Every attack, run for real in each tier that this machine has: nothing outside is read, changed or sent.

The arenas start together in namespaces of their own, each runs all its cases, and each case is a test of
what its arena told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.tools.confinement import cgroup, start
from orchestrator.tools.sandbox import TIERS, probe, tried
from tests.security.cases import CASES, CONTROLS, Case, Control

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
Told = dict[tuple[str, str], dict[str, Any]]


def here() -> Path:
    """A place for a world that no sandbox hides as a whole, as it does /tmp."""
    places = (Path("/var/lib"), Path.home() / ".cache", Path.home())
    return next(place for place in places if os.access(place, os.W_OK))


def roomy(group: cgroup.Group) -> cgroup.Group:
    """For an arena and the fork bomb in it, which is to meet the limit of its own group first."""
    values = {**dict(group.values), **({"pids.max": "4096"} if "pids.max" in dict(group.values) else {})}
    return cgroup.Group(group.path, tuple(values.items()))


@pytest.fixture(scope="module")
def arenas() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    started: dict[str, subprocess.Popen[bytes]] = {}
    folders = []
    for tier in (*(tier for tier in TIERS if tried(tier).tier == tier), "none"):
        folder = here() / f"orch-arena-{uuid.uuid4().hex[:8]}"
        folders.append(folder)
        mapped = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        argv = [*NAMESPACE, *mapped, sys.executable, "-m", "tests.security.arena", tier, str(folder)]
        argv = start.in_groups(argv, [roomy(group) for group in cgroup.groups()])
        started[tier] = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    yield started
    for arena in started.values():
        arena.kill()
        arena.communicate()
    for folder in folders:  # an arena that ended by itself has left none of these
        for path in (folder, *Path("/tmp").glob(f"{folder.name}-*")):
            shutil.rmtree(path, ignore_errors=True)
    cgroup.sweep()


@pytest.fixture(scope="module")
def told(arenas: dict[str, subprocess.Popen[bytes]]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for tier, arena in arenas.items():
        out, err = arena.communicate(timeout=600)
        assert arena.returncode == 0, f"{tier}: {err.decode()[-2000:]}"
        lines = [json.loads(line) for line in out.splitlines()]
        found[tier] = {(line["kind"], line["name"]): line for line in lines}
    return found


def _of(told: dict[str, Told], tier: str, kind: str, name: str) -> dict[str, Any]:
    if tier not in told:
        pytest.skip(tried(tier).reason)
    return told[tier][kind, name]


def test_this_machine_confines_commands() -> None:
    assert probe().tier != "none", probe().reason


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_gets_out(told: dict[str, Told], tier: str, case: Case) -> None:
    result = _of(told, tier, "attack", case.name)
    assert result["breaches"] == [], result["text"]


@pytest.mark.parametrize("tier", TIERS)
def test_no_temporary_folder_stays(told: dict[str, Told], tier: str) -> None:
    assert _of(told, tier, "left", "")["text"] == ""


@pytest.mark.parametrize("case", [case for case in CASES if case.proof], ids=lambda case: case.name)
def test_without_a_sandbox_the_breach_is_seen(told: dict[str, Told], case: Case) -> None:
    result = told["none"]["attack", case.name]
    assert result["breaches"], result["text"]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_what_commands_need_works(told: dict[str, Told], tier: str, control: Control) -> None:
    if tier not in control.tiers:
        pytest.skip(f"not in {tier}")
    result = _of(told, tier, "control", control.name)
    said = f"[exit code {control.exit_code}]" if control.exit_code else "[no output; exit code 0]"
    assert result["text"].replace(said, "").strip() == control.output
    assert result["exit_code"] == control.exit_code
