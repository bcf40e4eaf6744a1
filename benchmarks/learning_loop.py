"""The learning loop: what session 1 learned, asked in session 5.

    python benchmarks/learning_loop.py [MODEL …] [--repository FOLDER]

Five sessions in one repository (a copy of FOLDER, or a small one that is made), each a process of its own,
through the real command line. Session 1 leaves a fact, a decision, an approach that failed and a blocker;
session 3 changes the decision; sessions 2, 4 and 5 do other work. Then `orch handoff --check` must pass,
and each MODEL (default: the 0.5B) is asked four questions, each in a fresh process, with nothing but the
documents and what it finds. Printed: whether the answer names the right thing, and not the one that was
changed. There is no budget: the numbers are what they are. Exit code 1 when the documents are wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ORCH = [sys.executable, "-m", "orchestrator.cli"]
README = "# Heron\n\nBills calls by the second.\n"
CODE = "def charge(account, amount):\n    account.left -= amount\n"


@dataclass(frozen=True, slots=True)
class Item:
    """Something of session 1, how it is asked for, what a right answer has, and what it must not have."""

    name: str
    question: str
    right: tuple[str, ...]
    wrong: tuple[str, ...] = ()


ITEMS = (
    Item("fact", "How are the quota tests run?", ("TZ=UTC",)),
    Item("decision", "Which database did we choose for the quota counter?", ("PostgreSQL",), ("SQLite is",)),
    Item("dead end", "What was tried as the quota counter, failed, and must not be tried again?", ("Redis",)),
    Item("blocker", "What blocks the rates?", ("Portugal",)),
)


class Loop:
    """The five sessions. `folder` is the repository, `home` an ORCH_HOME of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._home = home

    def play(self) -> None:
        """All five. Raises `subprocess.CalledProcessError` when a command fails."""
        self.orch("init", str(self.folder))
        decision = self.orch(
            "note", "decision", "SQLite for the quota counter", "--because", "no server needed"
        )
        self.orch("note", "lesson", "quota tests are run with TZ=UTC, or test_midnight fails")
        self.orch("note", "dead_end", "Redis as the quota counter: it lost 14 increments at restart")
        self.orch("note", "blocker", "the rate table for Portugal is missing")
        self.session("What does README.md say?", "It says what the project bills.")
        self.session("Good morning!", "Good morning.")
        because = "SQLite locked under three writers"
        cited = decision.strip().splitlines()[-1]
        self.orch(
            "note",
            "decision",
            "PostgreSQL for the quota counter",
            "--because",
            because,
            "--supersedes",
            cited,
        )
        self.session("What is a mutex?", "A lock.")
        self.session("Thanks.", "You are welcome.")
        self.session("What comes next?", "The rates.")
        self.orch("handoff")
        self.orch("handoff", "--check")

    def session(self, prompt: str, answer: str) -> None:
        """One scripted session, in a process of its own."""
        steps = self._home / "steps.json"
        steps.write_text(json.dumps([{"answer": answer}]), encoding="utf-8")
        self.orch("ask", prompt, "--model", f"scripted:{steps}")

    def asked(self, model: str, question: str) -> str:
        return self.orch("ask", question, "--model", model, "--mode", "read-only", "--quiet")

    def briefing(self) -> str:
        return (self.folder / "SESSION_BRIEFING.md").read_text(encoding="utf-8")

    def orch(self, *args: str) -> str:
        environment = {**os.environ, "ORCH_HOME": str(self._home)}
        done = subprocess.run(
            [*ORCH, *args],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


def repository(folder: Path, original: Path | None) -> None:
    """A copy of `original`, or a small repository."""
    if original is not None:
        subprocess.run(["git", "clone", "-q", str(original), str(folder)], check=True)
        return
    folder.mkdir()
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "quota.py").write_text(CODE, encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Bill by the second"]):
        subprocess.run([*git, *command], check=True)


def wrong(briefing: str) -> list[str]:
    """What the briefing of session 5 says wrongly, or not at all."""
    wanted = ("TZ=UTC", "PostgreSQL for the quota counter", "Redis as the quota counter", "Portugal")
    missing = [f"{text} is missing" for text in wanted if text not in briefing]
    stale = "- SQLite for the quota counter"
    return missing + ([f"{stale!r} was changed in session 3"] if stale in briefing else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", default=["qwen2.5-coder-0.5b"])
    parser.add_argument("--repository", type=Path)
    given = parser.parse_args()
    from orchestrator.paths import home

    models = home().models
    with tempfile.TemporaryDirectory(prefix="orch-loop-") as area:
        here = Path(area)
        (here / "home").mkdir()
        (here / "home" / "models").symlink_to(models)
        folder = here / (given.repository.stem if given.repository else "heron")
        repository(folder, given.repository)
        loop = Loop(folder, here / "home")
        loop.play()
        faults = wrong(loop.briefing())
        print("documents of session 5: " + ("right" if not faults else "; ".join(faults)))
        for model in given.models:
            for item in ITEMS:
                said = loop.asked(model, item.question).strip()
                right = all(text in said for text in item.right) and not any(t in said for t in item.wrong)
                verdict = "right" if right else "WRONG"
                print(f"{model:<20} {item.name:<9} {verdict}  {' '.join(said.split())[:140]}")
        shutil.rmtree(folder)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
