"""The loop of a run: check, decide, one fresh instance for the next step, measure, keep or take back.

Between two steps nothing is held but the worktree and the record: a process that is killed there, or in the
middle of a step, is followed by another that reads both.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from orchestrator.agent.recorder import Recorder
from orchestrator.autonomy import dead_ends, instructions, judging, wishes
from orchestrator.autonomy.attempt import Attempt, Instance
from orchestrator.autonomy.ending import Ending, Wanted, ending, exhausted, strictest
from orchestrator.autonomy.happenings import Happening, RunEnded, RunStarted, StepBegun, StepEnded
from orchestrator.autonomy.judging import Judgement
from orchestrator.autonomy.ledger import Ledger
from orchestrator.autonomy.plan import AGAIN, FIRST, Status, Step, line
from orchestrator.autonomy.progress import Sign, progress
from orchestrator.autonomy.run_tools import Watch
from orchestrator.autonomy.state import RunState
from orchestrator.autonomy.suspects import suspects
from orchestrator.autonomy.workbench import Workbench
from orchestrator.errors import ModelError, OrchError
from orchestrator.events import Event
from orchestrator.ports import Journal

WARMER, HOTTEST = 0.35, 0.9
"""By how much the temperature rises with each step in a row that was taken back, and to what at most: an
instance that is told the same would do the same."""
FAILURES = 2
"""Models that fail in a row end the run."""


class RunJournal(Journal, Protocol):
    def cite_session(self, session: str) -> str: ...


class Instances(Protocol):
    """Makes the session of a step: fresh, from the documents."""

    def fresh(self, watch: Watch, facts: Mapping[str, Any], temperature: float) -> Instance: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is made of."""

    ledger: Ledger
    journal: RunJournal
    bench: Workbench
    instances: Instances
    prepare: Callable[[], None]
    """Makes the worktree, or puts it right; may be slow, is called in a thread."""


class GoalRun:
    """One run in this process, which holds its lock. `play` once."""

    def __init__(self, state: RunState, parts: Parts, *, resumed: bool) -> None:
        self.state = state
        self._parts = parts
        self._bench = parts.bench
        self._resumed = resumed
        self._since = time.monotonic()
        self._here: Wanted = "go"
        self._attempt: Attempt | None = None
        self._failures = 0
        self._finished = ""
        self._old_signs = len(state.signs) if state.phase != "running" else 0
        """Of those before a person resumed it: they end nothing any more."""

    async def interrupt(self) -> None:
        """Pause at the next safe point; the instance stops at once, and its work waits in the worktree."""
        self._here = "pause"
        if self._attempt:
            await self._attempt.halt("pause")

    async def play(self) -> AsyncIterator[Happening | Event]:
        """Yields `RunStarted`, for each step `StepBegun`, the instance's events, `CheckRun`s and `StepEnded`,
        and last `RunEnded`. Raises `OrchError` where the run cannot go on; it can be resumed then."""
        self._since = time.monotonic()
        await asyncio.to_thread(self._parts.prepare)
        phase = self.state.phase
        self._save(phase="running", ending=None)
        facts, plan, tree = self.state.facts, self.state.plan, self._bench.worktree.place.tree
        yield RunStarted(
            self.state.run, plan.goal, plan.check, facts.branch, str(tree), facts.base, self._resumed
        )
        try:
            async for happening in self._first(by_hand=phase == "paused"):
                yield happening
            while (end := self._ending()) is None and self._wanted() != "pause":
                async for event in self._step():
                    yield event
                self._save()
        except ModelError as error:
            end = Ending("failed", f"The model failed: {error}")
        except OrchError as error:
            self._save(phase="paused")
            raise error
        self._save(phase="ended" if end else "paused", ending=end)
        yield await self._ended(end)

    # --- where it stands ----------------------------------------------------------------------

    def _save(self, *, steps: int = 0, tokens: int = 0, **changed: Any) -> None:
        """Record where the run stands, and take over what people wrote meanwhile."""
        now = time.monotonic()
        spent = self.state.spent
        spent = replace(
            spent,
            steps=spent.steps + steps,
            seconds=round(spent.seconds + now - self._since, 3),
            tokens=spent.tokens + tokens,
        )
        self._since = now
        self.state = self._parts.ledger.write(replace(self.state, spent=spent, **changed))

    def _wanted(self) -> Wanted:
        return strictest(self._here, self.state.wanted)

    def _ending(self) -> Ending | None:
        state = self.state
        return ending(
            state.plan.budget,
            state.spent,
            state.signs[self._old_signs :],
            check=self._bench.check is not None,
            passes=self._bench.passes if self._reached() else 0,
            finished=self._finished,
            wanted=self._wanted(),
        )

    def _reached(self) -> bool:
        """A check that passed from the start proves nothing until something has changed, or been answered."""
        first = self.state.first
        moved = any(sign.kept for sign in self.state.signs) or (first is not None and not first.ok)
        answered = wishes.is_question(self.state.plan.goal) and bool(self.state.answer)
        return (moved or answered) and not self._unmet()

    def _unmet(self) -> str:
        bench = self._bench
        return wishes.unmet(self.state.plan.goal, self.state.first, bench.outcome, bench.texts.read())

    async def _halts(self, tokens: int) -> str:
        """Why the instance at work must stop now; asked twice a second."""
        if self._here != "go":
            return self._here
        now = await asyncio.to_thread(self._parts.ledger.read, self.state.run)
        if now is not None and now.wanted != "go":
            return now.wanted
        spent = self.state.spent
        seconds = spent.seconds + time.monotonic() - self._since
        budget = replace(self.state.plan.budget, steps=spent.steps + 1)
        over = exhausted(budget, replace(spent, seconds=seconds, tokens=spent.tokens + tokens))
        return over.why if over else ""

    async def _first(self, *, by_hand: bool) -> AsyncIterator[Happening]:
        """The check before the first step; and what stands in the worktree already, left by a killed process
        or by a person during a pause."""
        bench, before = self._bench, self._bench.outcome
        diff, changed = await bench.stage()
        if diff and by_hand:
            await bench.keep("Work of the pause")
        broken = await bench.broken(changed) if diff and not by_hand else ""
        if not broken:
            async for event in bench.checked(self._recorder(self.state.run)):
                yield event
        if diff and not by_hand:
            if judging.judge(before, bench.outcome, broken).keep:
                await bench.keep("What a killed step left")
            else:
                await bench.take_back(before)
        plan, first = self.state.plan, self.state.first
        if first is None and bench.outcome is not None:
            first = bench.outcome
            if plan.next is not None and plan.next.text == FIRST:
                plan = plan.marked(plan.next, "done", first.short)
        self._save(plan=plan, first=first, now=bench.outcome)

    # --- a step -------------------------------------------------------------------------------

    async def _step(self) -> AsyncIterator[Happening | Event]:
        plan = self.state.plan
        step = plan.next
        if step is None:
            plan = plan.with_step(instructions.again(self._bench.outcome, self._unmet()))
            step = plan.next
        assert step is not None  # `again` is never empty
        new = step.status != "doing"  # else a process was killed in it, and it is paid for
        number = self.state.spent.steps + new
        told = self.state.facts.handoff == "on"
        known = dead_ends.known(self._parts.journal, self.state.project) if told else ()
        yield StepBegun(number, step.text)
        if end := dead_ends.repeated_by_step(step, known):
            self._save(steps=1, plan=plan.marked(step, "refused", end.citation))
            why = f"It was tried before and failed [{end.citation}]: {end.error or end.text}"
            yield StepEnded(number, "refused", why, evidence=(end.citation,))
            return
        self._save(steps=int(new), plan=plan.marked(step, "doing"))
        words = plan.goal if step.text.startswith(AGAIN) else f"{plan.goal}\n{step.text}"
        watch = Watch(wishes.sought(words), known, self._protected())
        session = self._parts.instances.fresh(
            watch, {"run": self.state.run, "step": number, "goal": plan.goal}, self._temperature()
        )
        self._attempt = Attempt(session, self._halts)
        try:
            async for event in self._attempted(self._attempt, step, watch, number):
                yield event
        finally:
            self._attempt = None

    async def _attempted(
        self, attempt: Attempt, step: Step, watch: Watch, number: int
    ) -> AsyncIterator[Happening | Event]:
        reason, failed = "failed", ""
        try:
            try:
                async for event in attempt.play(self._instructions(step, watch)):
                    yield event
                reason = "interrupted" if attempt.halted else "done"
                self._failures = 0
            except ModelError as error:
                self._failures += 1
                failed = line(str(error), 200)
                if self._failures >= FAILURES:
                    raise
            if attempt.halted in ("pause", "stop"):
                await self._halted(attempt, step)
            else:
                async for happening in self._measured(attempt, step, watch, number, failed):
                    yield happening
        except BaseException:
            await attempt.session.close(reason)
            raise
        for ended in await attempt.session.close(reason):
            yield ended

    async def _halted(self, attempt: Attempt, step: Step) -> None:
        """A person paused it: what was done so far waits in the worktree, and the step is still being done.
        Or stopped it: then what parses is a commit, unchecked."""
        plan, bench = self.state.plan, self._bench
        if attempt.halted == "stop":
            diff, changed = await bench.stage()
            if diff and await bench.broken(changed):
                await bench.take_back(bench.outcome)
            elif diff:
                await bench.keep(f"Unfinished: {step.text}")
            plan = plan.marked(step, "failed", self._cited(attempt), "stopped")
        self._save(tokens=attempt.tokens, plan=plan, now=bench.outcome)

    async def _measured(
        self, attempt: Attempt, step: Step, watch: Watch, number: int, failed: str
    ) -> AsyncIterator[Happening]:
        """What the step changed is checked, and kept or taken back; signs are measured, the plan marked."""
        bench, recorder = self._bench, self._recorder(attempt.session.id)
        before, judged, commit = bench.outcome, Judgement(False, failed or "it changed nothing"), ""
        evidence = [self._cited(attempt)]
        await asyncio.to_thread(bench.worktree.spare, watch.protected)
        diff, changed = await bench.stage()
        if diff:
            broken = await bench.broken(changed)
            if not broken:
                async for event in bench.checked(recorder):
                    yield event
            judged = judging.judge(before, bench.outcome, broken)
        if diff and judged.keep:
            title = step.text if not step.text.startswith(AGAIN) else judging.summary(diff)
            commit = await bench.keep(title, evidence[0])
            evidence.append(commit)
        elif diff:
            evidence.append(self._dead_end(recorder, watch, diff, judged))
            await bench.take_back(before)
        bench.texts.forget()
        sign = Sign(
            change=_print(diff),
            kept=bool(commit),
            outcome=bench.outcome.print if bench.outcome else "",
            failures=bench.outcome.failed if bench.outcome else None,
            found=tuple(dict.fromkeys(watch.found)),
            said=_print(attempt.answer),
        )
        signs = progress(self.state.signs, sign)
        answered = bool(attempt.answer) and wishes.is_question(self.state.plan.goal)
        status: Status = "done" if commit or answered else "failed"
        self._finish(bool(commit), answered and bool(watch.found), changed)
        self._save(
            tokens=attempt.tokens,
            signs=(*self.state.signs, sign),
            now=bench.outcome,
            answer=attempt.answer or self.state.answer,
            plan=self.state.plan.marked(step, status, *evidence),
        )
        yield StepEnded(number, status, judged.why, commit, changed, signs, tuple(evidence))

    def _finish(self, kept: bool, answered: bool, changed: tuple[str, ...]) -> None:
        """Without a check: whether what was measured lets the goal count as reached."""
        if self._bench.check is not None or self._unmet():
            return
        if answered:
            self._finished = "the goal is a question, and it was answered after looking."
        elif kept:
            names = ", ".join(changed[:4])
            self._finished = f"what changed parses ({names}), and nobody tried whether it works."

    def _instructions(self, step: Step, watch: Watch) -> str:
        bench, plan = self._bench, self.state.plan
        texts = bench.texts.read()
        return instructions.instructions(
            plan,
            replace(step, text=plan.goal) if step.text.startswith(AGAIN) else step,
            bench.outcome,
            unmet=self._unmet(),
            failed=[end for end in watch.dead_ends if end.run == self.state.run],
            done=[subject for _, subject in bench.worktree.commits(self.state.facts.base)],
            files=suspects(f"{plan.goal} {step.text}", bench.outcome, texts),
            texts=texts,
        )

    def _dead_end(self, recorder: Recorder, watch: Watch, diff: str, judged: Judgement) -> str:
        outcome = self._bench.outcome
        told = outcome.lines[:1] if outcome and judged.why.startswith("the check") else ()
        body = dead_ends.body(
            self.state.run,
            judging.summary(diff),
            "; ".join((judged.why, *told)),
            watch.changes,
            watch.reasons,
        )
        return self._parts.journal.cite(recorder.note("dead_end", body).record)

    def _recorder(self, session: str) -> Recorder:
        return Recorder(self._parts.journal, self.state.project, session)

    def _cited(self, attempt: Attempt) -> str:
        return self._parts.journal.cite_session(attempt.session.id)

    def _protected(self) -> frozenset[str]:
        plan = self.state.plan
        return wishes.protected(plan.goal, plan.check, self.state.first, self._bench.texts.paths())

    def _temperature(self) -> float:
        vain = 0
        for sign in reversed(self.state.signs):
            if sign.kept:
                break
            vain += 1
        return min(HOTTEST, WARMER * vain)

    async def _ended(self, end: Ending | None) -> RunEnded:
        state = self.state
        commits = await asyncio.to_thread(self._bench.worktree.commits, state.facts.base)
        why, text = (end.why, end.text) if end else ("paused", "It is paused.")
        spent = state.spent
        good = end is not None and end.good
        return RunEnded(
            state.run,
            why,
            text,
            good,
            state.facts.branch,
            len(commits),
            spent.steps,
            spent.seconds,
            spent.tokens,
        )


def _print(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12] if text else ""
