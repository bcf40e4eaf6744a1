"""Which whole tasks does a model get done? Asked through the real command line, judged by effect.

    python benchmarks/tasks/score.py --model qwen2.5-coder-1.5b

Every task is one `orch ask … --mode workspace --approve always --max-steps 6 --json` in a fresh copy
of its repository with a journal of its own. Models and snapshots are those of the real `ORCH_HOME`.
Progress goes to stderr, the result to stdout.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from isolated.area import Area, SetUpError, each, find_program

from tasks.attempt import Attempt, attempt, judge, script
from tasks.collection import Entry, SetError, choose, find, load, prepare
from tasks.report import summary, text
from tasks.task import GROUPS, Left

REFERENCE = "reference"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Whole small tasks, through the real `orch ask`.")
    parser.add_argument(
        "--model", required=True, help=f"name of an installed model; {REFERENCE}: each task's own solution"
    )
    parser.add_argument("--set", default="development", help="development, or the folder of a set")
    parser.add_argument("--only", action="append", default=[], choices=GROUPS, help="one group (repeatable)")
    parser.add_argument("--task", action="append", default=[], help="one task by its id (repeatable)")
    parser.add_argument("--limit", type=int, help="at most so many tasks, spread over the set")
    parser.add_argument("--jobs", type=int, default=1, help="tasks at once")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one task")
    parser.add_argument("--keep", type=Path, help="folder for events and final projects")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    try:
        tasks = choose(load(find(options.set)), options.only, options.task, options.limit)
    except SetError as error:
        sys.exit(str(error))
    needed = {name for repository, _ in tasks for name in ("git", *repository.needs)}
    if lacking := sorted(name for name in needed if shutil.which(name) is None):
        sys.exit(f"Tasks of this set need {', '.join(lacking)}: install it, or choose others with --task.")
    if not tasks:
        sys.exit("No task is left to ask: see --only and --task.")
    program = find_program()
    done = 0

    def progress(outcome: Attempt) -> None:
        nonlocal done
        done += 1
        mark = "done" if outcome.done else "MISS"
        counted = f"{done:3}/{len(tasks)} {mark} {outcome.seconds:5.1f} s {len(outcome.calls)} calls"
        why = f": {outcome.why}" if outcome.why else ""
        print(f"{counted}  {outcome.id}{why}", file=sys.stderr, flush=True)

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tasks-") as folder:
        root = Path(folder)
        entries = prepare(tasks, root / "pristine")

        def one(area: Area, entry: Entry) -> Attempt:
            model = options.model
            if model == REFERENCE:
                if not judge(entry.task, Left(entry.pristine, entry.pristine, "")):
                    sys.exit(f"{entry.task.id}: its checks hold when nothing was done.")
                steps = root / f"{entry.task.id}.json"
                steps.write_text(json.dumps(script(entry.task)), encoding="utf-8")
                model = f"scripted:{steps}"
            outcome = attempt(area, entry, model, options.timeout, options.keep)
            progress(outcome)
            return outcome

        areas = [Area(program, root / f"area{number}") for number in range(max(1, options.jobs))]
        try:
            outcomes = each(entries, areas, one)
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
