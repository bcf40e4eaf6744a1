"""Prompt-lookup decoding against plain greedy decoding: tokens a second, and whether they agree.

    python benchmarks/lookup.py [MODEL.gguf] [--draft 3,7] [--ngram 3] [--rounds 2] [--threads N]

A draft is what followed the last few tokens where they stood before, in the prompt or the answer;
one batch verifies it, and the sampler takes what it would have taken anyway, so no state of the
grammar is ever taken back. Tasks: editing (a file written anew with one change, an edit by its old
and new lines), quoting (lines of a file in an answer) and prose, which has nothing to copy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.models.chat_template import CHATML, segments
from orchestrator.models.dialects import ANSWER_SPEC, OPENING, describe, grammar
from orchestrator.models.llama_engine import Engine
from orchestrator.models.llama_sampling import DeadEnd, Sampler
from orchestrator.models.llama_worker import quiet_log
from orchestrator.models.threads import usable_cores
from orchestrator.paths import home
from orchestrator.types import Message, Parameter, ToolSpec

CONTEXT = 4096
WRITE = ToolSpec("write", "write a file whole", (Parameter("path"), Parameter("content")), "write")
EDIT = ToolSpec(
    "edit", "replace text in a file", (Parameter("path"), Parameter("old"), Parameter("new")), "write"
)
SOURCE = '''\
class QuotaExceeded(Exception):
    """An account has used up what it paid for."""


class Account:
    def __init__(self, name, left, limit=1000):
        self.name = name
        self.left = left
        self.limit = limit
        self.history = []

    def charge(self, amount, reason=""):
        """Take amount from what is left, and note why."""
        if self.left < amount:
            raise QuotaExceeded(self.name)
        self.left -= amount
        self.history.append(("charge", amount, reason))

    def refund(self, amount, reason=""):
        """Give amount back, up to the limit, and note why."""
        self.left = min(self.limit, self.left + amount)
        self.history.append(("refund", amount, reason))

    def statement(self):
        """Lines of the history, oldest first."""
        return [f"{kind}: {amount} {reason}" for kind, amount, reason in self.history]
'''


@dataclass(frozen=True)
class Task:
    kind: str
    prompt: str
    choices: tuple[ToolSpec, ...]


TASKS = (
    Task("editing", "Write quota.py anew, whole, with the limit's default 5000 instead of 1000.", (WRITE,)),
    Task("editing", "Write quota.py anew, whole, and rename the method refund to give_back.", (WRITE,)),
    Task("editing", "In quota.py change the body of charge: raise QuotaExceeded(self) instead.", (EDIT,)),
    Task("quoting", "Quote the method charge of quota.py, word for word.", (ANSWER_SPEC,)),
    Task("quoting", "Quote the method statement and say in one sentence what it does.", (ANSWER_SPEC,)),
    Task("quoting", "Which lines of quota.py append to the history? Quote them.", (ANSWER_SPEC,)),
    Task("prose", "Explain in a paragraph why SQLite locks under many writers.", (ANSWER_SPEC,)),
)


def prompt_of(engine: Engine, task: Task) -> list[int]:
    """The ids of one task's prompt, up to where the call opens."""
    messages = (
        Message("system", "You are an agent. Reply with one JSON object.\n" + describe((WRITE, EDIT))),
        Message("user", f"read quota.py\n{task.prompt}"),
        Message("tool", SOURCE, name="read"),
    )
    ids: list[int] = []
    for part in segments(CHATML, messages):
        for segment in part:
            ids += engine.tokenize(segment.text, segment.special)
    return ids + engine.tokenize(OPENING)


def looked_up(ids: Sequence[int], ngram: int, most: int) -> list[int]:
    """What followed the last `ngram` ids at their latest earlier place, at most `most` ids."""
    if most <= 0 or len(ids) <= ngram:
        return []
    last = list(ids[-ngram:])
    for start in range(len(ids) - ngram - 1, -1, -1):
        if ids[start] == last[0] and list(ids[start : start + ngram]) == last:
            return list(ids[start + ngram : start + ngram + most])
    return []


@dataclass
class Run:
    ids: list[int]
    seconds: float
    steps: int
    drafted: int
    agreed: int


def generate(engine: Engine, prompt: list[int], task: Task, tokens: int, ngram: int, draft: int) -> Run:
    """Greedy, under the grammar; with `draft` 0 plain decoding, one token a step."""
    kept = min(engine.shared(prompt), len(prompt) - 1)
    engine.keep(kept - kept % 4)
    while (at := len(engine.ids)) < len(prompt):
        engine.prefill(prompt[at : at + engine.chunk], True)
    sampler = Sampler(engine.vocab, grammar(task.choices), 0.0, 0)
    run = Run([], 0.0, 0, 0, 0)
    guess: list[int] = []
    row = -1  # of the logits that come next
    start = time.perf_counter()
    try:
        while len(run.ids) < tokens:
            token = sampler.pick(engine.logits(row))
            if sampler.ends(token):
                break
            run.ids.append(token)
            if sampler.complete:
                break
            if guess and guess[0] == token:  # it is in the cache already, with the logits after it
                guess.pop(0)
                row += 1
                run.agreed += 1
                continue
            engine.keep(len(engine.ids) - len(guess))
            room = min(draft, tokens - len(run.ids) - 1)
            guess = looked_up([*prompt, *run.ids], ngram, room) if draft else []
            run.drafted += len(guess)
            run.steps += 1
            engine.append(token, *guess)
            row = 0
    except DeadEnd:
        pass
    finally:
        sampler.close()
    run.seconds = time.perf_counter() - start
    return run


def best(engine: Engine, prompt: list[int], task: Task, given: argparse.Namespace, draft: int) -> Run:
    """The quickest of a few: what else the machine does only ever slows it down."""
    runs = [generate(engine, prompt, task, given.tokens, given.ngram, draft) for _ in range(given.rounds)]
    return min(runs, key=lambda run: run.seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    small = home().models / "qwen2.5-coder-0.5b.gguf"
    parser.add_argument("model", type=Path, nargs="?", default=small)
    parser.add_argument("--draft", default="3,7", help="lengths of drafts to try")
    parser.add_argument("--ngram", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2, help="the quickest counts")
    parser.add_argument("--threads", type=int, default=usable_cores())
    given = parser.parse_args()
    quiet_log()
    engine = Engine(given.model, CONTEXT, 0)
    engine.set_threads(given.threads, given.threads)
    totals: dict[tuple[str, int], list[float]] = {}
    for task in TASKS:
        prompt = prompt_of(engine, task)
        plain = best(engine, prompt, task, given, 0)
        print(f"{task.kind}: {task.prompt}\n  plain      {len(plain.ids) / plain.seconds:6.1f} tokens/s")
        for draft in map(int, given.draft.split(",")):
            run = best(engine, prompt, task, given, draft)
            same = next((i for i, (a, b) in enumerate(zip(plain.ids, run.ids, strict=False)) if a != b), None)
            said = "same ids" if run.ids == plain.ids else f"differs at token {same}"
            ratio = (len(run.ids) / run.seconds) / (len(plain.ids) / plain.seconds)
            totals.setdefault((task.kind, draft), []).append(ratio)
            print(
                f"  draft {draft:>2}   {len(run.ids) / run.seconds:6.1f} tokens/s  × {ratio:.2f}  "
                f"{run.agreed}/{run.drafted} agreed, {len(run.ids)} tokens in {run.steps} steps, {said}",
                flush=True,
            )
    for (kind, draft), ratios in totals.items():
        print(f"{kind}, draft {draft}: × {sum(ratios) / len(ratios):.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
