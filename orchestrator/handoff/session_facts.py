"""From the records of one session to the facts of its log entry: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.documents.plain import code, first_line, first_sentence, flat, prose
from orchestrator.handoff import runs
from orchestrator.handoff.facts import CLAIMED, VERIFIED, Fact, SessionFacts, Work
from orchestrator.handoff.git_state import counted
from orchestrator.handoff.notes import Cite, facts_of
from orchestrator.types import Record

PROMPTS = 20
RESULTS = 8
DEAD_ENDS = 12
FILES = 30
ENDINGS = {
    "interrupted": "The session was interrupted.",
    "killed": "The session was killed before it could end; what follows is what was recorded.",
    "failed": "The session failed.",
}
_NOTED = ("decision", "blocker", "next", "goal", "constraint", "dead_end")
_SET = (("goal", "Goal"), ("constraint", "Constraint"))
_NOTHING = "nothing has "
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The latest result of one tool on one target."""

    record: Record
    failed: bool
    exit_code: int | None
    text: str
    changed: tuple[str, ...]


def session_facts(
    session: str, short: str, records: Sequence[Record], reason: str, cite: Cite
) -> SessionFacts:
    """`records` oldest first. Citations are short here ("#3"): the heading names the session."""

    def local(record: Record) -> str:
        return "#" + cite(record).rpartition("#")[2]

    tried = outcomes(records)
    noted = {kind: facts_of(_of_kind(records, kind), local) for kind in _NOTED}
    settled = [replace(fact, text=f"{label}: {fact.text}") for kind, label in _SET for fact in noted[kind]]
    failed = [replace(fact, text=f"Tried {fact.text}") for fact in noted["dead_end"]]
    start = next((record for record in records if _event(record) == "start"), None)
    end = next((record for record in reversed(records) if _event(record) == "end"), None)
    reason = str(_body(end).get("reason") or reason)
    return SessionFacts(
        session=session,
        title=_title(short, records, start),
        ended=_ended(reason, end, local),
        starting=_starting(start, local),
        work=_work(records, local),
        decisions=(*settled, *noted["decision"]),
        dead_ends=(*failed, *_dead_ends(tried, local)),
        changes=_changes(records, local),
        blockers=tuple(noted["blocker"]),
        next_steps=tuple(noted["next"]) + _unfinished(records, reason, local),
        tests=tuple(test_facts(tried, local, why=True)),
    )


def outcomes(records: Iterable[Record]) -> dict[_Key, Outcome]:
    """(tool, target) → its latest result, in the order of those results; `records` oldest first."""
    found: dict[_Key, Outcome] = {}
    for key, outcome in each_outcome(records):
        found.pop(key, None)
        found[key] = outcome
    return found


def each_outcome(records: Iterable[Record]) -> Iterator[tuple[_Key, Outcome]]:
    """(tool, target) and result of every call, oldest first as the `records` are."""
    calls: dict[str, Record] = {}
    for record in records:
        if record.kind == "tool_call":
            calls[record.id] = record
        elif record.kind == "tool_result":
            yield _outcome(record, calls)


def test_facts(tried: Mapping[_Key, Outcome], cite: Cite, *, why: bool) -> list[Fact]:
    """The latest run of each test command, newest last; with `why` the line that says what failed."""
    facts = []
    for (name, about), outcome in tried.items():
        if runs.test_run(name, about) and outcome.exit_code is not None:
            seen = [runs.summary(outcome.text)]
            own = runs.own_exit_code(about)
            seen.append(f"exit {outcome.exit_code}" if own else "its exit code is hidden by what follows it")
            text = f"{code(about)}: {', '.join(part for part in seen if part)}"
            if why and outcome.exit_code and own and (line := runs.failure(outcome.text)):
                text += f"; says {code(line, 160)}"
            facts.append(Fact(text, (cite(outcome.record),), VERIFIED if own else ""))
    return facts


def _outcome(record: Record, calls: Mapping[str, Record]) -> tuple[_Key, Outcome]:
    body = _body(record)
    call = next((calls[parent] for parent in record.parents if parent in calls), None)
    name = flat(str(body.get("name") or _body(call).get("name") or "tool"), 40)
    exit_code = body.get("exit_code")
    exit_code = exit_code if isinstance(exit_code, int) else None
    failed = body.get("ok") is not True or bool(exit_code)
    paths = body.get("changed")
    changed = tuple(path for path in paths if isinstance(path, str)) if isinstance(paths, list) else ()
    about = runs.target(_body(call))
    # the same tests, whichever tool ran them
    return ("shell" if runs.test_run(name, about) else name, about), Outcome(
        record, failed, exit_code, _text(record), changed
    )


def _title(short: str, records: Sequence[Record], start: Record | None) -> str:
    if not records:
        return short
    # a killed session is closed at the next start, perhaps days later: that is not when it ended
    lived = [record for record in records if _body(record).get("reason") != "killed"] or records
    began, ended = (start or records[0]).wall[:16].split("T"), lived[-1].wall[:16].split("T")
    until = ended[-1] if began[0] == ended[0] else " ".join(ended)
    body = _body(start)
    about = [flat(str(body[key]), 60) for key in ("role", "model") if body.get(key)]
    return " · ".join([f"{short}: {' '.join(began)}–{until}", *about])


def _ended(reason: str, end: Record | None, cite: Cite) -> Fact | None:
    if reason in ("", "done"):
        return None
    text = ENDINGS.get(reason, f"The session ended early: {prose(reason, 60)}.")
    return Fact(text, (cite(end),) if end else ())


def _starting(start: Record | None, cite: Cite) -> tuple[Fact, ...]:
    if start is None:
        return ()
    body = _body(start)
    said = [f"{label} {flat(str(body[key]), 40)}" for key, label in _SETTINGS if body.get(key)]
    if isinstance(branch := body.get("branch"), str) and branch:
        commit = body.get("commit")
        said.append(
            f"branch {code(branch, 60)}" + (f" at {flat(str(commit), 12).rstrip('…')}" if commit else "")
        )
    if isinstance(dirty := body.get("dirty"), int) and dirty:
        said.append(f"{counted(dirty, 'file')} uncommitted")
    text = ", ".join(said)
    facts = [Fact(text[0].upper() + text[1:], (cite(start),))] if said else []
    tiers = body.get("tiers")
    read = [
        f"{tier.get('tier')} ({tier.get('tokens')} tokens)"
        for tier in (tiers if isinstance(tiers, list) else ())
        if isinstance(tier, Mapping)
    ]
    text = "Read tiers " + prose(", ".join(read), 200) if read else "No handoff documents were there to read"
    if isinstance(tiers, list):
        facts.append(Fact(text, (cite(start),)))
    return tuple(facts)


_SETTINGS = (("mode", "mode"), ("sandbox", "sandbox"))


def _work(records: Sequence[Record], cite: Cite) -> tuple[Work, ...]:
    """One item a prompt: what happened from it to the next one."""
    spans: list[list[Record]] = [[]]
    for record in records:
        if record.kind == "message" and _body(record).get("role") == "user":
            spans.append([])
        spans[-1].append(record)
    work = [_item(span[0], span[1:], cite) for span in spans[1:]]
    if early := facts_of((r for r in spans[0] if r.kind in ("lesson", "note")), cite):
        work.insert(0, Work(Fact("Noted before the first prompt"), (), tuple(early)))
    skipped = len(work) - PROMPTS
    if skipped > 0:
        work = [
            Work(Fact(f"{skipped} earlier prompts, not listed here (`orch log` has them)")),
            *work[-PROMPTS:],
        ]
    return tuple(work)


def _item(prompt: Record, span: Sequence[Record], cite: Cite) -> Work:
    tried = outcomes(span)
    results = [fact for key, outcome in tried.items() if (fact := _result(key, outcome, cite))]
    skipped = len(results) - RESULTS
    if skipped > 0:
        results = [Fact(f"{skipped} earlier results, not listed here"), *results[-RESULTS:]]
    if looked := [
        (key, item) for key, item in tried.items() if not item.failed and key[0] in ("read", "search")
    ]:
        shown = ", ".join(f"{runs.shown(*key)}{_found(item)}" for key, item in looked[:4])
        more = f" and {len(looked) - 4} more" if len(looked) > 4 else ""
        cites = tuple(cite(item.record) for _, item in looked[:4])
        results.insert(0, Fact(f"looked at {shown}{more}", cites, VERIFIED))
    for record in span:
        if record.kind == "message" and _body(record).get("role") == "assistant" and _text(record).strip():
            cut = "answer cut off" if _body(record).get("interrupted") else "answered"
            results.append(Fact(f"{cut}: {first_sentence(_text(record))}", (cite(record),), CLAIMED))
    lessons = facts_of((record for record in span if record.kind in ("lesson", "note")), cite)
    asked = first_line(_text(prompt), 160) or "(a prompt without words)"
    return Work(Fact(asked, (cite(prompt),)), tuple(results), tuple(lessons))


def _found(outcome: Outcome) -> str:
    """What our own search says first where nothing has the words that were looked for."""
    return " (not found)" if outcome.text.startswith(_NOTHING) else ""


def _result(key: _Key, outcome: Outcome, cite: Cite) -> Fact | None:
    """A change or a command; what was only read is listed together, what failed under Dead Ends."""
    said = []
    if runs.is_command(key[0]) and outcome.exit_code is not None:
        said.append(f"{runs.shown(*key)}: exit {outcome.exit_code}")
    if outcome.changed:
        names = ", ".join(code(path, 120) for path in outcome.changed[:4])
        more = f" and {len(outcome.changed) - 4} more" if len(outcome.changed) > 4 else ""
        said.append(f"changed {names}{more}{_counts([outcome.record])}")
    return Fact(", ".join(said), (cite(outcome.record),), VERIFIED) if said else None


def _dead_ends(tried: Mapping[_Key, Outcome], cite: Cite) -> tuple[Fact, ...]:
    """What failed and was not put right later by the same tool on the same target."""
    facts = []
    for key, outcome in tried.items():
        if not outcome.failed or runs.test_run(*key) or (outcome.exit_code and runs.probe(key[1])):
            continue
        why = code(runs.error_line(outcome.text), 160) if outcome.text.strip() else "no output"
        status = f", exit {outcome.exit_code}" if outcome.exit_code else ""
        text = f"Tried {runs.shown(*key)}; error: {why}{status}"
        facts.append(Fact(text, (cite(outcome.record),), VERIFIED))
    skipped = len(facts) - DEAD_ENDS
    return (*facts[-DEAD_ENDS:], *([Fact(f"{skipped} earlier ones, not listed here")] if skipped > 0 else []))


def _changes(records: Sequence[Record], cite: Cite) -> tuple[Fact, ...]:
    """Changed files; lines are counted a file where each change touched that file alone."""
    by_paths: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        paths = _body(record).get("changed")
        if record.kind == "tool_result" and isinstance(paths, list) and paths:
            by_paths.setdefault(tuple(sorted(str(path) for path in paths)), []).append(record)
    facts = []
    for names, rows in by_paths.items():
        shown = ", ".join(code(path, 120) for path in names[:6])
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        cites = tuple(cite(row) for row in rows[-3:])
        facts.append(Fact(f"{shown}{more}{_counts(rows)}", cites, VERIFIED))
    skipped = len(facts) - FILES
    return (*facts[-FILES:], *([Fact(f"{skipped} more, not listed here")] if skipped > 0 else []))


def _counts(rows: Iterable[Record]) -> str:
    bodies = [_body(row) for row in rows]
    added, removed = (
        sum(value for body in bodies if isinstance(value := body.get(key), int))
        for key in ("added", "removed")
    )
    return f": +{added} −{removed}" if added or removed else ""


def _unfinished(records: Sequence[Record], reason: str, cite: Cite) -> tuple[Fact, ...]:
    """The prompt that a cut-off session left without an answer."""
    if reason in ("", "done"):
        return ()
    for record in reversed(records):
        if record.kind == "message":
            if _body(record).get("role") != "user":
                return ()
            return (Fact(f"Left without an answer: {first_line(_text(record), 160)}", (cite(record),)),)
    return ()


def _of_kind(records: Iterable[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


def _event(record: Record) -> object:
    return _body(record).get("event") if record.kind == "session" else None


def _body(record: Record | None) -> Mapping[str, Any]:
    return (record.body or {}) if record else {}


def _text(record: Record) -> str:
    value = _body(record).get("text")
    return value if isinstance(value, str) else ""
