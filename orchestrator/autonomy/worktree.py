"""The folder in which a run works: a git worktree on a branch of its own, outside the user's tree.

Every git goes through the hardened door, confined: it may write in the run's folder and in the repository's
common one, and never in the user's tree. Only `apply` does that, which a person asks for.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.autonomy.plan import line
from orchestrator.documents.tiers import AGENTS, BRIEFING, LOG, PORTFOLIO, PROJECT
from orchestrator.errors import ProjectError, VcsError
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.tools.sandbox import Sandbox
from orchestrator.vcs import Repository, SteadyRepository, Wrap

BRANCH = "orch/run-"
SHORT = 8
"""Characters of a run's id in the names of its branch and folder."""
_SECONDS = 120
_GENERATED = (BRIEFING.filename, LOG.filename)
_COPIED = (PORTFOLIO.filename, PROJECT.filename, AGENTS.filename, *_GENERATED)
_DOCUMENT_BYTES = 4 << 20
_NOBODY = ("-c", "user.name=Orchestrator", "-c", "user.email=orch@localhost")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run works. `tree` is the worktree, `project` the project's folder in it; `user` is the user's
    own repository, which is only read."""

    folder: Path
    tree: Path
    project: Path
    branch: str
    user: Repository


def user_repository(root: Path, sandbox: Sandbox) -> Repository:
    """The user's, to be read. Raises `ProjectError` where a run cannot start from it."""
    found = Repository.find(root, lambda argv: sandbox.wrap(argv, project=root, writable=False))
    if found is None:
        raise ProjectError(
            f"{root} is in no git repository, and a run works on a branch.", "Say `git init` and commit."
        )
    wrap = _reading(found, sandbox)
    found = Repository(found.root, found.root, found.git_dir, found.common_dir, wrap)
    if found.head() is None:
        raise ProjectError(f"{found.root} has no commit to start from.", "Commit something first.")
    return found


def place_of(runs: Path, run: str, user: Repository, project: Path) -> Place:
    """Of the run with this id; creates nothing."""
    folder = runs / run[:SHORT]
    tree = folder / (user.root.name or "tree")
    return Place(folder, tree, tree / project.relative_to(user.root), BRANCH + run[:SHORT], user)


class Worktree:
    """The git of one run. Raises `VcsError`."""

    def __init__(self, place: Place, sandbox: Sandbox) -> None:
        self.place = place
        self._sandbox = sandbox
        self._tracks_generated = True
        self._excluded: tuple[str, ...] | None = None
        self._author: tuple[str, ...] | None = None
        self._repository: Repository | None = None

    # --- life ---------------------------------------------------------------------------------

    def make(self, base: str) -> None:
        """The folder and the branch at `base`, or what a killed process left of them put right."""
        place = self.place
        place.folder.mkdir(parents=True, exist_ok=True)
        if self._own() is None:
            shutil.rmtree(place.tree, ignore_errors=True)
            self._common("worktree", "prune")
            known = place.user.run(["rev-parse", "--verify", "--quiet", f"refs/heads/{place.branch}"])[0] == 0
            where = ["--", str(place.tree), place.branch] if known else ["-b", place.branch, "--"]
            self._common("worktree", "add", "--quiet", *where, *([] if known else [str(place.tree), base]))
        self._unlock()

    def furnish(
        self, project: Path, identity: str, workspace: Path | None, *, documents: bool = True
    ) -> None:
        """The id of the user's project, and its documents, where the branch does not have them."""
        inside = self.place.project
        inside.mkdir(parents=True, exist_ok=True)
        tracked = set(self._git("ls-files", "-z", "--", *_COPIED, at=inside).split("\0"))
        for name in _COPIED if documents else ():
            source = project / name
            if name == PORTFOLIO.filename and workspace is not None:
                source = workspace / name
            with contextlib.suppress(OSError):
                if name not in tracked and not (inside / name).exists() and source.is_file():
                    durable.replace(inside / name, durable.read(source, _DOCUMENT_BYTES))
        state = inside / PROJECT_FOLDER
        state.mkdir(exist_ok=True)
        durable.create(state / "project.toml", f'id = "{identity}"\n'.encode())
        durable.create(state / ".gitignore", b"*\n")

    def remove(self) -> None:
        """Leave nothing behind: worktree, branch, folder."""
        place = self.place
        if place.tree.exists():
            with contextlib.suppress(VcsError):
                self._common("worktree", "remove", "--force", "--force", str(place.tree))
            shutil.rmtree(place.tree, ignore_errors=True)
        self._common("worktree", "prune")
        if place.user.run(["rev-parse", "--verify", "--quiet", f"refs/heads/{place.branch}"])[0] == 0:
            self._common("branch", "--quiet", "-D", place.branch)
        shutil.rmtree(place.folder, ignore_errors=True)

    # --- what a step changed ------------------------------------------------------------------

    def stage(self) -> str:
        """Stage all that changed; the diff against the last commit, empty where nothing did."""
        self._repository = None  # a person may have changed the configuration since
        self._git("add", "--all", "--", ".", *self._not_ours())
        return self._git(
            "diff", "--cached", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD", "--", "."
        )

    def spare(self, paths: Collection[str]) -> None:
        """These stay as the last commit has them; relative to the project's folder."""
        if paths:
            self._git("checkout", "--quiet", "HEAD", "--", *sorted(paths), at=self.place.project)

    def staged(self) -> tuple[str, ...]:
        """Paths that are staged, relative to the worktree."""
        names = self._git("diff", "--cached", "--name-only", "--no-renames", "-z", "HEAD", "--", ".")
        return tuple(name for name in names.split("\0") if name)

    def old(self, path: str) -> str | None:
        """The text of a file in the last commit; None where there was none."""
        code, text = self._run(["cat-file", "blob", f"HEAD:{path}"])
        return text if code == 0 else None

    def commit(self, title: str, body: str) -> str:
        """What is staged, as one commit; its short id."""
        if self._author is None:
            self._author = () if self._run(["var", "GIT_AUTHOR_IDENT"])[0] == 0 else _NOBODY
        self._git(*self._author, "commit", "--quiet", "--no-verify", "-m", line(title, 72), "-m", body)
        return self.head()

    def restore(self) -> None:
        """Undo what is not staged: what a check wrote is no part of the work."""
        self._git("checkout", "--quiet", "--", ".", *self._not_ours())
        self._clean()

    def take_back(self) -> None:
        """Everything as it was at the last commit."""
        if not self._tracks_generated:
            self._git("reset", "--quiet", "--hard", "HEAD")
        else:  # the log has grown since, and stays
            self._git("reset", "--quiet", "--", ".")
            self._git("checkout", "--quiet", "HEAD", "--", ".", *self._not_ours())
        self._clean()

    def head(self) -> str:
        return self._git("rev-parse", "--short", "HEAD")

    def commits(self, base: str) -> list[tuple[str, str]]:
        """(short id, subject) of the run's commits, oldest first."""
        text = self._git("log", "--reverse", "--format=%h %s", f"{base}..HEAD", "--")
        return [(one.partition(" ")[0], one.partition(" ")[2]) for one in text.splitlines() if one]

    def diff(self, base: str, *options: str) -> str:
        return self._git("diff", "--no-color", "--no-ext-diff", "--no-textconv", *options, base, "HEAD", "--")

    def tracked(self) -> tuple[str, ...]:
        """Paths in the last commit, relative to the worktree."""
        return tuple(name for name in self._git("ls-files", "-z").split("\0") if name)

    # --- git ----------------------------------------------------------------------------------

    def _not_ours(self) -> tuple[str, ...]:
        """What orch writes is no work; a document that git knows may be, the generated ones never are."""
        if self._excluded is None:
            known = set(self._git("ls-files", "-z", "--", *_COPIED, at=self.place.project).split("\0"))
            names = [name for name in _COPIED if name in _GENERATED or name not in known]
            self._excluded = tuple(f":(exclude,top,glob)**/{name}" for name in names)
            self._tracks_generated = not known.isdisjoint(_GENERATED)
        return self._excluded

    def _clean(self) -> None:
        kept = [part for name in _COPIED for part in ("-e", name)]
        self._git("clean", "-fdq", *kept, "--", ".")

    def _own(self) -> Repository | None:
        tree = self.place.tree
        found = Repository.find(tree) if (tree / ".git").exists() else None
        if found is None or found.root != tree.resolve() or found.common_dir != self.place.user.common_dir:
            return None
        if self._repository is None:
            wrap = _working(found, tree, self._sandbox)
            self._repository = SteadyRepository(found.root, found.root, found.git_dir, found.common_dir, wrap)
        return self._repository

    def _run(self, args: Sequence[str], at: Path | None = None) -> tuple[int, str]:
        own = self._own()
        if own is None:
            raise VcsError(f"{self.place.tree} is no worktree any more.", "Discard the run, or resume it.")
        if at is not None and at != self.place.tree:
            args = ["-C", str(at), *args]
        with self._sandbox.guard(self.place.tree):
            return own.run(args, _SECONDS, alone=True)

    def _git(self, *args: str, at: Path | None = None) -> str:
        code, text = self._run(args, at)
        if code:
            name = next((arg for arg in args if not arg.startswith("-") and "=" not in arg), "")
            raise VcsError(f"git {name} failed in {self.place.tree} (exit {code}).", "See `orch runs`.")
        return text.strip("\n")

    def _common(self, *args: str) -> None:
        """A git that makes or removes what the user's repository knows of worktrees and branches."""
        place, user = self.place, self.place.user

        def wrap(argv: list[str]) -> list[str]:
            return self._sandbox.wrap(
                argv,
                project=place.folder,
                writable=True,
                also_readable=[user.root],
                also_writable=[user.common_dir],
            )

        repository = Repository(user.root, place.folder, user.git_dir, user.common_dir, wrap)
        with self._sandbox.guard(place.folder):
            code, said = repository.run([f"--git-dir={user.common_dir}", *args], _SECONDS)
        if code:
            raise VcsError(f"git {args[0]} failed: {line(said, 300)}", "See `git worktree list`.")

    def _unlock(self) -> None:
        """Locks that a killed git of this run left: nobody else works here, since the run is locked."""
        own = self._own()
        if own is None:
            raise VcsError(f"{self.place.tree} could not be made.", "See `git worktree list`.")
        branch = own.common_dir / "refs" / "heads" / f"{self.place.branch}.lock"
        for path in (own.git_dir / "index.lock", own.git_dir / "HEAD.lock", branch):
            path.unlink(missing_ok=True)


def _reading(user: Repository, sandbox: Sandbox) -> Wrap:
    def wrap(argv: list[str]) -> list[str]:
        seen = sorted({user.git_dir, user.common_dir} - {user.root})
        return sandbox.wrap(argv, project=user.root, writable=False, also_readable=seen)

    return wrap


def _working(own: Repository, tree: Path, sandbox: Sandbox) -> Wrap:
    def wrap(argv: list[str]) -> list[str]:
        folders = sorted({own.git_dir, own.common_dir})
        return sandbox.wrap(argv, project=tree, writable=True, also_readable=folders, also_writable=folders)

    return wrap
