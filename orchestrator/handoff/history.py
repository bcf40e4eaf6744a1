"""What git tells of a project's past: its age, who and how many, releases, what changes most.

The newest thousand commits are read; of all others only how many there are and when it began, and
that is kept, so that the next time only new commits are counted. E-mail addresses are never asked for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator import durable
from orchestrator.documents.plain import code, counted, prose
from orchestrator.errors import OrchError
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.manifests import parser_of
from orchestrator.handoff.tree import TEXTS, language_of
from orchestrator.vcs import Commit, Repository

WINDOW = 1000
"""Commits that are read, newest first."""
_MOST_NAMED = 20
_SHOWN_COMMITS = 3
_SHOWN_FILES = 6
SUBJECT = re.compile(r"^(?:- )?\d{4}-\d\d-\d\d ")
"""Begins a line that tells of one commit."""
_ROUTINE = re.compile(r"Merge |(?:build|chore|ci)\(deps|Bump \S+ from|Update \S+ requirement", re.I)
_RELEASE = re.compile(r"^((?:[A-Za-z][\w\-]*[-_@/])?v?)(\d+(?:\.\d+)+)([\w.\-+]*)$")
"""Prefix, number and the rest of a release's tag. `2.1.x` names a line of releases and not one."""
_LINE = re.compile(r"[._\-][xX]$")
_EARLY = re.compile(r"[a-z]", re.I)


@dataclass(frozen=True, slots=True)
class Past:
    """`commits` in all, `first` the day of the oldest (ISO 8601), `authors` those of the `window` newest
    commits; `hot` are paths with the number of those commits that changed them."""

    commits: int
    first: str
    authors: int
    window: int
    recent: tuple[Commit, ...]
    hot: tuple[tuple[str, int], ...]
    releases: int = 0
    release: Commit | None = None
    """The release tagged last; `subject` is the tag."""
    highest: Commit | None = None
    """The release of the highest number, where the one tagged last belongs to an older line."""


def past(repository: Repository, kept: Path | None = None) -> Past | None:
    """What git tells; None before the first commit. At most seven calls, whatever the length of history.

    `kept` is a file in which the count of commits is remembered. Raises `VcsError`.
    """
    head = repository.query("rev-parse", "--verify", "--quiet", "HEAD") if repository.head() else ""
    if not head:
        return None
    below = ["--", "."] if repository.folder != repository.root else ["--"]
    form = "--format=%x1e%h%x1f%cs%x1f%aN%x1f%s"
    log = repository.query(
        "log", "-z", f"-{WINDOW}", "--no-renames", "--name-only", "--relative", form, *below
    )
    recent, authors, hot = _window(log)
    if not recent:
        return None
    if len(recent) < WINDOW:
        commits, first = len(recent), recent[-1].when
    else:
        commits, first = _whole(repository, head, below, kept)
    releases = _releases(repository)
    newest = releases[0] if releases else None
    highest = _highest(releases)
    return Past(commits, first, authors, len(recent), tuple(recent), hot, len(releases), newest, highest)


def _window(log: str) -> tuple[list[Commit], int, tuple[tuple[str, int], ...]]:
    commits: list[Commit] = []
    authors: set[str] = set()
    changed: Counter[str] = Counter()
    for piece in log.split("\x1e")[1:]:
        head, *paths = re.split(r"[\0\n]+", piece)
        id, when, author, subject = [*head.split("\x1f", 3), "", "", ""][:4]
        commits.append(Commit(id, when, subject))
        authors.add(author)
        if len(paths) < 200:  # a sweep over everything says nothing about one file
            changed.update({path for path in paths if _says(path)})
    hot = sorted(changed.items(), key=lambda item: (-item[1], item[0]))
    return commits, len(authors), tuple(hot[:50])


def _says(path: str) -> bool:
    """Whether it tells something that a file changes often: not so of manifests, lock files, settings."""
    plain = language_of(path) not in {"", *TEXTS} and not path.startswith(".")
    return plain and parser_of(path) is None and path.rpartition("/")[2] != "version.rb"


def _whole(repository: Repository, head: str, below: list[str], kept: Path | None) -> tuple[int, str]:
    """All commits, and the day of the first: counted once, then only what is new."""
    known = _known(kept)
    if known and known[0] == head:
        return known[1], known[2]
    try:
        if known and repository.query("merge-base", known[0], head) == known[0]:
            new = int(repository.query("rev-list", "--count", f"{known[0]}..{head}", *below))
            result = known[1] + new, known[2]
        else:
            count = int(repository.query("rev-list", "--count", head, *below))
            roots = repository.query("rev-list", "--max-parents=0", head).split()
            result = count, min(repository.query("log", "--no-walk", "--format=%cs", *roots[:20]).split())
    except (OrchError, ValueError):
        return 0, ""  # too long to count: what is not known is not said
    if kept is not None:
        _keep(kept, head, *result)
    return result


def _known(kept: Path | None) -> tuple[str, int, str] | None:
    try:
        data = json.loads(durable.read(kept, 4096)) if kept else {}
        if re.fullmatch(r"[0-9a-f]{40,64}", data["head"]) and re.fullmatch(r"[\d-]{10}", data["first"]):
            return data["head"], int(data["commits"]), data["first"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _keep(kept: Path, head: str, commits: int, first: str) -> None:
    try:
        durable.replace(kept, json.dumps({"head": head, "commits": commits, "first": first}).encode())
    except OSError:
        return  # it is counted again the next time


def _releases(repository: Repository) -> list[Commit]:
    """Tags of releases, the one made last first."""
    form = "--format=%(refname:short)%1f%(creatordate:short)%1f%(objectname:short)%1f%(*objectname:short)"
    rows = repository.query(
        "for-each-ref", "--count=5000", "--sort=-version:refname", "--sort=-creatordate", form, "refs/tags"
    ).splitlines()
    tags = [row.split("\x1f") for row in rows if row.count("\x1f") == 3]
    return [
        Commit(peeled or id, when, tag)
        for tag, when, id, peeled in tags
        if _RELEASE.match(tag) and not _LINE.search(tag)
    ]


def _highest(releases: Sequence[Commit]) -> Commit | None:
    """A finished release of a higher number than the one made last: that one was for an older line."""
    if not releases or not (last := _RELEASE.match(releases[0].subject)):
        return None
    best, highest = _number(last[2]), None
    for release in releases:
        found = _RELEASE.match(release.subject)
        if found and found[1] == last[1] and not _EARLY.search(found[3]) and _number(found[2]) > best:
            best, highest = _number(found[2]), release
    return highest


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:6] if len(part) < 12)


def facts(past: Past, there: frozenset[str]) -> list[Fact]:
    """Lines for PROJECT_CONTEXT.md, from what changes seldom to what each commit changes; `there` are the
    files that the project has now."""
    newest = past.recent[0]
    found = []
    if past.release:
        more = f"; {past.releases:,} releases are tagged" if past.releases > 1 else ""
        last = f"{code(past.release.subject, 60)} of {past.release.when}"
        if past.highest:
            highest = f"{code(past.highest.subject, 60)} of {past.highest.when}"
            text = f"Highest release: {highest}; an older line got {last}{more}"
            found.append(Fact(text, (past.highest.id, past.release.id)))
        else:
            found.append(Fact(f"Newest release: {last}{more}", (past.release.id,)))
    all_read = past.window < WINDOW or past.window == past.commits
    hot = [f"{code(path, 80)} ({count})" for path, count in past.hot if count > 1 and path in there]
    if hot:
        span = "all commits" if all_read else f"the last {past.window:,} commits"
        found.append(Fact(f"Changed most often in {span}: {', '.join(hot[:_SHOWN_FILES])}", (newest.id,)))
    people = counted(past.authors, "author", "authors")
    whose = f"by {people}" if all_read else f"the last {past.window:,} by {people}"
    days = newest.when if newest.when == past.first else f"{past.first} to {newest.when}"
    age = f"{counted(past.commits, 'commit', 'commits')}, {days}" if past.commits else f"Up to {newest.when}"
    found.append(Fact(f"{age}, {whose}", (newest.id,)))
    return found + [commit_fact(commit) for commit in _telling(past.recent)]


def _telling(recent: Sequence[Commit]) -> list[Commit]:
    """The newest few that are no routine; a change that was merged is told once."""
    shown: dict[str, Commit] = {}
    for commit in recent:
        if not _ROUTINE.match(commit.subject) and len(shown) < _SHOWN_COMMITS:
            shown.setdefault(re.sub(r" \(#\d+\)$", "", commit.subject), commit)
    return list(shown.values())


def commit_fact(commit: Commit) -> Fact:
    """One commit as a line of PROJECT_CONTEXT.md."""
    return Fact(f"{commit.when} {prose(commit.subject, 90)}", (commit.id,))


def named(repository: Repository, ids: Sequence[str]) -> list[Commit]:
    """Those of the commits that are there, each with its day and subject."""
    found = []
    for id in list(dict.fromkeys(ids))[:_MOST_NAMED]:
        try:
            text = repository.query(
                "log", "--no-walk", "--format=%h%x1f%cs%x1f%s", "--end-of-options", id, "--"
            )
        except OrchError:
            continue
        short, _, rest = text.partition("\x1f")
        when, _, subject = rest.partition("\x1f")
        if short:
            found.append(Commit(id, when, subject.rstrip("\n")))
    return found
