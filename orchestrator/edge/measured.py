"""How quickly each way answered, as it was seen here, kept in the registry."""

from __future__ import annotations

from orchestrator.paths import Home
from orchestrator.workspaces.registry import Registry

_TABLE, _KEY = "speeds", "way"
_FEWEST = 8
"""Tokens below which an answer says little of who wrote it."""


class Speeds:
    """Tokens/s by way, the newest answer weighing half. Raises `ProjectError`."""

    def __init__(self, home: Home) -> None:
        self._registry = Registry(home)
        rows = self._registry.rows(_TABLE)
        self.known = {
            str(row[_KEY]): float(row["rate"])
            for row in rows
            if row.get(_KEY) and isinstance(row.get("rate"), int | float) and 0 < row["rate"] < 1e6
        }

    def learn(self, way: str, tokens: int, seconds: float) -> None:
        if tokens < _FEWEST or seconds <= 0:
            return
        new = tokens / seconds
        self.known[way] = round((self.known.get(way, new) + new) / 2, 2)
        self._registry.put(_TABLE, _KEY, {_KEY: way, "rate": self.known[way]})
