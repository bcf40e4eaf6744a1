"""`orch handoff --rehearse`: what a fresh instance knows from the documents alone."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.commands.handoff_desk import Desk
from orchestrator.terminal import one_line, plain

if TYPE_CHECKING:
    from orchestrator.agent.rehearsal import Expected, Rehearsed
    from orchestrator.handoff.facts import BriefingFacts
    from orchestrator.workspaces import Project

MOST_EACH = 3
"""Constraints and dead ends that a newcomer is asked about, the most important first."""


def rehearse_all(desk: Desk, places: Sequence[Project], model: str | None, *, as_json: bool) -> None:
    """Ask in each project, and print what a newcomer would miss. Raises `OrchError`."""
    reports = []
    for place in places:
        name, told = asyncio.run(_rehearsed(desk, place, model))
        reports.append(_report(place, name, told))
        if not as_json:
            typer.echo(plain("\n".join(_lines(place, name, told))))
    if as_json:
        typer.echo(json.dumps({"projects": reports, "said": desk.told}, ensure_ascii=False))


async def _rehearsed(desk: Desk, place: Project, model: str | None) -> tuple[str, list[Rehearsed]]:
    from orchestrator import wiring
    from orchestrator.agent.prefix import read
    from orchestrator.agent.rehearsal import rehearse
    from orchestrator.agent.tiers import KnownTiers
    from orchestrator.config import load
    from orchestrator.types import Owner

    settings = load(desk.where.config)
    expected = _expected(desk.documents(place).briefing_facts())
    backend = wiring.backend(model or settings.model.name, settings, desk.where)
    told: list[Rehearsed] = []
    try:
        info = await backend.start()
        tiers = KnownTiers(wiring.readable(place, settings, desk.where))
        owner = Owner(place.id, str(place.root))
        reading = await read(backend, wiring.fixed(settings), tiers, settings.context, owner)
        text = "\n".join(tier.text for tier in reading.fitted)
        async for one in rehearse(backend, reading, expected, text):
            told.append(one)
            print(f"Asked for {len(told)} of {len(expected)} …", file=sys.stderr, flush=True)
    finally:
        await backend.close()
    return info.name, told


def _expected(facts: BriefingFacts) -> list[Expected]:
    """What the records say now, whether the documents have room for it or not."""
    from orchestrator.agent.rehearsal import Expected

    found = [("goal", facts.goal), ("next", facts.next_step)]
    for section in facts.sections:
        kind = section.kinds[0] if section.kinds else ""
        if kind in ("constraint", "dead_end"):
            order = section.order or range(len(section.facts))
            found += [(kind, section.facts[place]) for place in list(order)[:MOST_EACH]]
    return [Expected(kind, fact.text, fact.cites) for kind, fact in found if fact is not None]


def _report(place: Project, model: str, told: Sequence[Rehearsed]) -> dict[str, Any]:
    return {
        "project": str(place.root),
        "model": model,
        "known": sum(one.known for one in told),
        "of": len(told),
        "answers": [
            {
                "kind": one.expected.kind,
                "expected": one.expected.text,
                "cites": list(one.expected.cites),
                "said": one.said,
                "known": one.known,
                "documented": one.documented,
            }
            for one in told
        ],
    }


def _lines(place: Project, model: str, told: Sequence[Rehearsed]) -> list[str]:
    if not told:
        return [
            f"{place.name}: the records name no goal, next step, constraint or dead end to ask for. "
            'Note them: orch note goal "TEXT".'
        ]
    shown = [
        f"{place.name}: {model} knew {sum(one.known for one in told)} of {len(told)} from the documents."
    ]
    for one in told:
        cites = ", ".join(one.expected.cites)
        kind = one.expected.kind.replace("_", " ")
        shown.append(
            f"{'knew' if one.known else 'MISSED'}  {kind}: {one_line(one.expected.text, 120)} [{cites}]"
        )
        shown.append(
            f"        it said: {one_line(one.said, 160) or '(nothing)'}"
        )  # a person judges the score
        if not one.known:
            shown.append(f"        {_why(one)}")
    return shown


def _why(one: Rehearsed) -> str:
    if one.documented:
        return "It is in the documents; this model did not find it there."
    return "It is not in what an instance reads: left out for space, or the documents are stale (--check)."
