"""What a device said and was told, newest first, a page at a time."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.hub.devices import Device
from orchestrator.journal.reader import JournalReader

MOST = 200


def page(
    journal: JournalReader, device: Device, *, before: int, limit: int, project: str = ""
) -> dict[str, Any]:
    """`next` is the `before` of the page that follows, None after the last.

    Only what the device may see: neither other projects nor anything private. One indexed walk, whatever
    the history.
    """
    conditions, values = ["device_id = ?", "arrival < ?", "stream <> 'private'"], [device.id, before]
    if device.projects is not None:
        conditions.append("(project = '' OR project IN (SELECT value FROM json_each(?)))")
        values.append(json.dumps(device.projects))
    if project:
        conditions.append("project = ?")
        values.append(project)
    query = (
        "SELECT id, device_id, timestamp, role, content, coalesce(model, ''), project, session, arrival"
        f" FROM messages WHERE {' AND '.join(conditions)} ORDER BY arrival DESC LIMIT ?"
    )
    rows = journal.rows(query, (*values, limit + 1))
    names = ("id", "device_id", "timestamp", "role", "content", "model", "project", "session")
    found = [dict(zip(names, row, strict=False)) for row in rows[:limit]]
    return {"messages": found, "next": rows[limit - 1][-1] if len(rows) > limit else None}
