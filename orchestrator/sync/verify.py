"""Is a line that a peer sent a record? Nothing of it is believed before."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import datetime
from operator import gt
from typing import Any

from orchestrator.errors import JournalError
from orchestrator.journal.canonical import MAX_DEPTH, canonical, parse_canonical
from orchestrator.journal.clock import LAST
from orchestrator.sync.wire import MAX_RECORD_BYTES, Key, key_of
from orchestrator.types import Record

_MAX_NUMBER = (1 << 53) - 1
_MAX_PARENTS = 1000
_MAX_PARENT = 128
_LENGTHS = (128, 128, 256, 4096, 40)
"""The longest stream, project, session, entity and wall time, in characters."""
_DEV = re.compile("[0-9a-f]{1,64}")


def verified(line: bytes) -> Record:
    """The record of a line. Raises `ValueError`, whose text is the reason why it is none."""
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError("it is too long")
    try:
        fields = json.loads(line.decode())
        whole = canonical(fields)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None
    except (ValueError, JournalError):
        raise ValueError("it is not JSON") from None
    if whole != line:
        raise ValueError("it is not in canonical form")
    # Brackets bound the depth, and counting them is quick; those in texts cost a walk only.
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _depth(fields) > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    record = parse_canonical(line, fields)
    _check_ranges(record)
    return record


def claimed(line: bytes) -> tuple[str, Key | None]:
    """The id and the chain that a line claims without proof; where they are not to be had, "" and None."""
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError):
        fields = json.loads(line[:MAX_RECORD_BYTES])
        identity = fields["id"] if isinstance(fields["id"], str) else ""
        return identity[:64], key_of([fields["dev"], fields["epoch"], fields["stream"]])
    return "", None


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [item for one in inner for item in (one.values() if isinstance(one, dict) else one)]
        if not inner:
            return depth - 1
    return depth


def _check_ranges(record: Record) -> None:
    """What SQLite, calendars and screens can hold. Every record that a journal writes passes."""
    if not 0 < record.seq <= _MAX_NUMBER or not 0 <= record.epoch <= _MAX_NUMBER:
        raise ValueError("its number is out of range")
    if not 0 <= record.ts[0] <= LAST[0] or not 0 <= record.ts[1] <= LAST[1]:
        raise ValueError("its time is out of range")
    texts = (record.stream, record.project, record.session, record.entity, record.wall)
    if any(map(gt, map(len, texts), _LENGTHS)):
        raise ValueError("one of its texts is too long")
    if len(record.parents) > _MAX_PARENTS or (record.parents and max(map(len, record.parents)) > _MAX_PARENT):
        raise ValueError("it has too many parents")
    if not _DEV.fullmatch(record.dev):
        raise ValueError("its device is none")
    try:
        datetime.fromisoformat(record.wall)
    except ValueError:
        raise ValueError("its wall time is none") from None
