"""What the shell may complete."""

from __future__ import annotations


def complete_models(incomplete: str) -> list[str]:
    """Models that can be used now, and `auto`."""
    from orchestrator.models import installed
    from orchestrator.paths import home

    names = ["auto", *(one.name for one in installed.listing(home()))]
    return [name for name in names if name.startswith(incomplete)]
