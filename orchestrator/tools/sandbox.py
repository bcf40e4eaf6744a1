"""What confines a command, best first: bubblewrap, Landlock, nothing; Seatbelt on macOS.

`probe` tries them for real. Where none works the tier is "none", and the policy asks before each command.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from orchestrator import paths
from orchestrator.tools.confinement.bubblewrap import Bubblewrap, remove_if_empty, shared_lock
from orchestrator.tools.confinement.landlock import OLDEST, Landlock, version
from orchestrator.tools.confinement.repositories import BARE, GUARDED
from orchestrator.tools.confinement.seatbelt import Seatbelt
from orchestrator.tools.confinement.windows import JobObject

TIERS: tuple[str, ...] = ("seatbelt",) if sys.platform == "darwin" else ("bwrap", "landlock")
"""Those of this system; on Windows none confines."""
_TRIED = 42
"""The exit code of the command that a probe runs."""


class Sandbox(Protocol):
    """`tier` names what confines ("bwrap", "landlock", "none"); `reason` says why it is "none".

    `stops` and `leaves` say in words what a command cannot do, and what it still can.
    """

    @property
    def tier(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def stops(self) -> tuple[str, ...]: ...

    @property
    def leaves(self) -> tuple[str, ...]: ...

    def wrap(
        self,
        argv: Sequence[str],
        *,
        project: Path,
        writable: bool,
        network: bool = False,
        also_readable: Sequence[Path] = (),
        also_writable: Sequence[Path] = (),
    ) -> list[str]:
        """The command line that runs `argv` confined, in `project`.

        `also_readable` folders are seen even where they would be hidden; `also_writable` ones are
        writable even under a guarded one (git's own, for git).
        """
        ...

    def guard(self, project: Path) -> contextlib.AbstractContextManager[None]:
        """Hold this while a wrapped command runs: afterwards nothing of ours stays behind."""
        ...


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """No sandbox: commands run as they are, so each needs the user's yes."""

    reason: str
    tier: str = "none"
    stops: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ("anything that you could do yourself; so every command is asked for",)

    def wrap(
        self,
        argv: Sequence[str],
        *,
        project: Path,
        writable: bool,
        network: bool = False,
        also_readable: Sequence[Path] = (),
        also_writable: Sequence[Path] = (),
    ) -> list[str]:
        return list(argv)

    def guard(self, project: Path) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def probe(where: paths.Home | None = None) -> Sandbox:
    """The best sandbox that works here, hiding the node's home. Each is tried once per process."""
    found = [tried(tier, where) for tier in TIERS]
    works = [sandbox for sandbox in found if sandbox.tier != "none"]
    if works:
        return works[0]
    nothing = NoSandbox(" ".join(dict.fromkeys(sandbox.reason for sandbox in found)))
    return _job_object(nothing) if sys.platform == "win32" else nothing


def chosen(setting: str, where: paths.Home | None = None) -> Sandbox:
    """What the setting `tools.sandbox` names: auto, a tier, or none."""
    if setting == "none":
        return NoSandbox("tools.sandbox is none.")
    return probe(where) if setting == "auto" else tried(setting, where)


def tried(tier: str, where: paths.Home | None = None) -> Sandbox:
    """The sandbox of that tier, or one of tier "none" that says why there is none."""
    return _tried(tier, (where or paths.home()).root)


@cache
def _tried(tier: str, hidden: Path) -> Sandbox:
    if sys.platform == "darwin":
        return _first((Seatbelt(hidden),), "Seatbelt") if tier == "seatbelt" else _elsewhere()
    if sys.platform != "linux" or tier not in TIERS:
        return _elsewhere()
    return _bubblewrap(hidden) if tier == "bwrap" else _landlock(hidden)


def _elsewhere() -> Sandbox:
    return NoSandbox("Bubblewrap and Landlock exist on Linux only, Seatbelt on macOS only.")


def _job_object(otherwise: Sandbox) -> Sandbox:
    """Limits, where nothing confines."""
    made = JobObject()
    return otherwise if _fails(made) else made


def _bubblewrap(hidden: Path) -> Sandbox:
    import shutil

    program = shutil.which("bwrap")
    if program is None:
        return NoSandbox("Bubblewrap is not installed: install the package bubblewrap.")
    candidates = (
        Bubblewrap(program, hidden, grouped, sealed, abi)
        for abi in sorted({version(), 0}, reverse=True)
        for grouped in (True, False)
        for sealed in (True, False)
    )
    return _first(candidates, "Bubblewrap")


def _landlock(hidden: Path) -> Sandbox:
    abi = version()
    if abi < OLDEST:
        return NoSandbox("This kernel has no Landlock that suffices: it needs Linux 6.2 with Landlock on.")
    return _first((Landlock(abi, hidden, grouped) for grouped in (True, False)), "Landlock")


def _first(candidates: Iterable[Bubblewrap | Landlock | Seatbelt], name: str) -> Sandbox:
    from orchestrator.tools.confinement import cgroup

    said = ""
    for sandbox in candidates:
        if sandbox.grouped and not cgroup.places():
            continue
        said = _fails(sandbox)
        if not said:
            return sandbox
    return NoSandbox(f"{name} does not work here: {said}.")


def _fails(sandbox: Sandbox) -> str:
    """Why a command does not run in it; empty when it does."""
    anywhere = Path(__file__).resolve().parent
    windows = sys.platform == "win32"
    tried = (
        [sys.executable, "-c", f"raise SystemExit({_TRIED})"] if windows else ["sh", "-c", f"exit {_TRIED}"]
    )
    argv = sandbox.wrap(tried, project=anywhere, writable=False)
    try:
        with sandbox.guard(anywhere):
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=10,
                check=False,
                env=None if windows else {"PATH": os.defpath},
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == _TRIED:
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return (lines[-1] if lines else f"exit code {done.returncode}").rstrip(".")


def tidy(project: Path) -> None:
    """Remove the mount points that stay empty in a project where orch was killed during a command."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, RuntimeError):
        root = project.resolve()
        with shared_lock(root) as alone:
            if alone():
                for name in (*GUARDED, BARE):
                    remove_if_empty(root / name)
