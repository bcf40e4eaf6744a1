"""How many small goals does a model reach alone, and what does it cost? Through the real `orch run`.

    python benchmarks/goals/bench.py --model qwen2.5-coder-1.5b --paired --report docs/results/goals.md

Every goal is one `orch run GOAL --check COMMAND --max-steps 20 --json` in a fresh repository with a journal
of its own, then `orch run --apply`; a hidden check decides. Progress goes to stderr, the page to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from isolated.area import Area, SetUpError, each, find_program, spread

from goals.families import FAMILIES, thirty
from goals.goal import Goal
from goals.page import ARMS, summary, text
from goals.running import Arm, Limits, Ran, run_goal

REFERENCE = "reference"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Small goals, through the real `orch run`.")
    parser.add_argument(
        "--model",
        required=True,
        help=f"an installed model; {REFERENCE}: each goal's own solution, played by a scripted model",
    )
    parser.add_argument("--only", action="append", default=[], choices=FAMILIES, help="a family (repeatable)")
    parser.add_argument("--goal", action="append", default=[], help="one goal by its id (repeatable)")
    parser.add_argument("--limit", type=int, help="at most so many goals, spread over the set")
    parser.add_argument("--seed", type=int, default=1, help="of names, numbers and data")
    parser.add_argument("--arm", choices=tuple(ARMS), default="handoff", help="one arm alone")
    parser.add_argument("--paired", action="store_true", help="both arms, each goal one after the other")
    parser.add_argument("--max-steps", type=int, default=20)
    parser.add_argument("--max-minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=1, help="goals at once")
    parser.add_argument("--keep", type=Path, help="folder for events and final projects")
    parser.add_argument("--record", type=Path, help="JSON lines of runs; those in it are not made anew")
    parser.add_argument("--report", type=Path, help="write the page there, anew after each run")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    chosen = [
        goal
        for goal in thirty(options.seed)
        if (not options.only or goal.family in options.only) and (not options.goal or goal.id in options.goal)
    ]
    chosen = _in_turn(spread(chosen, options.limit))
    if not chosen:
        sys.exit("No goal is left to run: see --only and --goal.")
    program = find_program()
    arms: list[Arm] = list(ARMS) if options.paired else [options.arm]
    limits = Limits(options.max_steps, options.max_minutes)
    names = {goal.id for goal in chosen}
    runs = [ran for ran in _recorded(options.record) if ran.id in names and ran.arm in arms]
    known = {(ran.id, ran.arm) for ran in runs}
    work = [(goal, arm) for goal in chosen for arm in arms if (goal.id, arm) not in known]
    total = len(work) + len(runs)
    with tempfile.TemporaryDirectory(prefix="goals-") as folder:
        root = Path(folder)

        def one(area: Area, item: tuple[Goal, Arm]) -> None:
            goal, arm = item
            model = _scripted(root, goal) if options.model == REFERENCE else options.model
            runs.append(ran := run_goal(area, goal, arm, model, limits, options.keep))
            _progress(ran, len(runs), total)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(ran), ensure_ascii=False) + "\n")
            if options.report:
                options.report.parent.mkdir(parents=True, exist_ok=True)
                options.report.write_text(text(_result(runs, options, total)), encoding="utf-8")

        areas = [Area(program, root / f"area{number}") for number in range(max(1, options.jobs))]
        try:
            each(work, areas, one)
        except KeyboardInterrupt:
            print("interrupted: the page is of the runs that ended", file=sys.stderr)
        except SetUpError as error:
            sys.exit(f"`orch run` does not start: {error}")
    result = _result(runs, options, total)
    print(json.dumps(result, ensure_ascii=False) if options.json else text(result))
    return 0 if len(runs) == total else 130


def _recorded(path: Path | None) -> list[Ran]:
    """Runs of an earlier call."""
    if path is None or not path.exists():
        return []
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Ran(**row | {"calls": tuple(row["calls"])}) for row in rows]


def _in_turn(goals: Sequence[Goal]) -> list[Goal]:
    """One of each family, then the next of each: a page that is cut short is still of all families."""
    place = {goal.id: sum(one.family == goal.family for one in goals[:at]) for at, goal in enumerate(goals)}
    return sorted(goals, key=lambda goal: place[goal.id])


def _result(runs: Sequence[Ran], options: argparse.Namespace, wanted: int) -> dict[str, object]:
    given = f"--max-steps {options.max_steps} --max-minutes {options.max_minutes:g}"
    about = [
        f"`{options.model}`, seed {options.seed}, {given}, {date.today()}.",
        f"{len(runs)} runs of {wanted} that were to be made.",
    ]
    order = {goal.id: number for number, goal in enumerate(thirty(options.seed))}
    ordered = sorted(runs, key=lambda ran: (order[ran.id], ran.arm))
    return {"about": about, "model": options.model, "seed": options.seed, **summary(ordered, FAMILIES)}


def _progress(ran: Ran, done: int, total: int) -> None:
    mark = "solved" if ran.solved else "MISSED"
    spent = f"{ran.steps:2} steps {ran.seconds:5.0f} s {ran.tokens:6} tokens"
    why = f": {ran.why}" if ran.why else ""
    now = time.strftime("%H:%M")
    line = f"{now} {done:3}/{total} {mark} {spent}  {ran.id} ({ran.arm}), ended by {ran.ended}{why}"
    print(line, file=sys.stderr, flush=True)


def _scripted(root: Path, goal: Goal) -> str:
    steps = []
    for name, content in goal.solution.items():
        if name in goal.files:  # a file is read before it is replaced
            steps.append({"tool": "read", "arguments": {"path": name}})
        steps.append({"tool": "write", "arguments": {"path": name, "content": content}})
    path = root / f"{goal.id}.json"
    path.write_text(json.dumps([*steps, {"answer": "It is done."}]), encoding="utf-8")
    return f"scripted:{path}"


if __name__ == "__main__":
    sys.exit(main())
