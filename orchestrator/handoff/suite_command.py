"""The command that runs a project's tests, as its tier 2 knows it: what people wrote there first."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.documents import regions, tiers
from orchestrator.documents.tiers import PROJECT
from orchestrator.handoff import runs
from orchestrator.handoff.manifests import READMES
from orchestrator.handoff.survey import survey, text_of
from orchestrator.vcs import Repository

_CODE = re.compile(r"`([^`\n]+)`")
_COMMANDS = "Build, test and run"


def suite_command(root: Path, repository: Repository | None) -> str:
    """One command line; "" where neither tier 2, a manifest nor the README names one.

    It comes from files that anybody may have written, so it is run confined.
    """
    people = regions.by_hand(tiers.read_tier(PROJECT, root))
    sections = {group.title: group.facts for group in survey(root, root.name, repository).sections}
    readme = next((text for name in READMES if (text := text_of(root, name))), "")
    told = [people, *(fact.text for fact in sections.get(_COMMANDS, ())), readme]
    named = (command for text in told for command in _CODE.findall(text))
    return next((one for one in named if runs.test_run("shell", one) and runs.own_exit_code(one)), "")
