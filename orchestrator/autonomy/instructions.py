"""What the instance of a step is told: the goal's words, what the check says, what failed before. Pure.

Short and concrete, for a small model. What came out of a command is quoted as data, each line marked; it
never stands first, so that words in it do not count as the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.autonomy.dead_ends import TOLD, DeadEnd
from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.plan import AGAIN, Plan, Step, line
from orchestrator.autonomy.suspects import READ_LINES, Suspect
from orchestrator.autonomy.wishes import is_question
from orchestrator.context.mentions import mention
from orchestrator.terminal import plain

ABOVE, BELOW = 16, 10
"""Lines of a long file around the one that it is about."""
DONE = 3
"""Earlier steps of which an instance is told."""


def instructions(
    plan: Plan,
    step: Step,
    outcome: Outcome | None,
    *,
    unmet: str = "",
    failed: Sequence[DeadEnd] = (),
    done: Sequence[str] = (),
    files: Sequence[Suspect] = (),
    texts: Mapping[str, str] | None = None,
) -> str:
    """`failed` are this run's own dead ends, `done` one line for each commit, `files` where to look."""
    texts = texts or {}
    said = [plan.goal if step.text == plan.goal else f"{step.text}\nThis is a step towards: {plan.goal}"]
    if done:
        said.append("Done already, and kept:\n" + _quoted(done[-DONE:]))
    if outcome is not None and not outcome.ok:
        lines = _quoted(outcome.lines) or "> (it prints nothing)"
        said.append(f"The check `{plan.check}` fails ({outcome.short}). It prints, as data:\n{lines}")
    if unmet:
        said.append(f"Still missing: {unmet}")
    if failed:
        tried = [f"{end.text}; then: {end.error}" if end.error else end.text for end in failed[-TOLD:]]
        said.append("Tried before and taken back; do something else:\n" + _quoted(tried))
    said.append(_where(files, texts))
    if not is_question(plan.goal):
        said.append("Change the files now, then answer in one sentence what you changed.")
    return "\n\n".join(part for part in said if part)


def _where(files: Sequence[Suspect], texts: Mapping[str, str]) -> str:
    whole = [one for one in files if texts.get(one.path, "").count("\n") <= READ_LINES]
    said = ["Files: " + " ".join(mention(one.path) for one in whole)] if whole else []
    for one in files:
        if one not in whole:
            parts = [_part(texts[one.path].splitlines(), number) for number in one.lines]
            said.append("\n> …\n".join([f"From {one.path}:", *parts]) if parts else f"Look at {one.path}.")
    return "\n".join(said)


def _part(rows: Sequence[str], number: int) -> str:
    """The lines around one, as data, with the white space that an edit needs."""
    shown = rows[max(0, number - 1 - ABOVE) : number + BELOW]
    return "\n".join(f"> {plain(row)[:160].replace('@', '(at)')}" for row in shown)


def _quoted(lines: Sequence[str]) -> str:
    """Data: marked, flattened, and without an `@` that would be taken for a mention."""
    return "\n".join(f"> {line(one.replace('@', '(at)'), 240)}" for one in lines)


def again(outcome: Outcome | None, unmet: str) -> str:
    """The next step, where nobody planned one."""
    if outcome is not None and not outcome.ok:
        return AGAIN + line(next(iter(outcome.lines), f"the check fails, {outcome.short}"), 120)
    return AGAIN + (line(unmet, 120) or "the goal is not reached yet")
