"""Windows: a job object around each command. It limits and ends what runs; it confines no files, no network.

So its tier is "none", and each command is asked for. Not seen working; the probe decides whether it is used.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.tools.confinement import job_object

PROCESSES, MEMORY = 1024, 8 << 30


@dataclass(frozen=True, slots=True)
class JobObject:
    tier: str = "none"
    grouped: bool = False

    @property
    def reason(self) -> str:
        return "A job object of Windows limits commands, and confines neither files nor the network."

    @property
    def stops(self) -> tuple[str, ...]:
        return (
            "leaving a process behind",
            f"more than {PROCESSES} processes, and {MEMORY >> 30} GiB of memory for all of them",
            "the clipboard, other windows, ending the Windows session",
        )

    @property
    def leaves(self) -> tuple[str, ...]:
        return (
            "this was written from documentation and has not been verified",
            "anything else that you could do yourself; so every command is asked for",
        )

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
        helper = [sys.executable, "-I", "-S", str(Path(job_object.__file__).resolve())]
        return [*helper, str(PROCESSES), str(MEMORY), "--", *argv]

    def guard(self, project: Path) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()
