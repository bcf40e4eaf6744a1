"""`orch model tune`: how it runs now, how it could, and what is kept."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.terminal import plain

if TYPE_CHECKING:
    from orchestrator.models.tune import Answer
    from orchestrator.models.tuning import Measured
    from orchestrator.paths import Home


def run(name: str, home: Home, *, as_json: bool) -> None:
    """Measure, print and keep. Raises `ModelError`, `UsageError`."""
    from orchestrator.errors import UsageError
    from orchestrator.models import threads, tuning
    from orchestrator.models.select import choose
    from orchestrator.models.tune import chosen, layers_on_gpu, measuring, tune

    choice = choose(name, home, kinds=frozenset({"gguf"}))
    if choice.kind != "gguf":
        raise UsageError(f"{choice.name} is run by another program.", "Tune it there.")
    cores = threads.usable_cores()
    if threads.is_busy(cores):
        print("This machine is busy: what is measured now may not hold later.", file=sys.stderr)
    now = threads.kept(home.root / "threads.json", choice.sha256) or threads.Threads(cores, cores)
    before = tuning.Tuning(now.generation, now.prefill)
    answers: list[Answer] = []
    for answer in tune(measuring(choice.path), before, cores, lambda: layers_on_gpu(choice.path, 8192)):
        answers.append(answer)
        if not as_json:
            typer.echo(_line("now" if len(answers) == 1 else "", answer.measured))
    first, quickest = answers[0].measured, chosen(answers)
    tuning.keep(home.root / "tuning.json", choice.sha256, answers[0].machine, quickest, first)
    if as_json:
        typer.echo(json.dumps(_as_json(choice.name, answers, quickest), indent=2))
        return
    typer.echo(_line("before", first))
    typer.echo(_line("after", quickest))
    gain = first.seconds / quickest.seconds
    same = "It runs best as it did." if quickest is first else f"A step takes {1 / gain:.0%} of the time."
    typer.echo(plain(f"{choice.name}: {same} Sessions use this until the machine changes."))


def _line(what: str, one: Measured) -> str:
    how = one.tuning
    layers = "" if how.gpu_layers is None else f", {how.gpu_layers} layers on the GPU"
    flash = "flash attention" if how.flash else "no flash attention"
    text = f"threads {how.generation}/{how.prefill}, batch {how.chunk}, {flash}, cache {how.cache}{layers}"
    return f"{what:<7}{one.prefill:>7.1f} read/s {one.generation:>6.1f} written/s   {text}"


def _as_json(name: str, answers: list[Answer], quickest: Measured) -> dict[str, Any]:
    from dataclasses import asdict

    tried = [asdict(answer.measured) for answer in answers]
    return {"model": name, "before": tried[0], "after": asdict(quickest), "tried": tried}
