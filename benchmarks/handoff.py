"""`orch handoff` after one more session: a long history against a short one, on the real command.

    python benchmarks/handoff.py [--records 100000] [--commits 5000] [--rounds 5]

Two projects in homes of their own: one with 1,000 records and 100 commits, one with `--records` and
`--commits`. Before each measurement a session is added to both; then `orch handoff` runs in a process of
its own, in turns. Exit code 1 when the median of the long one is more than 1.5 times the short one's.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry
from orchestrator.workspaces import open_project

BUDGET = 1.5
SMALL = 1_000, 100
_SESSION = 50  # records
_PAGE = 1_000
_WORDS = (
    *("billing", "carrier", "rate", "second", "portal", "quota", "lock"),
    *("token", "key", "salt", "account", "queue", "ledger", "midnight"),
)


class Place:
    """A home with a journal, and a repository."""

    def __init__(self, root: Path, records: int, commits: int) -> None:
        self.root, self.home = root / "heron", Home(root / "home")
        self.root.mkdir(parents=True)
        self._random = random.Random(7)
        self._sessions = 0
        self._git("init", "-q", "-b", "main")
        self._git("fast-import", "--quiet", stdin=_history(commits))
        self._git("reset", "-q", "--hard", "main")
        self.project = open_project(self.root)
        self.handoff()  # makes the home
        with SqliteJournal.open(self.home) as journal:
            for start in range(0, records, _PAGE):
                count = min(_PAGE, records - start)
                journal.append([entry for _ in range(count // _SESSION) for entry in self._session()])

    def add(self) -> None:
        with SqliteJournal.open(self.home) as journal:
            journal.append(self._session())

    def handoff(self) -> float:
        """Seconds of one `orch handoff`."""
        command = [str(Path(sys.executable).with_name("orch")), "handoff", "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "ORCH_HOME": str(self.home.root)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
        return time.perf_counter() - began

    def _session(self) -> list[Entry]:
        """What a session leaves behind: prompts, calls, results, answers and two notes."""
        self._sessions += 1
        session, project = f"{self._random.getrandbits(128):032x}", self.project.id

        def entry(kind: str, **body: object) -> Entry:
            return Entry(kind, body, project, session)  # type: ignore[arg-type]

        records = [entry("session", event="start", model="qwen2.5-coder-0.5b", mode="ask", tiers=[])]
        for turn in range((_SESSION - 4) // 4):
            records += [
                entry("message", role="user", text=self._sentence()),
                entry("tool_call", name="shell", arguments={"command": f"make part{turn}"}),
                entry("tool_result", name="shell", ok=turn % 5 > 0, exit_code=int(turn % 5 == 0), text="out"),
                entry("message", role="assistant", text=self._sentence()),
            ]
        kind = ("decision", "lesson", "next", "blocker")[self._sessions % 4]
        records.append(entry(kind, text=self._sentence(), by="user", status="confirmed"))
        records.append(entry("note", text=self._sentence(), by="model", status="claimed"))
        return [*records, entry("session", event="end", reason="done")]

    def _sentence(self) -> str:
        return " ".join(self._random.choices(_WORDS, k=14)) + f" {self._random.randrange(10**6)}."

    def _git(self, *args: str, stdin: str | None = None) -> None:
        subprocess.run(["git", *args], cwd=self.root, input=stdin, text=True, check=True, capture_output=True)


def _history(commits: int) -> str:
    """For `git fast-import`: each commit changes one of sixty files."""
    lines = []
    for number in range(commits):
        subject, text = f"change {number}", f"line {number}\n"
        lines += [
            "commit refs/heads/main",
            f"committer Ada <ada@example.org> {1_700_000_000 + number * 600} +0000",
            f"data {len(subject)}\n{subject}",
            f"M 644 inline src/part{number % 60}.py\ndata {len(text)}\n{text}",
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--commits", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        short = Place(Path(folder) / "short", *SMALL)
        long = Place(Path(folder) / "long", given.records, given.commits)
        times: dict[str, list[float]] = {"short": [], "long": []}
        for _ in range(given.rounds):
            for name, place in (("short", short), ("long", long)):
                place.add()
                times[name].append(place.handoff())
    print(f"{'':<8}{'records':>10}{'commits':>10}{'median':>10}{'best':>10}")
    for name, (records, commits) in (("short", SMALL), ("long", (given.records, given.commits))):
        row = times[name]
        print(f"{name:<8}{records:>10,}{commits:>10,}{statistics.median(row):>8.2f} s{min(row):>8.2f} s")
    ratio = statistics.median(times["long"]) / statistics.median(times["short"])
    print(f"long / short: {ratio:.2f} (budget {BUDGET})")
    return int(ratio > BUDGET)


if __name__ == "__main__":
    raise SystemExit(main())
