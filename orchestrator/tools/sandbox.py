"""Confines a command: everything read-only but the project, no network, no secrets in sight.

`probe` tries bubblewrap for real. Where it does not work the tier is "none", and the policy asks
before each command.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from orchestrator import paths
from orchestrator.errors import SandboxError

Tier = Literal["bwrap", "none"]
GUARDED = (".git", paths.PROJECT_FOLDER)
_PRIVATE = ("/tmp", "/var/tmp", "/run", "/var/run")  # sockets of other programs live here
_KEPT_RUN = ("/run/current-system", "/run/wrappers", "/run/opengl-driver")  # NixOS programs
_SECRET = (
    *(
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".docker",
        ".password-store",
        ".netrc",
        ".pgpass",
        ".my.cnf",
    ),
    *(
        ".git-credentials",
        ".npmrc",
        ".yarnrc.yml",
        ".pypirc",
        ".cargo/credentials",
        ".cargo/credentials.toml",
    ),
    *(
        ".config/gh",
        ".config/glab-cli",
        ".config/hub",
        ".config/git/credentials",
        ".config/gcloud",
        ".config/op",
    ),
    *(".config/rclone", ".config/sops", ".config/age", ".terraform.d", ".vault-token", ".huggingface"),
    *(".cache/huggingface/token", ".config/google-chrome", ".config/chromium", ".config/BraveSoftware"),
    *(
        ".config/microsoft-edge",
        ".config/vivaldi",
        ".config/opera",
        ".mozilla",
        ".thunderbird",
        ".var/app",
        "snap",
    ),
    *(".local/share/keyrings", ".local/share/kwalletd", ".bash_history", ".zsh_history", ".python_history"),
    *(".local/share/fish", "Library/Keychains", ".claude", ".codex", ".config/opencode"),
)
_SYSTEM_SECRET = ("/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/etc/sudoers", "/etc/sudoers.d")
_ISOLATE = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--new-session", "--die-with-parent", "--cap-drop", "ALL"),
)


class Sandbox(Protocol):
    """`tier` names what confines; `reason` says why it is "none"."""

    @property
    def tier(self) -> Tier: ...

    @property
    def reason(self) -> str: ...

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
        """Hold this while a wrapped command runs: afterwards no empty mount point stays behind."""
        ...


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """No sandbox: commands run as they are, so each needs the user's yes."""

    reason: str
    tier: Tier = "none"

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


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Bubblewrap (`bwrap`) with namespaces for users, processes, network and IPC."""

    program: str
    hidden: Path
    tier: Tier = "bwrap"
    reason: str = ""

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
        secrets = secret_paths(self.hidden)
        outside = [path for path in secrets if not _within(path, root)]
        inside = [path for path in secrets if _within(path, root) and path != root]
        # On a read-only disk nothing can be mounted over the guarded folders, and nothing has to be.
        writable = writable and os.access(root, os.W_OK) and not _too_wide(root)
        return [
            *(self.program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
            *_private_folders(),
            *_hide(path for path in outside if not _private(path)),
            *_interpreter(root, outside),
            *(part for path in also_readable for part in ("--ro-bind", str(path), str(path))),
            *("--bind" if writable else "--ro-bind", str(root), str(root)),
            *(_guarded(root) if writable else ()),
            *(part for path in also_writable for part in ("--bind", str(path), str(path))),
            *_hide(inside),
            *_ISOLATE,
            *(() if network else ("--unshare-net",)),
            *("--setenv", "TMPDIR", "/tmp", "--setenv", "XDG_CACHE_HOME", "/tmp/.cache"),
            *("--chdir", str(root), "--", *argv),
        ]

    @contextlib.contextmanager
    def guard(self, project: Path) -> Iterator[None]:
        root = project.resolve()
        missing = [root / name for name in GUARDED if not os.path.lexists(root / name)]
        with _shared_lock(root) as alone:
            try:
                yield
            finally:
                if alone():
                    for path in {root / ".git", *missing}:
                        _remove_if_empty(path)


def tidy(project: Path) -> None:
    """Remove the mount points that stay empty in a project where orch was killed during a command."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, RuntimeError):
        root = project.resolve()
        with _shared_lock(root) as alone:
            if alone():
                for name in GUARDED:
                    _remove_if_empty(root / name)


def probe(where: paths.Home | None = None) -> Sandbox:
    """The best sandbox that works here, hiding the node's home. Tried once per process."""
    return _probe((where or paths.home()).root)


@cache
def _probe(hidden: Path) -> Sandbox:
    if sys.platform != "linux":
        return NoSandbox("Bubblewrap exists on Linux only.")
    import shutil

    program = shutil.which("bwrap")
    if program is None:
        return NoSandbox("Bubblewrap is not installed: install the package bubblewrap.")
    sandbox = Bubblewrap(program, hidden)
    anywhere = Path(__file__).resolve().parent
    argv = sandbox.wrap(["sh", "-c", "exit 42"], project=anywhere, writable=False)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
            env={"PATH": os.defpath},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return NoSandbox(f"Bubblewrap does not run: {error}.")
    if done.returncode != 42:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return NoSandbox(f"Bubblewrap does not work here: {said[-1] if said else done.returncode}.")
    return sandbox


def secret_paths(hidden: Path) -> list[Path]:
    """What no command may see, the node's home among it, as it exists now; links resolved."""
    homes = {Path.home(), Path(os.environ.get("HOME") or Path.home())}
    wanted = [home / name for home in homes for name in _SECRET]
    wanted += [Path(name) for name in _SYSTEM_SECRET]
    wanted.append(hidden)
    found = {Path(os.path.realpath(path)) for path in wanted if path.exists()}
    return sorted(path for path in found if path != Path("/"))


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _private(path: Path) -> bool:
    return any(_within(path, Path(folder)) for folder in _PRIVATE)


def _too_wide(root: Path) -> bool:
    """A home folder, or what holds it: commands could rewrite start-up files, so they only read."""
    homes = {Path.home().resolve(), Path(os.environ.get("HOME") or Path.home()).resolve()}
    return any(_within(home, root) for home in homes) or any(
        (root / name).is_symlink()
        for name in GUARDED  # a link cannot be mounted over, only replaced
    )


def _private_folders() -> list[str]:
    args = []
    for folder in _PRIVATE:
        if os.path.isdir(folder) and not os.path.islink(folder):
            args += ["--tmpfs", folder]
    for folder in _KEPT_RUN:
        if os.path.isdir(folder):
            args += ["--ro-bind", folder, folder]
    return args


def _hide(secrets: Iterable[Path]) -> list[str]:
    args = []
    for path in secrets:
        args += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    return args


def _interpreter(root: Path, hidden: Sequence[Path]) -> list[str]:
    """Our own Python stays visible where it lies in a folder that was hidden."""
    args = []
    for prefix in sorted({Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}):
        covered = _private(prefix) or any(_within(prefix, path) for path in hidden)
        holds_secret = any(_within(path, prefix) for path in hidden)
        if covered and not holds_secret and not _within(prefix, root) and not _within(root, prefix):
            args += ["--ro-bind", str(prefix), str(prefix)]
    return args


def _guarded(root: Path) -> list[str]:
    """`.git` and `.orchestrator` as they are but read-only; empty and read-only where missing.

    A `git init` by a command, with `core.fsmonitor` set, would run code in the user's next git.
    """
    args = []
    for name in GUARDED:
        path = root / name
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            args += ["--ro-bind", str(path), str(path)]
        else:
            args += ["--tmpfs", str(path), "--remount-ro", str(path)]
    common = _common_folder(root / ".git")
    if common is not None and _within(common, root):
        args += ["--ro-bind", str(common), str(common)]
    return args


def _common_folder(git: Path) -> Path | None:
    """The folder that a `.git` file (worktree, submodule) points at."""
    if not git.is_file():
        return None
    with contextlib.suppress(OSError, ValueError):
        target = git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        folder = (git.parent / target).resolve()
        if target and folder.is_dir() and folder != git.parent.resolve():
            return folder
    return None


@contextlib.contextmanager
def _shared_lock(folder: Path) -> Iterator[Callable[[], bool]]:
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


def _remove_if_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.rmdir(path)
