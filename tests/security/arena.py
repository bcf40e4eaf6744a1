"""Runs all cases of one tier in a world of their own and prints what each achieved, a JSON line a case.

    python -m tests.security.arena TIER FOLDER

Started by `test_attacks.py` in a PID namespace of its own with limits on memory and processes: an attack
that gets through must not end more than this.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.paths import Home
from orchestrator.tools.command import Commands
from orchestrator.tools.sandbox import NoSandbox, Sandbox, tried
from orchestrator.tools.shell_line import shell_argv
from tests.security.cases import CASES, CONTROLS, Case
from tests.security.world import KEPT, World

TOGETHER = 8
"""Attacks that share a sandbox."""
END, ASIDE = "@@end-of-attack", ".aside"
SETTLE_S = 10.0
"""How long a killed process may take to vanish before it counts as left behind."""


def main(tier: str, folder: Path, only: str = "") -> None:
    world = World(folder)
    world.outside.mkdir()
    os.environ["HOME"] = str(world.outside / "home")
    os.environ["ORCH_HOME"] = str(world.outside / "home/orch")
    world.build()
    os.environ["TMPDIR"] = str(world.temporary)
    try:
        sandbox = (
            NoSandbox("to see that the watch sees")
            if tier == "none"
            else tried(tier, Home(world.home / "orch"))
        )
        assert sandbox.tier == tier, sandbox.reason
        for control in CONTROLS:
            if tier in control.tiers and only in control.name:
                text, code = _run(sandbox, world, control.command, 20)
                _tell(kind="control", name=control.name, text=text, exit_code=code)
                world.restore()
        wanted = [case for case in CASES if only in case.name and (tier != "none" or case.proof)]
        for cases in _batches(wanted) if tier != "none" else ([case] for case in wanted):
            if len(cases) == 1 or not _all_fail(sandbox, world, cases):
                for case in cases:
                    _attack(sandbox, world, case.name, case.command, case.timeout_s)
        _run(sandbox, world, "true", 60)  # sweeps what those left whose keeper was killed
        _tell(kind="left", name="", text=" ".join(os.listdir(world.temporary)))
    finally:
        world.end()


def _batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Those that neither end nor outlive their shell go into one sandbox, several after each other."""
    for kind, group in groupby(cases, lambda case: case.name.split()[0]):
        found = list(group)
        size = TOGETHER if kind in ("read", "write", "send") else 1
        yield from (found[at : at + size] for at in range(0, len(found), size))


def _all_fail(sandbox: Sandbox, world: World, cases: Sequence[Case]) -> bool:
    """Whether all of them ran, in one sandbox, and nothing at all was achieved: then they are told.

    What each leaves in the project is moved aside, so that the next finds it as the first did, and is looked
    through in the end. Otherwise each is run again by itself, to see which it was.
    """
    started = time.monotonic()
    kept = " ".join(f"! -name {name}" for name in KEPT)
    script = ""
    for number, case in enumerate(cases):
        script += f"bash --noprofile --norc -c {shlex.quote(case.command)}; cd {world.project}; "
        script += f"echo; echo {END} {number}; mkdir -p {ASIDE}/{number}; echo one > a.txt; "
        script += (
            f"find . -mindepth 1 -maxdepth 1 {kept} ! -name {ASIDE} -exec mv -t {ASIDE}/{number} {{}} + ;"
        )
    text, _ = _run(sandbox, world, f"{{ {script} }} 2>&1", sum(case.timeout_s for case in cases))
    parts = re.split(rf"^{END} (\d+)\n?", text, flags=re.MULTILINE)
    all_ran = parts[1::2] == [str(number) for number in range(len(cases))]
    if all_ran and not world.breaches(text):
        spent = int((time.monotonic() - started) * 1000) // len(cases)
        for case, said in zip(cases, parts[::2], strict=False):
            _tell(kind="attack", name=case.name, breaches=[], text=said[-600:], exit_code=None, ms=spent)
        world.restore()
        return True
    world.repair()
    return False


def _attack(sandbox: Sandbox, world: World, name: str, command: str, timeout_s: float) -> None:
    started = time.monotonic()
    text, code = _run(sandbox, world, command, timeout_s)
    if name.startswith("git"):
        world.users_git()
    found = world.breaches(text)
    while (
        any(one.startswith("left behind") for one in found)
        and time.monotonic() < started + timeout_s + SETTLE_S
    ):
        time.sleep(0.02)
        found = [one for one in found if not one.startswith("left behind")]
        found += [one for one in world.breaches("") if one not in found]
    spent = int((time.monotonic() - started) * 1000)
    _tell(kind="attack", name=name, breaches=found, text=text[-600:], exit_code=code, ms=spent)
    world.repair() if found else world.restore()


def _run(sandbox: Sandbox, world: World, command: str, timeout_s: float) -> tuple[str, int | None]:
    words = {
        "HOME": str(world.home),
        "OUT": str(world.outside),
        "NAME": world.outside.name,
        "VICTIM": str(world.victim.pid),
        "KIT": f"{sys.executable} kit.py",
        "TCP6": str(world.ports.get("tcp6", 1)),
        "TCP": str(world.ports["tcp"]),
        "UDP": str(world.ports["udp"]),
        "ABSTRACT": world.abstract,
        "SEGMENT": str(world.key),
    }
    command = re.sub(rf"(?<![$A-Z_])({'|'.join(words)})\b(?!=)", lambda found: words[found[1]], command)
    commands = Commands(world.project, sandbox, timeout_s)
    until = time.monotonic() + SETTLE_S
    while True:
        try:
            result = asyncio.run(commands.run(shell_argv(command), lambda piece: None))
        except ToolError:  # what a fork bomb left is still dying, and there is no room for another process
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return result.text, result.exit_code


def _tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
