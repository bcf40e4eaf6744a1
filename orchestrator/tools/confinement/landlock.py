"""Landlock: rules on files that any process can lay upon itself, with a filter of system calls beside it.

For machines where bubblewrap does not work. The project is read-only to commands; what changes files are
our own tools. From Linux 6.2: before, an open for reading could empty a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SandboxError
from orchestrator.tools.confinement import cgroup, hidden, seccomp, start
from orchestrator.tools.confinement.bubblewrap import interpreters
from orchestrator.tools.confinement.syscalls import architecture
from orchestrator.tools.runner import MARK

OLDEST = 3
_SCOPES = 6
_CREATE_RULESET, _ASK_VERSION = 444, 1


def version() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    if sys.platform != "linux" or architecture() is None:
        return 0
    ask = ctypes.CDLL(None).syscall
    return max(0, int(ask(*(ctypes.c_long(value) for value in (_CREATE_RULESET, 0, 0, _ASK_VERSION)))))


@dataclass(frozen=True, slots=True)
class Landlock:
    """`abi` is the kernel's version of Landlock. `grouped`: in a control group of its own."""

    abi: int
    hidden: Path
    grouped: bool = False

    @property
    def tier(self) -> str:
        return "landlock"

    @property
    def reason(self) -> str:
        return ""

    @property
    def stops(self) -> tuple[str, ...]:
        scoped = self.abi >= _SCOPES
        return (
            "writing anywhere but in a private TMPDIR: the project is read-only to commands too",
            "reading keys, tokens, browser profiles, the home of orch, and temporary files of others",
            "every socket, and so the network (until it is opened for one command)",
            "tracing other processes, reading their memory and environment",
            *(("signals to other processes; leaving a process behind",) * scoped),
            "changing modes, owners, times and attributes; capabilities; ptrace, mount, io_uring, keyctl …",
            f"files over {start.FILE_BYTES >> 30} GiB, memory of one process"
            + (f"; of all, {cgroup.PROCESSES} processes and 80 % of memory (cgroup)" if self.grouped else ""),
        )

    @property
    def leaves(self) -> tuple[str, ...]:
        return (
            "reading other files of this user: documents, other projects",
            "seeing that a hidden file exists, its size and times; other processes with their arguments",
            "filling the disk through TMPDIR",
            "with --network: every host, and services of this machine that listen on it",
            *(() if self.abi >= _SCOPES else ("ending other processes of this user by their number",)),
            *(() if self.grouped else ("using up memory or processes, before its time is up",)),
            "what commands need: writing in the project (builds, formatters), listing a folder that holds "
            "a hidden one, /dev/shm, a pseudo-terminal of their own, sockets on this machine",
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
        root = project.resolve()
        machine = architecture()
        if root == Path("/") or machine is None:
            raise SandboxError("The root folder cannot be a project.", "Start orch in a project's folder.")
        # Our own git alone names folders to write in; it needs the files of the project as well.
        ours = writable and bool(also_writable) and os.access(root, os.W_OK) and not hidden.too_wide(root)
        secrets = [*hidden.secret_paths(self.hidden), *hidden.neighbours(root)]
        covered = {*secrets, Path("/dev"), *(Path(os.path.realpath(path)) for path in hidden.PRIVATE)}
        readable = [root, *also_readable, *hidden.kept(root), *interpreters(root, sorted(covered))]
        readable += hidden.name_servers() if network else []
        scoped = self.abi >= _SCOPES
        rules = seccomp.beside_landlock(network, scoped, metadata=ours)
        settings = {
            "filter": seccomp.program(rules, machine).hex(),
            "landlock": {
                "abi": self.abi,
                "scoped": scoped,
                "network": network,
                "project": str(root),
                "mark": (start.KEPT, MARK),
                "environment": _without_configuration(secrets),
                "hidden": [str(path) for path in sorted(covered)],
                "readable": [str(path) for path in readable],
                "writable": [str(path) for path in (root, *also_writable)] if ours else [],
            },
        }
        command = start.unmarked(start.entering(argv, settings))
        return start.in_groups(command, cgroup.groups()) if self.grouped else command

    @contextlib.contextmanager
    def guard(self, project: Path) -> Iterator[None]:
        try:
            yield
        finally:
            if self.grouped:
                cgroup.sweep()


def _without_configuration(secrets: Sequence[Path]) -> dict[str, str]:
    """Git ends on a configuration that it may not read, so where that is hidden it must not look for it."""
    named = (".gitconfig", "git/config")
    return {"GIT_CONFIG_GLOBAL": os.devnull} if any(str(path).endswith(named) for path in secrets) else {}
