"""A git repository made from values: same files, authors, dates and commit ids each time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Files = Mapping[str, str | None]
"""Path to text; None removes the file."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of March 2025, on `day` at 10:00 UTC. `branch` is made where the last commit stands."""

    author: str
    day: int
    message: str
    files: Files
    branch: str = "main"
    tag: str = ""


def build(folder: Path, commits: Sequence[Commit], uncommitted: Files | None = None) -> Path:
    """Make the repository in `folder` (created; must not exist yet) and return it, on `main`.

    `uncommitted` is left in the working tree, as a person's work usually is. Scripts (`.sh`, or a
    first line with `#!`) are executable.
    """
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    branches = {"main"}
    for commit in commits:
        if commit.branch not in branches:
            git(folder, "checkout", "--quiet", "-b", commit.branch)
            branches.add(commit.branch)
        elif len(branches) > 1:
            git(folder, "checkout", "--quiet", commit.branch)
        _write(folder, commit.files)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", commit.message, author=commit.author, day=commit.day)
        if commit.tag:
            git(folder, "tag", commit.tag)
    if len(branches) > 1:
        git(folder, "checkout", "--quiet", "main")
    _write(folder, uncommitted or {})
    return folder


def git(folder: Path, *arguments: str, author: str = "Ana Lopes", day: int = 1) -> str:
    """What git prints. Raises `CalledProcessError` where it fails."""
    mail = author.lower().replace(" ", ".") + "@example.org"
    date = f"2025-03-{day:02}T10:00:00+00:00"
    person = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", author), ("EMAIL", mail), ("DATE", date))
    }
    # The user's own git configuration (hooks, signing, templates) has no say here.
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TEMPLATE_DIR": ""}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    safe = ("-c", "core.hooksPath=", "-c", "core.fsmonitor=", *arguments)
    done = subprocess.run(
        ["git", *safe],
        cwd=folder,
        check=True,
        capture_output=True,
        env=inherited | person | nowhere,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    return done.stdout


def _write(folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        if path.suffix == ".sh" or text.startswith("#!"):
            path.chmod(0o755)
