"""What was found out about models on servers, kept: one entry a server and model content."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from orchestrator import durable
from orchestrator.models.wire import Dialect


@dataclass(frozen=True, slots=True)
class Known:
    """`dialect` None: nobody has tried, the best that the server offers is taken.

    `factor` corrects estimates of tokens. Of `asked` prompts of the short set, `right` led to the
    right tool. Speeds are of the last trial: tokens a second, milliseconds to the first token of a
    prompt not seen before. `thinking` is "" (the model does not think), "works" or "breaks tools".
    `tried` is when, ISO 8601.
    """

    dialect: Dialect | None = None
    factor: float = 1.0
    right: int = 0
    asked: int = 0
    tokens_per_second: float = 0.0
    first_token_ms: float = 0.0
    context_size: int = 0
    thinking: str = ""
    tried: str = ""


class AbilityStore:
    """The file that keeps them. What cannot be read counts as not known; what cannot be kept is lost."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, server: str, model: str, digest: str) -> Known:
        given = self._read().get(_key(server, model, digest))
        if not isinstance(given, dict):
            return Known()
        kinds = {item.name: type(getattr(Known(), item.name)) for item in fields(Known)}
        usable = {
            name: value
            for name, value in given.items()
            if name in kinds and (name == "dialect" or isinstance(value, kinds[name]))
        }
        if usable.get("dialect") not in get_args(Dialect):
            usable["dialect"] = None
        return Known(**usable)

    def put(self, server: str, model: str, digest: str, known: Known) -> None:
        kept = {**self._read(), _key(server, model, digest): asdict(known)}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(self._file, json.dumps(kept, indent=1).encode(), mode=0o600)

    def correct(self, server: str, model: str, digest: str, factor: float) -> None:
        """Keep how estimates of tokens have to be corrected."""
        self.put(server, model, digest, replace(self.get(server, model, digest), factor=round(factor, 3)))

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(durable.read(self._file))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def _key(server: str, model: str, digest: str) -> str:
    return " ".join((server, model, digest)).strip()
