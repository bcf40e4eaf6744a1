"""Bringing a run's branch into the user's: only when a person says so, and all of it or nothing."""

from __future__ import annotations

from orchestrator.autonomy.plan import line
from orchestrator.errors import VcsError
from orchestrator.tools.sandbox import Sandbox
from orchestrator.vcs import Repository

_SECONDS = 120


def apply(user: Repository, branch: str, sandbox: Sandbox) -> str:
    """Merge `branch` into the branch that is checked out; says what was done. Raises `VcsError`, and then
    nothing has changed: a conflict, or uncommitted work in the way."""
    into = user.branch()
    if into is None:
        raise VcsError("No branch is checked out here.", "Switch to one, then apply again.")
    code, said = user.run(["merge-base", "--is-ancestor", branch, "HEAD"], _SECONDS)
    if code == 0:
        return f"{into} has all of {branch} already."
    fast = user.run(["merge-base", "--is-ancestor", "HEAD", branch], _SECONDS)[0] == 0
    writing = _writing(user, sandbox)
    if not fast:
        with sandbox.guard(user.root):
            _must_merge_cleanly(writing, branch, into)
    with sandbox.guard(user.root):
        code, said = writing.run(["merge", "--no-edit", "--no-verify", "--quiet", branch], _SECONDS)
        if code and (user.git_dir / "MERGE_HEAD").exists():
            writing.run(["merge", "--abort"], _SECONDS)
    if code:
        raise VcsError(
            f"{branch} was not merged into {into}, and nothing has changed: {_why(said)}.",
            "Commit or stash what is in the way, then apply again.",
        )
    return f"{into} has the work of {branch} now."


def _must_merge_cleanly(writing: Repository, branch: str, into: str) -> None:
    """Tried in git's own objects, before a file of the user's is touched."""
    code, said = writing.run(["merge-tree", "--write-tree", "--name-only", "HEAD", branch], _SECONDS)
    if code == 1:
        names = [row for row in said.splitlines()[1:] if row.strip()]
        until = next(
            (at for at, row in enumerate(names) if row.startswith(("Auto-", "CONFLICT"))), len(names)
        )
        raise VcsError(
            f"{branch} and {into} changed the same places, and nothing was merged: "
            f"{line(', '.join(names[:until]), 200)}.",
            f"Merge by hand (`git merge {branch}`), or discard the run.",
        )


def _why(said: str) -> str:
    """Git's reason, with the files that it names, in one line."""
    rows = [row.strip() for row in said.splitlines() if row.strip()]
    return line(" ".join(rows).removeprefix("error: "), 200).rstrip(".:")


def _writing(user: Repository, sandbox: Sandbox) -> Repository:
    folders = sorted({user.git_dir, user.common_dir})

    def wrap(argv: list[str]) -> list[str]:
        return sandbox.wrap(
            argv, project=user.root, writable=True, also_readable=folders, also_writable=folders
        )

    return Repository(user.root, user.root, user.git_dir, user.common_dir, wrap)
