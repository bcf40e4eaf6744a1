"""Ids of runs, as the shell completes them."""

from __future__ import annotations


def complete_runs(incomplete: str) -> list[str]:
    from pathlib import Path

    from orchestrator.auto_node import runs_of
    from orchestrator.errors import OrchError
    from orchestrator.workspaces import find_project

    try:
        if find_project(Path()) is None:
            return []
        with runs_of(Path()) as runs:
            return [one.state.run[:8] for one in runs.all() if one.state.run.startswith(incomplete)]
    except OrchError:
        return []
