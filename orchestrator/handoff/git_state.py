"""Where a repository stands, as values: read through `vcs`, each question bounded.

What git tells was written by others: subjects, branches and names of files are shown as code and never
as sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestrator.documents.plain import code, flat
from orchestrator.documents.tiers import TIERS
from orchestrator.errors import VcsError
from orchestrator.handoff.facts import Fact
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.vcs import Commit, Repository

HISTORY = 60
"""Commits that are looked at for what changed lately."""
COMMITS = 6
BRANCHES = 5
OLDER = 3
"""Commits that are shown where none is new."""
HOT = 4
UNCOMMITTED = 8
_SECONDS = 15
_MOST = 1000
_SHORT = 7
"""Digits of a commit's id, where git named none."""
_STATUS = ("git status",)
_NOISE = re.compile(
    r"^\.|\.lock$|(^|/)(package-lock\.json|go\.sum|requirements[\w\-./]*\.txt|change(s|log)\b)", re.I
)
"""What changes with everything says nothing."""
_OWN = frozenset(tier.filename for tier in TIERS)


@dataclass(frozen=True, slots=True)
class Branch:
    """One that holds commits which the current one does not. `when` is an ISO date."""

    name: str
    commit: str
    when: str


@dataclass(frozen=True, slots=True)
class GitState:
    """`head` is the short id, empty before the first commit; `branch` is empty when detached.

    `since` is the commit that `new` commits were counted from: what the last session began at. `hot` are
    files with the number of the newest `looked_at` commits that touched them.
    """

    branch: str = ""
    head: str = ""
    dirty: tuple[str, ...] = ()
    commits: tuple[Commit, ...] = ()
    since: str = ""
    new: int = 0
    hot: tuple[tuple[str, int], ...] = ()
    looked_at: int = 0
    branches: tuple[Branch, ...] = ()


def read(repository: Repository, since: str = "") -> GitState:
    """How things stand. Never reads more than the newest commits. Raises `VcsError`."""
    with ThreadPoolExecutor(4) as pool:  # four processes that wait for nothing of each other
        status = pool.submit(_status, repository)
        history = pool.submit(_history, repository)
        counted_since = pool.submit(_since, repository, since)
        branches = pool.submit(_branches, repository)
    branch, full, dirty = status.result()
    if not full:
        return GitState(branch, dirty=dirty)
    commits, touched = history.result()
    known, new = counted_since.result()
    return GitState(
        branch=branch,
        head=full[: max((len(commit.id) for commit in commits), default=_SHORT)],
        dirty=dirty,
        commits=tuple(commits[:COMMITS]),
        since=known,
        new=new,
        hot=_hot(touched),
        looked_at=len(commits),
        branches=tuple(one for one in branches.result() if one.name != branch)[:BRANCHES],
    )


def at(repository: Repository, commit: str, since: str = "") -> GitState:
    """What git said when `commit` was the newest, as far as history alone tells. Raises `VcsError`."""
    commits, touched = _history(repository, commit)
    known, new = _since(repository, since, commit)
    return GitState(
        head=commit,
        since=known,
        new=new,
        hot=_hot(touched),
        looked_at=len(commits),
    )


def where(state: GitState) -> Fact | None:
    """Branch, commit and how much is uncommitted."""
    name = f"Branch {code(state.branch, 60)}" if state.branch else "No branch"
    at = f" at {state.head}" if state.head else ", no commit yet"
    dirty = f", {counted(len(state.dirty), 'file')} uncommitted" if state.dirty else ""
    return Fact(f"{name}{at}{dirty}", ((state.head,) if state.head else ()) + _STATUS)


def commit_facts(state: GitState) -> tuple[Fact, ...]:
    """How many commits are new, the newest, and which files change most."""
    facts = []
    if state.new:
        many = "or more " if state.new >= _MOST else ""
        text = f"{counted(state.new, many + 'commit')} since the last session began, at {state.since}"
        facts.append(Fact(text, (state.head, state.since)))
    facts += [commit_fact(commit) for commit in state.commits[: max(state.new, OLDER)]]
    if state.hot:
        shown = ", ".join(f"{code(path, 80)} {count}" for path, count in state.hot)
        text = f"Changed most often in the newest {counted(state.looked_at, 'commit')}, merges aside: {shown}"
        facts.append(Fact(text, (state.head,)))
    return tuple(facts)


def commit_fact(commit: Commit) -> Fact:
    return Fact(f"{code(commit.subject, 100)}, {commit.when[:10]}", (commit.id,))


def open_work(state: GitState, changed: Mapping[str, str] | None = None) -> tuple[Fact, ...]:
    """What is not committed, and which branches hold what the current one does not.

    `changed`: of files that a session changed, path → citation.
    """
    facts = []
    if state.dirty:
        shown = ", ".join(code(path, 100) for path in state.dirty[:UNCOMMITTED])
        left = len(state.dirty) - UNCOMMITTED
        facts.append(
            Fact(
                f"Uncommitted: {shown}" + (f" and {left} more" if left > 0 else ""),
                (*_by(state, changed or {}), *_STATUS),
            )
        )
    for branch in state.branches:
        text = f"Branch {code(branch.name, 60)} is not merged here, last commit {branch.when[:10]}"
        facts.append(Fact(text, (branch.commit,)))
    return tuple(facts)


def _by(state: GitState, changed: Mapping[str, str]) -> tuple[str, ...]:
    """Who changed the first of the uncommitted files, and those in new folders."""
    shown = state.dirty[:UNCOMMITTED]
    new = tuple(path for path in shown if path.endswith("/"))
    cites = [cite for path, cite in changed.items() if path in shown or (new and path.startswith(new))]
    return tuple(dict.fromkeys(cites))[-3:]


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _status(repository: Repository) -> tuple[str, str, tuple[str, ...]]:
    options = ("--porcelain=v2", "--branch", "-z", "--no-renames", "--ignore-submodules=all")
    text = _git(repository, "status", *options, "--", *_below(repository))
    start = f"{repository.folder.relative_to(repository.root).as_posix()}/".removeprefix("./")
    branch, head, dirty = "", "", []
    for entry in text.split("\0"):
        if entry.startswith("# branch.oid "):
            head = entry[13:].replace("(initial)", "")
        elif entry.startswith("# branch.head "):
            branch = entry[14:].replace("(detached)", "")
        elif entry[:2] in ("1 ", "u ", "? "):
            dirty.append(entry.split(" ", _FIELDS[entry[0]])[-1].removeprefix(start))
    return flat(branch, 120), head, tuple(path for path in dirty if not is_own(path))


_FIELDS = {"1": 8, "u": 10, "?": 1}
"""Spaces before the path, by the kind of an entry of `status --porcelain=v2`."""


def _history(repository: Repository, newest: str = "HEAD") -> tuple[list[Commit], Counter[str]]:
    """The newest commits up to one, and how many of them touched each file."""
    form = "--format=%x1e%h%x1f%cI%x1f%s%x1f"
    options = (f"-{HISTORY}", "-z", "--name-only", "--no-renames", "--no-merges", "--relative")
    text = _git(repository, "log", *options, form, newest, "--", *_below(repository))
    commits, touched = [], Counter[str]()
    for part in text.split("\x1e")[1:]:
        fields = part.split("\x1f", 3)
        if len(fields) == 4:
            commits.append(Commit(*fields[:3]))
            paths = (path.strip("\n") for path in fields[3].split("\0"))
            touched.update({path for path in paths if path and not _NOISE.search(path) and not is_own(path)})
    return commits, touched


def _hot(touched: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Files that more than one of the commits touched, the most often touched first."""
    rows = sorted(touched.items(), key=lambda item: (-item[1], item[0]))
    return tuple((path, count) for path, count in rows if count > 1)[:HOT]


def _since(repository: Repository, since: str, newest: str = "HEAD") -> tuple[str, int]:
    """The commit, where it is still there, and how many came after it."""
    if not since or not since.isalnum():
        return "", 0
    options = ("--count", f"--max-count={_MOST}", "--end-of-options", f"{since}..{newest}", "--")
    status, text = repository.run(["rev-list", *options, *_below(repository)], _SECONDS, alone=True)
    return (since, int(text.strip() or 0)) if status == 0 else ("", 0)


def _branches(repository: Repository) -> list[Branch]:
    form = "--format=%(refname:short)%1f%(objectname:short)%1f%(committerdate:iso-strict)"
    limits = (f"--count={BRANCHES + 1}", "--sort=-committerdate", "--no-merged=HEAD")
    status, text = repository.run(["for-each-ref", *limits, form, "refs/heads"], _SECONDS, alone=True)
    if status != 0:  # before the first commit
        return []
    rows = [line.split("\x1f") for line in text.splitlines()]
    return [Branch(flat(row[0], 120), row[1], row[2]) for row in rows if len(row) == 3]


def _below(repository: Repository) -> tuple[str, ...]:
    """Limits a question to the project, where the repository holds more than that."""
    return () if repository.folder == repository.root else (".",)


def _git(repository: Repository, *args: str) -> str:
    status, text = repository.run(args, _SECONDS, alone=True)
    if status != 0:
        raise VcsError(f"git {args[0]} failed in {repository.root}.", f"Try `git {args[0]}` there.")
    return text


def is_own(path: str) -> bool:
    """Documents that orch writes, and its state: they change with each session."""
    parts: Sequence[str] = PurePosixPath(path).parts
    return bool(parts) and (parts[-1] in _OWN or PROJECT_FOLDER in parts)
