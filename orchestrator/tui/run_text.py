"""A run's head and plan as they stand on its screen. Pure."""

from __future__ import annotations

from textual.content import Content

from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.plan import Status, Step
from orchestrator.terminal import one_line
from orchestrator.tui.run_node import RunView

MARKS: dict[Status, tuple[str, str]] = {
    "done": ("✔", "$text-success"),
    "doing": ("▸", "$text-accent"),
    "todo": ("·", "dim"),
    "failed": ("✗", "$text-warning"),
    "refused": ("✗", "dim"),
}
BAR = 12


def head(view: RunView, doing: str) -> Content:
    """Goal, where it stands and what it has spent, what the check says. `doing`: at this moment, if it is
    played here."""
    state = view.state
    spent, budget = state.spent, state.plan.budget
    full = min(round(BAR * spent.steps / max(budget.steps, 1)), BAR)
    stands = view.standing + (f" · {one_line(doing, 60)}" if doing and view.alive else "")
    lines = [
        Content.styled(one_line(state.plan.goal, 400), "bold"),
        Content.styled(stands, "$text-accent" if view.alive else ""),
        Content.assemble(
            ("▓" * full, "$text-accent"),
            ("░" * (BAR - full), "dim"),
            f" {spent.steps} of {budget.steps} steps",
            (
                f" · {spent.seconds / 60:.1f} of {budget.minutes:g} min"
                f" · {spent.tokens:,} of {budget.tokens:,} tokens",
                "dim",
            ),
        ),
        _check(state.plan.check, state.first, state.now),
    ]
    if state.ending is not None and not view.alive:
        lines[1] = Content(one_line(state.ending.text, 300))
    return Content("\n").join(lines)


def _check(command: str, first: Outcome | None, now: Outcome | None) -> Content:
    if not command:
        return Content.styled("no check: nobody tries whether it works", "dim")
    said = f": {now.short}" if now else ""
    before = f" (at first {first.short})" if first and now and first.short != now.short else ""
    style = "" if now is None else "$text-success" if now.ok else "$text-warning"
    return Content.assemble((f"check {one_line(command, 120)}", "dim"), (said, style), (before, "dim"))


def plan(view: RunView) -> Content:
    """A line for each step, with the evidence of those that have ended."""
    return (
        Content("\n").join(_step(step) for step in view.state.plan.steps)
        if view.state.plan.steps
        else Content()
    )


def _step(step: Step) -> Content:
    mark, style = MARKS[step.status]
    evidence = f"  {', '.join(one_line(one, 40) for one in step.evidence)}" if step.evidence else ""
    text = (one_line(step.text, 300), "bold" if step.status == "doing" else "")
    return Content.assemble((f"{mark} ", style), text, (evidence, "dim"))
