"""The only door to git. A repository is untrusted: nothing that it configures may run.

Every git process gets a fresh environment (`env -i`), no system or user configuration, no network
protocol, and each key of the repository's configuration that names a program overridden. Where
there is a sandbox, `wrap` puts the process inside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import durable
from orchestrator.errors import VcsError

if TYPE_CHECKING:
    from git.cmd import Git

Wrap = Callable[[list[str]], list[str]]
_LINK_BYTES = 64 * 1024  # far more than a path takes

_BASE = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "core.editor": "true",
    "core.untrackedCache": "false",
    "core.sshCommand": "false",
    "core.askPass": "true",
    "sequence.editor": "true",
    "credential.helper": "",
    "protocol.allow": "never",
    "gpg.program": "false",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "log.showSignature": "false",
    "submodule.recurse": "false",
    "init.templateDir": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
# From git-config(1): last components and sections whose values are programs, or lead to one.
_PROGRAM_NAMES = """
alternaterefscommand askpass clean cmd command defaultkeycommand difffilter driver editor external
fsmonitor gitproxy helper hookspath packobjectshook pager process program receivepack smudge
sshcommand templatedir textconv update uploadpack vcs
"""
_PROGRAM_SECTIONS = """
alias browser credential difftool filter guitool hook instaweb man mergetool pager protocol
sendemail trailer
"""
_DIFFING = ("blame", "diff", "log", "show", "stash", "whatchanged", "reflog")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `when` is ISO 8601 with offset."""

    id: str
    when: str
    subject: str


@dataclass(frozen=True, slots=True)
class _Local:
    """What the repository's own configuration holds that matters here."""

    overrides: dict[str, str]
    names_identity: bool
    moves_worktree: bool
    filters: tuple[str, ...]


class Repository:
    """One repository, seen from `folder`. Methods raise `VcsError`."""

    def __init__(self, root: Path, folder: Path, git_dir: Path, common_dir: Path, wrap: Wrap | None) -> None:
        self.root = root
        self.folder = folder
        self.git_dir = git_dir
        self.common_dir = common_dir
        self._wrap = wrap
        self._gitpython: Git | None = None

    @classmethod
    def find(cls, path: Path, wrap: Wrap | None = None) -> Repository | None:
        """The repository that holds `path`, or None. Starts no process and imports no GitPython."""
        folder = path.resolve()
        for root in (folder, *folder.parents):
            git_dir = _git_dir(root / ".git")
            if git_dir is not None:
                return cls(root, folder, git_dir, _common_dir(git_dir), wrap)
        return None

    def head(self) -> str | None:
        """Short id of the current commit; None before the first."""
        return self._git("rev-parse", "--verify", "--quiet", "--short", "HEAD", missing=True) or None

    def branch(self) -> str | None:
        """Name of the current branch; None when detached."""
        return self._git("symbolic-ref", "--quiet", "--short", "HEAD", missing=True) or None

    def dirty(self) -> list[str]:
        """Paths that differ from the last commit, untracked ones included, relative to the root."""
        fields = self._git("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=all").split(
            "\0"
        )
        return [field[3:] for field in fields if len(field) > 3]

    def has(self, commit: str) -> bool:
        """Whether a commit of that (short) id exists."""
        found = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}", missing=True
        )
        return bool(found)

    def query(self, *args: str) -> str:
        """What a git command prints that only reads. The caller vouches for `args`."""
        return self._git(*args)

    def filters(self) -> tuple[str, ...]:
        """Names of content filters (lfs …) that the repository configures, and that are off here."""
        return self._local().filters

    def command(self, args: Sequence[str], wrap: Wrap | None = None) -> list[str]:
        """The full hardened command line for `git ARGS`; it brings its own environment."""
        local = self._local()
        config = _BASE | local.overrides | ({} if local.names_identity else _identity()) | _trusted(self.root)
        place = {}
        if local.moves_worktree:  # read before any override; only these variables win over it
            place = {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.root)}
        argv = [*_hardened(config, place), "--no-pager", *_quiet_diff(list(args))]
        wrap = wrap or self._wrap
        return wrap(argv) if wrap else argv

    def run(self, args: Sequence[str], timeout: float = 30, *, alone: bool = False) -> tuple[int, str]:
        """Exit code, and stdout and stderr together, or stdout `alone`. The caller vouches for `args`."""
        try:
            done = subprocess.run(
                self.command(args),
                cwd=self.folder,
                env=_bare(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if alone else subprocess.STDOUT,
                start_new_session=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            raise VcsError("git is not installed.", "Install the package git.") from error
        except subprocess.TimeoutExpired as error:
            raise VcsError(f"git {args[0]} took longer than {timeout:g} s.") from error
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def _git(self, *args: str, missing: bool = False) -> str:
        """Through GitPython. `missing`: exit code 1 means that there is none."""
        if self._gitpython is None:
            self._gitpython = _open(self)
        from git.exc import GitCommandError, GitError

        try:
            return str(self._gitpython.execute(["git", *args], strip_newline_in_stdout=True))
        except GitCommandError as error:
            if missing and error.status in (1, 128):
                return ""
            said = str(error.stderr or error).strip()
            raise VcsError(f"git {args[0]} failed: {said}") from error
        except GitError as error:
            raise VcsError(f"git {args[0]} failed: {error}") from error

    def _local(self) -> _Local:
        """Read anew each time, since it may have changed. Reading runs nothing, and is confined too."""
        config = _BASE | _trusted(self.root)
        argv = [*_hardened(config, {}), "config", "--list", "--includes", "--name-only", "-z"]
        for _ in range(2):  # another program's socket may go between being listed and being hidden
            code, text, said = _capture(self._wrap(argv) if self._wrap else argv, self.folder)
            if code == 0:
                break
        else:
            raise VcsError(
                f"The git repository {self.root} cannot be read: {said.strip()}", "Try `git status`."
            )
        names = [name for name in text.split("\0") if name]
        if any(name.startswith("includeif.onbranch") for name in names):
            raise VcsError(
                "This repository includes configuration depending on the branch, which cannot be checked.",
                "Remove includeIf.onbranch from its configuration.",
            )
        base = {key.lower() for key in _BASE}
        overrides = {
            name: _harmless(name) for name in names if name.lower() not in base and _runs_program(name)
        }
        filters = {name.split(".", 1)[1].rpartition(".")[0] for name in names if name.startswith("filter.")}
        return _Local(overrides, "user.email" in names, "core.worktree" in names, tuple(sorted(filters)))


class SteadyRepository(Repository):
    """Its configuration is read once, which halves the processes: for one piece of work, during which nobody
    but the user could change it."""

    _kept: _Local | None = None

    def _local(self) -> _Local:
        if self._kept is None:
            self._kept = super()._local()
        return self._kept


def _git_dir(dot_git: Path) -> Path | None:
    """The git directory behind `.git`, a folder or a file; None unless it really is one."""
    folder = dot_git
    if dot_git.is_file():
        try:
            target = durable.read(dot_git, _LINK_BYTES).decode().removeprefix("gitdir:").strip()
        except (OSError, UnicodeDecodeError):
            return None
        folder = dot_git.parent / target
    try:
        folder = folder.resolve()
        common = _common_dir(folder)
        real = (folder / "HEAD").is_file() and (common / "objects").is_dir() and (common / "refs").is_dir()
        real = real and (common == folder or common in folder.parents)  # as git makes worktrees
    except (OSError, ValueError):
        return None
    return folder if real else None


def _common_dir(git_dir: Path) -> Path:
    try:
        return (git_dir / durable.read(git_dir / "commondir", _LINK_BYTES).decode().strip()).resolve()
    except (OSError, UnicodeDecodeError, ValueError):
        return git_dir


def _runs_program(key: str) -> bool:
    parts = key.lower().split(".")
    return parts[0] in _PROGRAM_SECTIONS.split() or parts[-1] in _PROGRAM_NAMES.split()


def _harmless(key: str) -> str:
    """A value under which git does its work without the program."""
    section, last = key.lower().split(".")[0], key.lower().split(".")[-1]
    if section == "protocol":
        return "never"
    if section == "diff" and last == "textconv":
        return "cat"
    if (section, last) == ("merge", "driver"):
        return "false"  # an empty one would count as a clean merge
    if last == "update":
        return "none"
    if last == "program":
        return "false"
    return "false" if section == "pager" else ""


def _quiet_diff(args: list[str]) -> list[str]:
    if not args or args[0] not in _DIFFING:
        return args
    if args[0] in ("stash", "reflog") and len(args) < 2:
        return args
    at = 2 if args[0] in ("stash", "reflog") else 1
    if args[0] in ("stash", "reflog") and args[1] != "show":
        return args
    off = ["--no-textconv"] if args[0] == "blame" else ["--no-ext-diff", "--no-textconv"]
    return [*args[:at], *off, *args[at:]]


def _bare() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "USERPROFILE", "PATHEXT", "TEMP", "TMP")
    return {"LC_ALL": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ}


def _hardened(config: dict[str, str], place: dict[str, str]) -> list[str]:
    """`env -i … git`: nothing inherited can steer git, GitPython's copy of our environment neither."""
    if sys.platform == "win32":
        return ["git", *(part for key, value in config.items() for part in ("-c", f"{key}={value}"))]
    variables = _bare() | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "true",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    for number, (key, value) in enumerate(config.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return ["env", "-i", *(f"{name}={value}" for name, value in (variables | place).items()), "git"]


@lru_cache(maxsize=8)
def _user_config(environment: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Identity and trusted folders, from the user's own configuration only. Reading runs nothing, and starts
    at the root of the disk, where no repository has a say: so it is not confined."""
    pattern = r"^(user\.(name|email)|safe\.directory)$"
    argv = [_unconfined_git(), "config", "--global", "-z", "--get-regexp", pattern]
    code, text, _ = _capture(argv, Path(Path.cwd().anchor), dict(environment))
    pairs = (entry.partition("\n") for entry in text.split("\0") if entry) if code == 0 else ()
    return tuple((key, value) for key, _, value in pairs)


def _unconfined_git() -> str:
    """The system's own first: PATH may name a folder of the project, where a command could put another."""
    return shutil.which("git", path=f"{os.defpath}{os.pathsep}{os.environ.get('PATH', '')}") or "git"


def _global() -> tuple[tuple[str, str], ...]:
    names = ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME")
    own = {name: os.environ[name] for name in names if name in os.environ}
    return _user_config(tuple((_bare() | own).items()))


def _identity() -> dict[str, str]:
    return {key: value for key, value in _global() if key.startswith("user.")}


def _trusted(root: Path) -> dict[str, str]:
    """`safe.directory`, which git takes from the user only and our hardening hides."""
    values = [value for key, value in _global() if key == "safe.directory"]
    return {"safe.directory": str(root)} if "*" in values or str(root) in values else {}


def _capture(argv: list[str], cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=_bare() if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except FileNotFoundError as error:
        raise VcsError("git is not installed.", "Install the package git.") from error
    except subprocess.TimeoutExpired as error:
        raise VcsError("git did not answer within 10 s.") from error
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def _open(repository: Repository) -> Git:
    """GitPython's git, whose every process goes through `Repository.command`.

    Its import runs `git version` once, which reads no repository. `git.Repo` is left out: it reads
    the repository's configuration, includes too, before anything could be overridden.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is our error to tell
    os.environ.setdefault("GIT_PYTHON_GIT_EXECUTABLE", _unconfined_git())
    from git.cmd import Git

    class HardenedGit(Git):  # type: ignore[misc]
        def execute(self, command: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            argv = repository.command([str(part) for part in command[1:]])
            if sys.platform != "win32":
                kwargs.setdefault("kill_after_timeout", 30)
            return super().execute(argv, *args, **kwargs)

    return HardenedGit(str(repository.folder))
