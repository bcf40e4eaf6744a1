"""What a JSON file holds, as Python sees it: small models take an object of objects for a list of them."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.tools.text import clean, shorten

_KEYS = 6
_CHARS = 200
_LARGE = 200_000


def shape(text: str, suffix: str) -> str:
    """A line such as "in Python: a dict of 3 dicts, each with keys burst, limit"; empty: nothing to say."""
    if suffix.lower() != ".json" or len(text) > _LARGE:
        return ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, (dict, list)) or not value:
        return ""
    return f"in Python: {shorten(clean(_described(value)), _CHARS)}"


def _described(value: dict[str, Any] | list[Any]) -> str:
    inner = list(value.values()) if isinstance(value, dict) else value
    kinds = {type(one).__name__ for one in inner}
    kind = f"{kinds.pop()}s" if len(kinds) == 1 else "values"
    if isinstance(value, dict) and kind == "values":
        return f"a dict with keys {_listed(value)}"
    of = f"a {type(value).__name__} of {len(inner)} {kind}"
    if kind == "dicts":
        keys = dict.fromkeys(key for one in inner for key in one)
        of += f", each with keys {_listed(keys)}"
    return of + (" (go through .values() or .items())" if isinstance(value, dict) else "")


def _listed(keys: dict[str, Any]) -> str:
    more = ", …" if len(keys) > _KEYS else ""
    return ", ".join(list(keys)[:_KEYS]) + more
