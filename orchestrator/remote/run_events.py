"""What a hub tells of a run, as server-sent events; both sides' names for it.

| event | data | kept |
|---|---|---|
| queued | position (1: next) | no |
| started | run, session, model | yes |
| loading | share | no |
| prefill | done, total, cached (tokens) | no |
| serving | model, server, anew | yes |
| notice | text, level | yes |
| token | text | yes |
| answer | text, citation, interrupted, usage | yes |
| error | message, remedy | yes |
| end | status: done, interrupted or failed | yes |

What is kept has an id, from 1 without a gap, and comes again after `Last-Event-ID`; the rest is only of
the moment. `end` is the last. After `serving` with `anew` the answer begins from its start.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["queued", "running", "done", "interrupted", "failed"]
ENDED: frozenset[str] = frozenset({"done", "interrupted", "failed"})
PING = b": ping\n\n"
PING_S = 15.0
MOST_EVENT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class RunEvent:
    """`id` 0: of the moment, not kept."""

    type: str
    data: dict[str, Any]
    id: int = 0

    def encode(self) -> bytes:
        number = f"id: {self.id}\n" if self.id else ""
        # ASCII with \u escapes: no line separator of any alphabet can end the line.
        return f"{number}event: {self.type}\ndata: {json.dumps(self.data)}\n\n".encode()


async def decode(lines: AsyncIterator[str]) -> AsyncIterator[RunEvent]:
    """Events of a stream's lines; comments are passed over, an event cut off is dropped.

    Raises `ValueError` for data that is no JSON object, or that never ends.
    """
    number, name, data = 0, "", ""
    async for line in lines:
        if not line:
            if name:
                value = json.loads(data)
                if not isinstance(value, dict):
                    raise ValueError("the data of an event is no object")
                yield RunEvent(name, value, number)
            number, name, data = 0, "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id" and value.isascii() and value.isdigit():
            number = int(value[:15])
        elif field == "event":
            name = value
        elif field == "data":
            data = f"{data}\n{value}" if data else value
            if len(data) > MOST_EVENT_BYTES:
                raise ValueError("an event is too large")
