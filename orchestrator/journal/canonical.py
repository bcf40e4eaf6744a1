"""The canonical form of a record: what is hashed, mirrored and sent.

Another implementation reproduces it from these rules (format version `v` = 1):

1. Values are objects, arrays, strings, integers, floats, true, false and null. Before anything is
   hashed, `plain` makes a body so: tuples become arrays; NaN and the infinities become null; every
   code point U+D800–U+DFFF (a lone surrogate, as from a file name that is not UTF-8) becomes
   U+FFFD. What is stored is what was hashed.
2. JSON text without white space; object keys sorted by Unicode code point. `"` and `\\` are escaped
   by a backslash; U+0008 U+0009 U+000A U+000C U+000D are `\\b \\t \\n \\f \\r`; other code points below
   U+0020 are `\\u00xx` in lower case; nothing else is escaped. Encoded as UTF-8.
   Integers are decimal. Floats are the shortest text that reads back as the same double, as Python's
   `repr` prints it (`1.0`, `0.1`, `1e-05`, `1e+16`).
3. `body_sha` = SHA-256 of the bytes `salt` + canonical(body), in lower-case hexadecimal. `salt` is
   the ASCII text of 32 hexadecimal digits as it stands in the record.
4. `id` = SHA-256 of canonical(object) in lower-case hexadecimal, where the object has exactly the
   keys v, dev, epoch, stream, seq, ts, wall, project, session, kind, entity, parents, body_sha;
   `ts` is the array [milliseconds, counter], `parents` an array of ids in the author's order.
   Body and salt are not in it, so that a redaction leaves the id valid.
   A kind that is not known here has the form of one (a lower-case letter, then up to 31 letters,
   digits or `_`): it is kept and passed on, for who knows it.
5. A line of `memory_log.jsonl` is canonical(object with all sixteen keys) and one U+000A.

`tests/journal/test_canonical.py` holds fixed vectors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from orchestrator.errors import JournalError
from orchestrator.types import Record

VERSION = 1
MAX_DEPTH = 64

_SURROGATE = re.compile("[\ud800-\udfff]")
_KIND = re.compile("[a-z][a-z0-9_]{0,31}")
_BODY, _AFTER_BODY = b'{"body":', b',"body_sha":"'
_PLAIN = re.compile("[0-9a-f]+")
_FIELDS = frozenset(Record.__dataclass_fields__)
_TEXTS = ("dev", "stream", "wall", "project", "session", "kind", "entity", "body_sha", "id")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of `value` made of JSON's types only (rule 1). Raises `JournalError` for others."""
    if depth > MAX_DEPTH:
        raise JournalError(f"A record is nested deeper than {MAX_DEPTH} levels.", "Record it as text.")
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    raise JournalError(f"A record cannot hold a {type(value).__name__}.", "Record it as text.")


def canonical(value: Any) -> bytes:
    """Canonical JSON of a `plain` value (rule 2)."""
    try:
        text = _ENCODER.encode(value)
    except ValueError as error:  # an integer of more than 4,300 digits
        raise JournalError(f"A record holds a number that cannot be written: {error}.") from error
    return text.encode()


def body_sha(body: Mapping[str, Any], salt: str) -> str:
    """Rule 3."""
    return sha256(salt.encode() + canonical(body)).hexdigest()


def record_id(fields: Mapping[str, Any]) -> str:
    """Rule 4, from the record's fields as JSON values; body, salt and id may be among them."""
    hashed = {key: fields[key] for key in fields if key not in ("body", "salt", "id")}
    return sha256(canonical(hashed)).hexdigest()


def record_json(record: Record) -> dict[str, Any]:
    """The record's sixteen fields as JSON values."""
    return {
        "v": record.v,
        "dev": record.dev,
        "epoch": record.epoch,
        "stream": record.stream,
        "seq": record.seq,
        "ts": list(record.ts),
        "wall": record.wall,
        "project": record.project,
        "session": record.session,
        "kind": record.kind,
        "entity": record.entity,
        "parents": list(record.parents),
        "body": None if record.body is None else dict(record.body),
        "salt": record.salt,
        "body_sha": record.body_sha,
        "id": record.id,
    }


def record_line(record: Record) -> bytes:
    """Rule 5."""
    return canonical(record_json(record)) + b"\n"


def parse_record(fields: Any) -> Record:
    """The record of a decoded line. Raises `ValueError` when a field or a hash is wrong."""
    _check_fields(fields)
    body, salt = fields["body"], fields["salt"]
    if body is not None and body_sha(body, salt) != fields["body_sha"]:
        raise ValueError("the body does not match its hash")
    if record_id(fields) != fields["id"]:
        raise ValueError("the record does not match its id")
    return _record(fields)


def parse_canonical(line: bytes, fields: Any) -> Record:
    """As `parse_record`, of fields whose canonical form `line` is, without a line end.

    What is hashed are pieces of the line, so that nothing is written a second time. Quotation marks in
    texts are escaped, so `"body_sha":` stands once behind the body, and `"id":` and `"salt":` once after it.
    """
    _check_fields(fields)
    body, salt, identity = fields["body"], fields["salt"], fields["id"]
    if not _PLAIN.fullmatch(identity) or not (salt is None or _PLAIN.fullmatch(salt)):
        return parse_record(fields)  # they may be escaped in the line: no journal writes such
    if body is not None and sha256(salt.encode() + body_bytes(line)).hexdigest() != fields["body_sha"]:
        raise ValueError("the body does not match its hash")
    rest = line[line.rindex(_AFTER_BODY) + 1 :]
    rest = rest.replace(f'"id":"{identity}",'.encode(), b"", 1)
    rest = rest.replace(b'"salt":null,' if salt is None else f'"salt":"{salt}",'.encode(), b"", 1)
    if sha256(b"{" + rest).hexdigest() != identity:
        raise ValueError("the record does not match its id")
    return _record(fields)


def body_bytes(line: bytes) -> bytes:
    """The body in a record's canonical line."""
    return line[len(_BODY) : line.rindex(_AFTER_BODY)]


def line_with(body: str | None, others: Mapping[str, Any]) -> bytes:
    """The line, without its end, of a record whose body is canonical text already."""
    return b"".join((_BODY, b"null" if body is None else body.encode(), b",", canonical(others)[1:]))


def _check_fields(fields: Any) -> None:
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise ValueError("not the fields of a record")
    ts, parents, body, salt = fields["ts"], fields["parents"], fields["body"], fields["salt"]
    numbers = [fields["v"], fields["epoch"], fields["seq"], *(ts if isinstance(ts, list) else ())]
    if len(numbers) != 5 or set(map(type, numbers)) != {int}:
        raise ValueError("a number is missing")
    if not isinstance(parents, list) or {str} != set(map(type, (*parents, *map(fields.get, _TEXTS)))):
        raise ValueError("a text is missing")
    if fields["v"] != VERSION or not _KIND.fullmatch(fields["kind"]):
        raise ValueError("an unknown version or kind")
    if (body is None) != (salt is None):
        raise ValueError("body and salt belong together")
    if body is not None and not (isinstance(body, dict) and isinstance(salt, str)):
        raise ValueError("the body does not match its hash")


def _record(fields: dict[str, Any]) -> Record:
    return Record(**{**fields, "ts": tuple(fields["ts"]), "parents": tuple(fields["parents"])})
