"""Which tool does a model reach for first? Asked through the real command line.

    python benchmarks/tool_choice/score.py --model qwen2.5-coder-1.5b

Every prompt is one `orch ask … --mode ask --approve never --max-steps 1 --json` in a fresh copy of
a small repository (`fixture.py`) with a journal of its own. The first `tool_call` or `answer` event
decides; then the program is interrupted. Models and snapshots are those of the real `ORCH_HOME`.
Progress goes to stderr, the result to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fixture import build
from isolated.area import SetUpError, each, find_program, spread
from isolation import PromptArea, first_call
from report import summary, text

HERE = Path(__file__).resolve().parent
GROUPS = ("search", "read", "write", "edit", "run", "shell", "git", "note", "answer")


@dataclass(frozen=True, slots=True)
class Prompt:
    """`expected` lists every first call that a fair judge accepts, the best one first."""

    id: str
    prompt: str
    expected: tuple[str, ...]
    language: str
    group: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one prompt. `got` is a tool's name, "answer", or "" when nothing came."""

    id: str
    prompt: str
    expected: tuple[str, ...]
    language: str
    group: str
    got: str
    parsable: bool
    seconds: float
    problem: str

    @property
    def right(self) -> bool:
        return self.parsable and self.got in self.expected

    @property
    def best(self) -> bool:
        return self.parsable and self.got == self.expected[0]


def load(name: str) -> list[Prompt]:
    """Prompts of a set here ("development", "validation") or of any JSONL file."""
    path = HERE / f"{name}.jsonl"
    lines = (path if path.exists() else Path(name)).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [
        Prompt(
            id=str(row.get("id", number)),
            prompt=row["prompt"],
            expected=tuple(row["expected"]),
            language=row.get("language", ""),
            group=row.get("group", row["expected"][0]),
        )
        for number, row in enumerate(rows, 1)
    ]


def choose(prompts: Sequence[Prompt], only: Sequence[str], limit: int | None) -> list[Prompt]:
    """Prompts of the groups in `only` (all when empty); a limit picks evenly across the set."""
    kept = [prompt for prompt in prompts if not only or prompt.group in only]
    return spread(kept, limit)


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="First-call accuracy, through the real `orch ask`.")
    parser.add_argument("--model", required=True, help="catalogue name of an installed model")
    parser.add_argument("--set", default="development", help="development, validation, or a JSONL file")
    parser.add_argument("--jobs", type=int, default=1, help="prompts asked at once")
    parser.add_argument("--limit", type=int, help="at most so many prompts, spread over the set")
    parser.add_argument("--only", action="append", default=[], choices=GROUPS, help="one group (repeatable)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one prompt")
    parser.add_argument("--fast", action="store_true", help="take an answer's first token for the answer")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    prompts = choose(load(options.set), options.only, options.limit)
    program = find_program()
    done = 0

    def ask(area: PromptArea, prompt: Prompt) -> Outcome:
        outcome = Outcome(**asdict(prompt), **asdict(first_call(area, prompt.prompt, options.model)))
        progress(outcome)
        return outcome

    def progress(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        mark = "ok  " if outcome.right else "MISS"
        got = outcome.got or outcome.problem
        line = f"{done:3}/{len(prompts)} {mark} {outcome.seconds:5.1f} s  {outcome.id}: {got}"
        print(line, file=sys.stderr, flush=True)

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tool-choice-") as folder:
        pristine = build(Path(folder) / "pristine")
        areas = [
            PromptArea(program, Path(folder) / f"area{number}", pristine, options.timeout, options.fast)
            for number in range(max(1, options.jobs))
        ]
        try:
            outcomes = each(prompts, areas, ask)
        except KeyboardInterrupt:
            return 130
        except SetUpError as error:
            sys.exit(f"`orch ask` does not start: {error}")
    result = summary(outcomes, GROUPS)
    result |= {"model": options.model, "set": options.set, "total_seconds": time.monotonic() - started}
    print(json.dumps(result, ensure_ascii=False) if options.json else text(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
