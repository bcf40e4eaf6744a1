"""The commits that documents cite: what they are, and which are cited in vain, since they were rebased away.

One git call for all of them, another one for suspects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from orchestrator.vcs import Commit, Repository

MOST = 500
"""Commits that are asked for at once."""
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_NAMED = re.compile(r"([0-9a-f]{4,64}) (\S+)")


def named(repository: Repository, commits: Iterable[str]) -> dict[str, Commit]:
    """Those of the (short) ids that are commits here, as they were given. Raises `VcsError`."""
    wanted = [commit for commit in dict.fromkeys(commits) if _COMMIT.fullmatch(commit)][:MOST]
    if not wanted:
        return {}
    form = "--format=%H%x1f%cI%x1f%s"
    code, said = repository.run(["log", "--no-walk", "--ignore-missing", "-z", form, *wanted, "--"])
    rows = [row.strip("\n").split("\x1f", 2) for row in said.split("\0")] if code == 0 else []
    found = {row[0]: Commit(*row) for row in rows if len(row) == 3}
    known = {one: [commit for commit in found if commit.startswith(one)] for one in wanted}
    return {one: replace(found[whole[0]], id=one) for one, whole in known.items() if len(whole) == 1}


def lost(repository: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Those of the (short) ids that nothing leads to, with why. Raises `VcsError`.

    A branch, a tag, a remote's branch or HEAD keeps a commit. What a shallow clone does not hold may well
    be in the history it was cut from: that is not said to be lost.
    """
    wanted = [commit for commit in dict.fromkeys(commits) if _COMMIT.fullmatch(commit)][:MOST]
    if not wanted:
        return {}
    _, said = repository.run(["name-rev", "--", *wanted])
    named = {match[1]: match[2] for row in said.splitlines() if (match := _NAMED.fullmatch(row))}
    shallow = (repository.common_dir / "shallow").exists()
    found = {} if shallow else {one: "is not in this repository" for one in wanted if one not in named}
    suspects = [one for one in wanted if named.get(one) == "undefined"]
    if suspects:  # HEAD may be detached, and dates may mislead `name-rev`
        code, said = repository.run(["rev-list", *suspects, "--not", "--all", "HEAD", "--"])
        whole = said.split() if code == 0 else []
        rebased = [one for one in suspects if any(commit.startswith(one) for commit in whole)]
        found |= {one: "is in no branch any more (rebased away?)" for one in rebased}
    return found
