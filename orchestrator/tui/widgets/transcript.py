"""What was said in a session, as text to read beside a list."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from orchestrator.terminal import one_line, plain
from orchestrator.tui.chat_items import Said, of_records
from orchestrator.types import Record

MOST_CHARS = 20_000
MOST_OF_ONE = 2_000


def transcript(records: Sequence[Record]) -> Content:
    """The beginning of the session, and how much of it is not shown."""
    parts: list[Content] = []
    items = of_records(records)
    room = MOST_CHARS
    for number, item in enumerate(items):
        if room <= 0:
            parts.append(Content.styled(f"… and {len(items) - number} more", "dim"))
            break
        text = _cut(plain(item.text[: 2 * MOST_OF_ONE]))
        if isinstance(item, Said):
            parts.append(Content.assemble((item.who, "bold"), "  ", (item.time, "dim")))
            parts.append(Content(f"{text}\n"))
        else:
            parts.append(Content.styled(one_line(text, 200), "dim"))
        room -= len(text)
    return Content("\n").join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_OF_ONE else f"{text[:MOST_OF_ONE]}…"
