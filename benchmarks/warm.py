"""Warm handoff: time to first token of a fresh process, cold against warm, on the real `orch ask`.

    python benchmarks/warm.py [MODEL …] [--models FOLDER] [--others 200]

A project whose documents fill their 4,000 tokens, in a home of its own. For each model, each line in
a process of its own: `orch ask --cold`, which prefills everything; `orch warm`; the same question
warm; the same after an entry of some 300 tokens was added to the log; a question in a new folder; and
the warm one again with the snapshots of `--others` projects beside it. Times are what the worker
measured, from the request to the first token, model load aside. Exit code 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.paths import home

MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
QUESTION = "What is a mutex?"
RATIO, TAIL, EMPTY, CROWD = 1 / 20, 400, 100, 1.5
"""Warm over cold; tokens prefilled after a changed log, and in a new folder; many projects over alone."""


@dataclass(frozen=True)
class Asked:
    """One `orch ask`: milliseconds to the first token, tokens prefilled before it, and the answer."""

    first_ms: float
    prompt: int
    prefilled: int
    answer: str


class Place:
    """A home with the real models, and a project in it."""

    def __init__(self, root: Path, models: Path) -> None:
        self.home, self.project, self.empty = root / "home", root / "heron", root / "empty"
        for folder in (self.home, self.project, self.empty):
            folder.mkdir(parents=True)
        (self.home / "models").symlink_to(models)
        (self.home / "config.toml").write_text('[snapshots]\nprewarm = "off"\n', encoding="utf-8")
        self.orch("init", cwd=self.project)
        self._write("PORTFOLIO_CONTEXT.md", 40)
        self._write("PROJECT_CONTEXT.md", 90)
        self._write("SESSION_BRIEFING.md", 70)
        self.log(*range(1, 9))

    def orch(self, *arguments: str, cwd: Path) -> str:
        command = [str(Path(sys.executable).with_name("orch")), *arguments]
        environment = {**os.environ, "ORCH_HOME": str(self.home)}
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
        return done.stdout

    def ask(self, model: str, *more: str, cwd: Path | None = None) -> Asked:
        out = self.orch("ask", QUESTION, "--model", model, "--json", *more, cwd=cwd or self.project)
        events: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
        answer = next(event for event in events if event["type"] == "answer")
        prefill = next(event for event in events if event["type"] == "prefill")
        return Asked(
            answer["usage"]["time_to_first_token_ms"],
            prefill["total"] + prefill["cached"],
            prefill["total"],
            answer["text"],
        )

    def log(self, *numbers: int) -> None:
        """Add entries of some 100 tokens, which later sessions read."""
        with (self.project / "SESSION_LOG.md").open("a", encoding="utf-8") as file:
            for number in numbers:
                lines = [f"- Result: carrier {number * 31 + i} now answers in time [#{i}]" for i in range(5)]
                file.write(f"\n## Session S{number:04x}: day {number}\n\n" + "\n".join(lines) + "\n")

    def documents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.project.glob("*.md")}

    def restore(self, documents: dict[str, bytes]) -> None:
        """What sessions wrote is taken back, so that all read the same."""
        for name, data in documents.items():
            (self.project / name).write_bytes(data)

    def crowd(self, others: int) -> None:
        """As many projects' snapshots more: hard links, which take no room."""
        (mine,) = self.home.glob("snapshots/*/project-*.kv")
        owner, rest = mine.name.split(".", 1)
        for number in range(others):
            for suffix in (".kv", ".ids"):
                other = mine.with_name(f"{owner[:-6]}{number:06d}.{rest}").with_suffix(suffix)
                os.link(mine.with_suffix(suffix), other)

    def _write(self, name: str, lines: int) -> None:
        rows = [
            f"- Rule {number}: carrier {number * 17} is billed by the second, module rates/{number}.py\n"
            for number in range(lines)
        ]
        paragraphs = ["".join(rows[at : at + 4]) for at in range(0, lines, 4)]
        (self.project / name).write_text(f"# {name}\n\n" + "\n".join(paragraphs), encoding="utf-8")


def measure(model: str, models: Path, others: int) -> bool:
    """Print one model's table; whether all budgets hold."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), models)
        place.ask(model, "--cold", "--context-budget", "0", cwd=place.empty)  # calibration, page cache
        before = place.documents()
        cold = place.ask(model, "--cold")
        place.restore(before)
        warmed = json.loads(place.orch("warm", "--model", model, "--json", cwd=place.project))
        warm = place.ask(model)
        place.restore(before)
        place.crowd(others)
        crowded = place.ask(model)
        place.restore(before)
        place.log(100, 101, 102)
        tail = place.ask(model)
        fresh = Path(folder) / "new"
        fresh.mkdir()
        empty = place.ask(model, cwd=fresh)
    rows = (
        ("cold", cold),
        (f"warm ({warmed['tokens']:,} tokens ready)", warm),
        (f"warm, {others} other projects", crowded),
        ("three entries added to the log", tail),
        ("a new folder", empty),
    )
    print(f"\n{model}\n{'':<34}{'prompt':>8}{'prefilled':>11}{'first token':>13}")
    for name, asked in rows:
        print(f"{name:<34}{asked.prompt:>8,}{asked.prefilled:>11,}{asked.first_ms / 1000:>11.2f} s")
    ratio, crowd = warm.first_ms / cold.first_ms, crowded.first_ms / warm.first_ms
    same = cold.answer == warm.answer == crowded.answer
    print(
        f"warm / cold: 1/{1 / ratio:.0f} (budget 1/{1 / RATIO:.0f}); "
        f"answers {'the same' if same else 'DIFFER'}"
    )
    print(
        f"after a changed log: {tail.prefilled} tokens (budget {TAIL}); "
        f"new folder: {empty.prefilled} ({EMPTY})"
    )
    print(f"with {others} others / alone: {crowd:.2f} (budget {CROWD})", flush=True)
    return ratio <= RATIO and same and tail.prefilled <= TAIL and empty.prefilled <= EMPTY and crowd <= CROWD


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", nargs="*", default=MODELS)
    parser.add_argument("--models", type=Path, default=home().models, help="folder of models")
    parser.add_argument("--others", type=int, default=200)
    given = parser.parse_args()
    held = [measure(model, given.models.resolve(), given.others) for model in given.model]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
