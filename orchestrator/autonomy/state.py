"""Where a run stands: one value, kept as versions of a document in the journal. Pure.

The record's body: `name` (the entity, `run/ID`), `text` (the plan, as a person edits it), `by` ("run" or
"user"), `wanted`, and what only the run itself writes: `phase`, `spent`, `signs`, `ending`, `facts`, `first`,
`now`, `answer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast, get_args

from orchestrator.autonomy import outcome as outcomes
from orchestrator.autonomy import plan as plans
from orchestrator.autonomy import progress
from orchestrator.autonomy.ending import Ending, Spent, Wanted, Why, strictest
from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.plan import Plan
from orchestrator.autonomy.progress import Sign

PREFIX = "run/"
Phase = Literal["running", "paused", "ended", "applied"]
Handoff = Literal["on", "off"]
"""Off: no instance is told what others left; to measure what that is worth."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What never changes: `base` is the commit that it started from, `into` the user's branch then, `began`
    ISO 8601 with offset. `folder` is the project's on the device that runs it; `device` that device's id."""

    folder: str = ""
    device: str = ""
    base: str = ""
    into: str = ""
    branch: str = ""
    model: str = ""
    began: str = ""
    handoff: Handoff = "on"
    dirty: int = 0


@dataclass(frozen=True, slots=True)
class RunState:
    run: str
    project: str
    plan: Plan
    facts: Facts = field(default_factory=Facts)
    wanted: Wanted = "go"
    phase: Phase = "running"
    spent: Spent = field(default_factory=Spent)
    signs: tuple[Sign, ...] = ()
    ending: Ending | None = None
    first: Outcome | None = None
    """What the check said before the first step."""
    now: Outcome | None = None
    """What it says of the newest commit."""
    answer: str = ""
    """The newest answer of an instance: of a goal that is a question, the result."""


def entity(run: str) -> str:
    return PREFIX + run


def to_body(state: RunState, by: Literal["run", "user"]) -> dict[str, Any]:
    return {
        "name": entity(state.run),
        "text": plans.render(state.plan),
        "by": by,
        "wanted": state.wanted,
        "phase": state.phase,
        "spent": asdict(state.spent),
        "signs": [progress.to_json(sign) for sign in state.signs],
        "ending": asdict(state.ending) if state.ending else None,
        "facts": asdict(state.facts),
        "first": state.first and outcomes.to_json(state.first),
        "now": state.now and outcomes.to_json(state.now),
        "answer": state.answer,
    }


def of_body(run: str, project: str, body: Mapping[str, Any], before: RunState | None = None) -> RunState:
    """Total: what a body does not say, or not well, is as it was `before`."""
    before = before or RunState(run, project, Plan(""))
    spent, signs, facts = body.get("spent"), body.get("signs"), body.get("facts")
    return RunState(
        run,
        project,
        plans.parse(str(body.get("text") or ""), before.plan),
        _facts(facts, before.facts),
        _one_of(Wanted, body.get("wanted"), before.wanted),
        _one_of(Phase, body.get("phase"), before.phase),
        _spent(spent, before.spent),
        tuple(map(progress.of_json, signs)) if isinstance(signs, list) else before.signs,
        _ending(body.get("ending"), before.ending),
        outcomes.of_json(body.get("first")) or before.first,
        outcomes.of_json(body.get("now")) or before.now,
        str(body.get("answer", before.answer)),
    )


def merged(run: RunState, persons: Sequence[RunState]) -> RunState:
    """The run's own state with what people wrote meanwhile, the newest first: their plan holds, and of what
    they want the strictest."""
    if not persons:
        return run
    wanted = strictest(*(state.wanted for state in persons))
    return replace(run, plan=plans.joined(persons[0].plan, run.plan), wanted=wanted)


def _facts(value: object, before: Facts) -> Facts:
    if not isinstance(value, Mapping):
        return before
    known = {name: value[name] for name in Facts.__dataclass_fields__ if isinstance(value.get(name), str)}
    dirty = value.get("dirty")
    if known.get("handoff") not in get_args(Handoff):
        known.pop("handoff", None)
    return Facts(**known, dirty=dirty if isinstance(dirty, int) else 0)


def _spent(value: object, before: Spent) -> Spent:
    if not isinstance(value, Mapping):
        return before
    numbers = {name: value.get(name, 0) for name in Spent.__dataclass_fields__}
    if not all(isinstance(number, int | float) for number in numbers.values()):
        return before
    return Spent(int(numbers["steps"]), float(numbers["seconds"]), int(numbers["tokens"]))


def _ending(value: object, before: Ending | None) -> Ending | None:
    if isinstance(value, Mapping) and value.get("why") in get_args(Why):
        return Ending(cast(Why, value["why"]), str(value.get("text") or ""))
    return before


def _one_of(kind: Any, value: object, before: Any) -> Any:
    return value if value in get_args(kind) else before
