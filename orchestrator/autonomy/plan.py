"""The plan of a run: a goal and steps with status and evidence, as text that a person edits. Pure.

What has happened belongs to the run, what is to come to the person: `joined` follows that where both
changed the plan at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from orchestrator.autonomy.ending import Budget

Status = Literal["todo", "doing", "done", "failed", "refused"]
MARKS: dict[Status, str] = dict(zip(get_args(Status), " >x!-", strict=True))
_STATUS = {mark: status for status, mark in MARKS.items()} | {"X": "done"}
_STEP = re.compile(r"^\s*[-*+]\s+(?:\[(.)\])?\s*(.*)$")
_EVIDENCE = re.compile(r"^(.*) \[([^\[\]]*)\]$")
_BECAUSE = re.compile(r"^(.*?) \(because (.*)\)$")
_BUDGET = re.compile(r"([\d_.]+)\s*(step|minute|token)s?\b")
TEXT_CHARS = 2000
FIRST = "Run the check and read what fails"
"""The step that the loop does itself."""
AGAIN = "Go on: "
"""How a step begins that nobody planned: what it is about is the goal's own words."""


@dataclass(frozen=True, slots=True)
class Step:
    """`evidence` are citations, commits and exit codes; `because` is a new reason for what failed before."""

    text: str
    status: Status = "todo"
    evidence: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    goal: str
    check: str = ""
    budget: Budget = field(default_factory=Budget)
    steps: tuple[Step, ...] = ()

    @property
    def next(self) -> Step | None:
        """What is to be done now: a step that was begun, or the first to do."""
        begun = next((step for step in self.steps if step.status == "doing"), None)
        return begun or next((step for step in self.steps if step.status == "todo"), None)

    def marked(self, step: Step, status: Status, *evidence: str) -> Plan:
        """With the first step of this text that has not ended at `status`; unchanged where there is none."""
        for at, one in enumerate(self.steps):
            if one.text == step.text and one.status in ("todo", "doing"):
                known = dict.fromkeys((*one.evidence, *map(_evidence, evidence)))
                new = replace(one, status=status, evidence=tuple(name for name in known if name))
                return replace(self, steps=(*self.steps[:at], new, *self.steps[at + 1 :]))
        return self

    def with_step(self, text: str) -> Plan:
        return replace(self, steps=(*self.steps, Step(line(text))))


def line(text: str, most: int = TEXT_CHARS) -> str:
    """As it stands in a plan: one line of printable text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most].rstrip()


def _evidence(text: str) -> str:
    return line(re.sub(r"[\[\],]", " ", text), 120)


def render(plan: Plan) -> str:
    """The plan as text; `parse` reads it back."""
    budget = plan.budget
    head = [
        f"# {plan.goal}",
        "",
        f"Check: {plan.check}".rstrip(),
        f"Budget: {budget.steps} steps, {budget.minutes!r} minutes, {budget.tokens} tokens",
        "",
    ]
    return "\n".join([*head, *map(_rendered, plan.steps)]) + "\n"


def _rendered(step: Step) -> str:
    text = f"{step.text} (because {step.because})" if step.because else step.text
    if step.evidence or _EVIDENCE.match(text):
        text += f" [{', '.join(step.evidence)}]"
    return f"- [{MARKS[step.status]}] {text}".rstrip()


def parse(text: str, before: Plan | None = None) -> Plan:
    """The plan that a text says. Total: what is missing is as it was `before`, other lines are nothing."""
    before = before or Plan("")
    goal, check, budget, steps = "", before.check, before.budget, []
    for raw in text.splitlines():
        written = line(raw, TEXT_CHARS + 400)
        if not goal and written.startswith("# "):
            goal = written[2:].strip()
        elif written.lower().startswith("check:"):
            check = written[6:].strip()
        elif written.lower().startswith("budget:"):
            budget = _budget(written, budget)
        elif found := _STEP.match(written):
            step = _step(found[1], found[2])
            steps += [step] if step.text else []
    return Plan(goal or before.goal, check, budget, tuple(steps))


def _step(mark: str | None, text: str) -> Step:
    evidence: tuple[str, ...] = ()
    if found := _EVIDENCE.match(text):
        text = found[1].strip()
        evidence = tuple(name for part in found[2].split(",") if (name := part.strip()))
    because = ""
    if found := _BECAUSE.match(text):
        text, because = found[1].strip(), found[2].strip()
    return Step(text, _STATUS.get(mark or " ", "todo"), evidence, because)


def _budget(text: str, before: Budget) -> Budget:
    values = {name: number.replace("_", "") for number, name in _BUDGET.findall(text.lower())}
    try:
        return Budget(
            int(values.get("step", before.steps)),
            float(values.get("minute", before.minutes)),
            int(values.get("token", before.tokens)),
        )
    except ValueError:
        return before


def joined(person: Plan, run: Plan) -> Plan:
    """Both versions in one: goal, check, budget and what is to come as the person says; what happened as the
    run says. A step that the person marked as ended has ended."""
    happened = [step for step in run.steps if step.status != "todo"]
    left = [step.text for step in happened]
    coming: list[Step] = []
    for step in person.steps:
        if step.text in left:
            left.remove(step.text)
        else:
            coming.append(step)
    return replace(person, steps=(*happened, *coming))


def first_steps(goal: str, check: str) -> Sequence[str]:
    """Of a run that nobody has planned."""
    return (FIRST, goal) if check else (goal,)
