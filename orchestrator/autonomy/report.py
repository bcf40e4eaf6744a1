"""What a run has done, for a person: what, on which evidence, what the check said, what is left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.plan import MARKS, Step
from orchestrator.autonomy.state import RunState
from orchestrator.documents.plain import code, flat, prose


@dataclass(frozen=True, slots=True)
class Work:
    """What git says of a run: `commits` are (id, subject), `stat` lines of changed files; `alive`: a process
    works at it now; `here`: its worktree is on this device."""

    commits: Sequence[tuple[str, str]] = ()
    stat: Sequence[str] = ()
    alive: bool = False
    here: bool = True


def report(state: RunState, work: Work) -> str:
    """As Markdown; every line says what it rests on."""
    plan, facts, spent = state.plan, state.facts, state.spent
    lines = [f"# Run {state.run[:8]}: {prose(plan.goal, 300)}", "", standing(state, work), ""]
    lines.append(
        f"Branch {code(facts.branch)} from {code(facts.base)}, model {flat(facts.model or 'auto', 60)}. "
        f"Spent {spent.steps} of {plan.budget.steps} steps, {spent.seconds / 60:.1f} of "
        f"{plan.budget.minutes:g} minutes, {spent.tokens:,} of {plan.budget.tokens:,} tokens."
    )
    if facts.dirty:
        lines.append(f"Not in it: {facts.dirty} uncommitted files of the project when it began.")
    if state.answer:
        lines += ["", "## Answer", prose(state.answer, 2000)]
    lines += [
        "",
        "## Work",
        *([f"- {prose(title, 200)} [{commit}]" for commit, title in work.commits] or ["- None."]),
    ]
    lines += [f"  {flat(row, 120)}" for row in work.stat]
    lines += ["", "## Check", *_checks(state)]
    lines += ["", "## Plan", *(_step(step) for step in plan.steps)]
    lines += ["", "## Left", *_left(state)]
    return "\n".join(lines) + "\n"


def standing(state: RunState, work: Work) -> str:
    """Where it stands, in one sentence."""
    if state.phase == "applied":
        return "It was applied."
    if work.alive:
        asked = {"go": "", "pause": "; a pause was asked for", "stop": "; a stop was asked for"}[state.wanted]
        return f"It is at work{asked}."
    if state.phase == "paused":
        return f"It is paused: `orch runs resume {state.run[:8]}`."
    if state.ending is None:
        gone = "Its process is gone" if work.here else "It runs, or ran, on another device"
        return f"{gone}: `orch runs resume {state.run[:8]}`." if work.here else f"{gone}."
    return f"It ended ({state.ending.why}): {state.ending.text}"


def _checks(state: RunState) -> list[str]:
    if not state.plan.check:
        return ["- No check was given: nobody tried whether it works."]
    said = [f"- {code(state.plan.check)}"]
    said += _outcome("before", state.first) + _outcome("now", state.now)
    return said


def _outcome(when: str, outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return []
    return [f"- {when}: {outcome.short}", *(f"  > {flat(row, 160)}" for row in outcome.lines[:4])]


def _step(step: Step) -> str:
    evidence = f" [{', '.join(flat(one, 40) for one in step.evidence)}]" if step.evidence else ""
    return f"- [{MARKS[step.status]}] {prose(step.text, 200)}{evidence}"


def _left(state: RunState) -> list[str]:
    left = [f"- {prose(step.text, 200)}" for step in state.plan.steps if step.status in ("todo", "doing")]
    if state.now is not None and not state.now.ok:
        left.append(f"- The check still fails: {state.now.short}.")
    if state.phase != "applied" and state.ending is not None:
        left.append(f"- `orch run --apply {state.run[:8]}`, or `--discard {state.run[:8]}`.")
    return left or ["- Nothing is known."]
