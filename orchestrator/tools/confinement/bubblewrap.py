"""Bubblewrap: namespaces of its own for files, processes, network and IPC, and a filter of system calls."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SandboxError
from orchestrator.tools.confinement import cgroup, hidden, repositories, seccomp, start
from orchestrator.tools.confinement.hidden import private, secret_paths, within
from orchestrator.tools.confinement.repositories import BARE, GUARDED
from orchestrator.tools.confinement.syscalls import architecture

_EMPTY = str(start.FOLDER / "empty")
"""A file to put over others. A device would fail to open, on which some programs end."""
_KEPT_RUN = ("/run/current-system", "/run/wrappers", "/run/opengl-driver")  # NixOS programs
_ISOLATE = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--new-session", "--die-with-parent", "--cap-drop", "ALL"),
)


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """`grouped`: in a control group of its own; `sealed`: no further user namespaces inside; `landlock`: the
    kernel's version of it, 0 where it is not used."""

    program: str
    hidden: Path
    grouped: bool = False
    sealed: bool = False
    landlock: int = 0

    @property
    def tier(self) -> str:
        return "bwrap"

    @property
    def reason(self) -> str:
        return ""

    @property
    def stops(self) -> tuple[str, ...]:
        filtered = architecture() is not None
        return (
            "writing outside the project, and to its .git and .orchestrator",
            "reading keys, tokens, browser profiles and the home of orch",
            "the network (until it is opened for one command), and sockets of other programs",
            "seeing, tracing or ending processes outside; leaving one behind",
            *(("system calls that no build needs: ptrace, mount, io_uring, keyctl, bpf …",) * filtered),
            _limits(self.grouped),
        )

    @property
    def leaves(self) -> tuple[str, ...]:
        return (
            "reading other files of this user: documents, other projects",
            "filling the disk from within the project",
            "sockets that a program bound by a relative path and then left, or in another network namespace",
            "changing what you run next yourself: a Makefile, a script, a new repository in a subfolder",
            "with --network: every host, and services of this machine that listen on it",
            *(() if self.landlock else ("writing into named pipes of other programs",)),
            *(() if self.grouped else ("using up memory with many processes, before its time is up",)),
            *(() if architecture() else ("no filter of system calls: this processor is not known to it",)),
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
        if root == Path("/"):
            raise SandboxError("The root folder cannot be a project.", "Start orch in a project's folder.")
        if within(Path(self.program).resolve(), root):
            raise SandboxError(
                f"{self.program} lies in the project, where a command could replace it.",
                "Take the project out of PATH, or install bubblewrap elsewhere.",
            )
        secrets = [*secret_paths(self.hidden), *hidden.neighbours(root)]
        kept = hidden.kept(root)
        outside = [path for path in secrets if not within(path, root)]
        inside = [path for path in secrets if within(path, root) and path != root]
        # On a read-only disk nothing can be mounted over the guarded folders, and nothing has to be.
        writable = writable and os.access(root, os.W_OK) and not _too_wide(root)
        machine = architecture()
        rules = seccomp.program(seccomp.in_namespaces(network), machine) if machine else b""
        open_to = [str(path) for path in (root, *also_writable, *map(Path, ("/dev", *hidden.PRIVATE)))]
        settings = {"filter": rules.hex(), "pipes": {"abi": self.landlock, "writable": open_to}}
        seen = [*also_readable, *(hidden.name_servers() if network else ())]
        command = [
            *(self.program, "--ro-bind", "/", "/", "--dev", "/dev", *_bounded("/dev/shm")),
            *("--remount-ro", "/dev", "--proc", "/proc", *_kernel_files()),
            *_private_folders(),
            *_hide(_outermost(path for path in outside if not private(path))),
            *(part for path in kept for part in ("--ro-bind", str(path), str(path))),
            *_hide(path for path in outside if any(within(path, one) for one in kept)),
            *_interpreter(root, outside),
            *(part for path in seen for part in ("--ro-bind", str(path), str(path))),
            *("--bind" if writable else "--ro-bind", str(root), str(root)),
            *(repositories.guarded(root) if writable else ()),
            *(part for path in also_writable for part in ("--bind", str(path), str(path))),
            *_hide(inside),
            *_hide(hidden.sockets(root, secrets)),
            *_ISOLATE,
            *(("--disable-userns",) if self.sealed else ()),
            *(() if network else ("--unshare-net",)),
            *("--setenv", "TMPDIR", "/tmp", "--setenv", "XDG_CACHE_HOME", "/tmp/.cache"),
            *("--chdir", str(root), "--", *start.entering(argv, settings)),
        ]
        return start.in_groups(command, cgroup.groups()) if self.grouped else command

    @contextlib.contextmanager
    def guard(self, project: Path) -> Iterator[None]:
        root = project.resolve()
        missing = [root / name for name in GUARDED if not os.path.lexists(root / name)]
        with shared_lock(root) as alone:
            try:
                yield
            finally:
                if alone():
                    for path in {root / ".git", root / BARE, *missing}:
                        remove_if_empty(path)
                if self.grouped:
                    cgroup.sweep()


def _limits(grouped: bool) -> str:
    each = f"files over {start.FILE_BYTES >> 30} GiB, memory of one process"
    if not grouped:
        return f"{each} (no control group here: of all processes, only time and the PID namespace limit it)"
    version = cgroup.places()[0].version
    return f"{each}; of all together {cgroup.PROCESSES} processes and 80 % of memory (cgroup v{version})"


def _too_wide(root: Path) -> bool:
    return hidden.too_wide(root) or any(
        (root / name).is_symlink()
        for name in GUARDED  # a link cannot be mounted over, only replaced
    )


def _bounded(folder: str) -> list[str]:
    """A temporary file system would take up to half of the memory by itself."""
    return ["--size", str(min(2 << 30, cgroup.memory_limit() // 3)), "--tmpfs", folder]


def _kernel_files() -> list[str]:
    """What is not about processes in `/proc` is the whole machine's, and root's to write in any namespace:
    `core_pattern` names a program that the kernel runs as root."""
    args = []
    for name in sorted(os.listdir("/proc")):
        of_processes = name.isdigit() or name == "sysvipc"  # links lead to such, too
        if not of_processes and _writable(f"/proc/{name}"):
            args += ["--ro-bind", f"/proc/{name}", f"/proc/{name}"]
    return args


def _writable(path: str) -> bool:
    with contextlib.suppress(OSError):
        mode = os.stat(path, follow_symlinks=False).st_mode
        return stat.S_ISDIR(mode) or (bool(mode & 0o222) and not stat.S_ISLNK(mode))
    return False


def _private_folders() -> list[str]:
    args = []
    for folder in hidden.PRIVATE:
        if os.path.isdir(folder) and not os.path.islink(folder):
            args += _bounded(folder)
    for folder in _KEPT_RUN:
        if os.path.isdir(folder):
            args += ["--ro-bind", folder, folder]
    return args


def _hide(secrets: Iterable[Path]) -> list[str]:
    args = []
    for path in secrets:
        args += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", _EMPTY, str(path)]
    return args


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie in another of them."""
    found: list[Path] = []
    for path in sorted(paths):
        if not found or not within(path, found[-1]):
            found.append(path)
    return found


def _interpreter(root: Path, hidden_paths: Sequence[Path]) -> list[str]:
    """Our own Python stays visible where it lies in a folder that was hidden."""
    args = []
    for prefix in interpreters(root, hidden_paths):
        args += ["--ro-bind", str(prefix), str(prefix)]
    return args


def interpreters(root: Path, hidden_paths: Sequence[Path]) -> list[Path]:
    """Folders of our own Python, and the helper's, that lie in a hidden one and hold no secret themselves."""
    found = []
    for prefix in sorted({Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), start.FOLDER}):
        covered = private(prefix) or any(within(prefix, path) for path in hidden_paths)
        holds_secret = any(within(path, prefix) for path in hidden_paths)
        if covered and not holds_secret and not within(prefix, root) and not within(root, prefix):
            found.append(prefix)
    return found


@contextlib.contextmanager
def shared_lock(folder: Path) -> Iterator[Callable[[], bool]]:
    """Mark that a command uses `folder`; the value tells whether it was the last one to."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)

        def alone() -> bool:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True

        yield alone
    finally:
        os.close(handle)


def remove_if_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            os.rmdir(path)
        elif path.name == BARE and stat.S_ISREG(found.st_mode) and found.st_size == 0:
            os.unlink(path)
