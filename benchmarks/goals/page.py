"""From runs to numbers, and from numbers to a page: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tasks.report import share

from goals.paired import Difference, difference
from goals.running import Arm, Ran

ARMS: Mapping[Arm, str] = {"handoff": "with the handoff", "without": "with the handoff switched off"}


def summary(runs: Sequence[Ran], families: Sequence[str]) -> dict[str, Any]:
    """Plain JSON values: each arm's counts and budget, in all and by family; the paired difference."""
    arms: dict[str, Any] = {}
    for arm in ARMS:
        own = [ran for ran in runs if ran.arm == arm]
        if own:
            by_family = {name: [ran for ran in own if ran.family == name] for name in families}
            arms[arm] = {
                **_counts(own),
                "families": {name: _counts(group) for name, group in by_family.items() if group},
            }
    return {"arms": arms, "paired": _paired(runs), "runs": [asdict(ran) for ran in runs]}


def _counts(runs: Sequence[Ran]) -> dict[str, Any]:
    return {
        "goals": len(runs),
        "solved": sum(ran.solved for ran in runs),
        "fooled": sum(ran.passed and not ran.solved for ran in runs),
        "steps": sum(ran.steps for ran in runs),
        "median_steps": median(ran.steps for ran in runs),
        "minutes": round(sum(ran.seconds for ran in runs) / 60, 1),
        "tokens": sum(ran.tokens for ran in runs),
        "ended": dict(Counter(ran.ended for ran in runs).most_common()),
    }


def _paired(runs: Sequence[Ran]) -> dict[str, Any]:
    """Of goals that ran in both arms: solved, steps and tokens, with minus without."""
    values: dict[str, Callable[[Ran], float]] = {
        "solved": lambda ran: float(ran.solved),
        "steps": lambda ran: float(ran.steps),
        "tokens": lambda ran: float(ran.tokens),
    }
    by_arm = {arm: {ran.id: ran for ran in runs if ran.arm == arm} for arm in ARMS}
    both = [name for name in by_arm["handoff"] if name in by_arm["without"]]
    if not both:
        return {}
    pairs = [(by_arm["handoff"][name], by_arm["without"][name]) for name in both]
    return {
        what: asdict(difference([(value(one), value(other)) for one, other in pairs]))
        for what, value in values.items()
    }


def text(result: Mapping[str, Any]) -> str:
    """The page, in Markdown; `result` is a `summary` with `about`, lines on how it was run."""
    lines = ["# Goals reached alone", "", *result["about"], ""]
    for arm, title in ARMS.items():
        if arm in result["arms"]:
            lines += [f"## {title[0].upper()}{title[1:]}", "", *_table(result["arms"][arm]), ""]
    if result["paired"]:
        lines += ["## The difference, goal by goal", "", *_differences(result["paired"]), ""]
    return "\n".join([*lines, "## Every run", "", *_runs(result["runs"])]) + "\n"


def _table(arm: Mapping[str, Any]) -> list[str]:
    head = "| family | solved | steps | minutes | tokens | why they ended |"
    rows = [_row(name, counts) for name, counts in (*arm["families"].items(), ("all", arm))]
    lines = [head, "|---|---|---|---|---|---|", *rows, "", f"Solved: {share(arm['solved'], arm['goals'])}."]
    fooled = f"Runs that call themselves good and miss the hidden check: {arm['fooled']}."
    return [*lines, fooled, f"Median steps of a run: {arm['median_steps']:g}."]


def _row(name: str, counts: Mapping[str, Any]) -> str:
    ended = ", ".join(f"{why} {number}" for why, number in counts["ended"].items())
    cells = [name, f"{counts['solved']}/{counts['goals']}", counts["steps"], counts["minutes"]]
    return f"| {' | '.join(map(str, cells))} | {counts['tokens']:,} | {ended} |"


def _differences(paired: Mapping[str, Any]) -> list[str]:
    lines = [
        "With minus without, mean over the goals that ran both ways, and the 95 % interval of a bootstrap "
        "over goals. An interval that holds 0 shows no difference.",
        "",
        "| what | mean | interval | pairs |",
        "|---|---|---|---|",
    ]
    for what, values in paired.items():
        found = Difference(**values)
        digits = 2 if what == "solved" else 1
        low, high = (f"{value:+.{digits}f}" for value in (found.low, found.high))
        lines.append(f"| {what} | {found.mean:+.{digits}f} | {low} … {high} | {found.pairs} |")
    return lines


def _runs(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| goal | arm | solved | ended | steps | seconds | tokens | what was missed |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for ran in runs:
        why = str(ran["why"]).replace("|", "/").replace("\n", " ")[:140]
        cells = [ran["id"], ran["arm"], "no" if why else "yes", ran["ended"], ran["steps"]]
        cells += [round(ran["seconds"]), f"{ran['tokens']:,}", why]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines
