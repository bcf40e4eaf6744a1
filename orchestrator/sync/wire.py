"""What travels between peers: pages of records as NDJSON and gzip, vectors, and the answer to a page.

A page is gzip of lines that end with U+000A. The first is a JSON object:

    {"orch": 1, "more": false, "heads": [[dev, epoch, stream, seq, id], …], "base": [as in heads]}

`heads` says what the sender holds (empty in a push), `more` that it has further records for the vector it
was asked with. The other lines are records in canonical form, each key (dev, epoch, stream) in the order of
its seq and without a gap. `base` names, for each key that does not begin at seq 1, the record before its
first one here, by its mark (`journal.forks.mark`): so a receiver knows which chain is continued.

Nothing of what came is believed here: sizes are capped before anything is built of it. Whether a line is a
record is seen when it is received (`verify`), so that a bad one rejects itself and not the page.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from orchestrator.errors import BadPage, PageTooLarge

FORMAT = 1
CONTENT_TYPE = "application/x-ndjson"
MAX_RECORDS = 500
PAGE_BYTES = 1 << 20
"""A page is full with this many bytes of records; one record may exceed it, alone."""
MAX_RECORD_BYTES = 8 << 20
MAX_PAGE_BYTES = 12 << 20
"""Of a page when unpacked. Also no packed one may be larger."""
MAX_VECTOR_BYTES = 4 << 20

_MAX_LINES = 4 * MAX_RECORDS
_MAX_NUMBER = 1 << 53


class Key(NamedTuple):
    """One chain of records: of a device, in one of its epochs, in one stream."""

    dev: str
    epoch: int
    stream: str


class Head(NamedTuple):
    """The last record of a chain that somebody holds without a gap."""

    seq: int
    id: str


Vector = Mapping[Key, Head]


@dataclass(frozen=True)
class Page:
    """`lines` are records as they came, without their line ends and not yet verified."""

    lines: tuple[bytes, ...] = ()
    base: Vector = field(default_factory=dict)
    heads: Vector = field(default_factory=dict)
    more: bool = False

    @cached_property
    def packed(self) -> bytes:
        """Gzip; the same page gives the same bytes."""
        head = {
            "orch": FORMAT,
            "heads": _rows(self.heads),
            "base": _rows(self.base),
            "more": self.more,
        }
        first = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
        # Level 1: 500 records take 4 ms instead of 20, for a tenth more bytes.
        return gzip.compress(b"\n".join((first, *self.lines, b"")), compresslevel=1, mtime=0)


class Rejected(NamedTuple):
    """A line of a page, counted from 1, that was not taken, and why. `id` as it claims, or empty."""

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a page.

    `heads` is what the receiver holds now, of the chains it was given. `reached` is how far it follows the
    sender's chains, by the sender's own records. `forked` are chains of which it held other records under
    the same numbers: none is lost, and a device that finds its own among them starts a new epoch. `suspect`
    counts records whose clock was more than five minutes ahead of the receiver's. `blocked` are chains of
    which a line was rejected: what follows in them is not worth sending now.
    """

    heads: Vector = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    forked: tuple[Key, ...] = ()
    stored: int = 0
    suspect: int = 0
    reached: Vector = field(default_factory=dict)
    blocked: tuple[Key, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer to `POST /sync/push`."""
        return {
            "heads": _rows(self.heads),
            "rejected": [list(one) for one in self.rejected],
            "forked": [list(key) for key in self.forked],
            "stored": self.stored,
            "suspect": self.suspect,
            "reached": _rows(self.reached),
            "blocked": [list(key) for key in self.blocked],
        }

    @classmethod
    def from_json(cls, data: Any) -> Received:
        """Raises `BadPage`."""
        try:
            return cls(
                heads=_vector(data["heads"]),
                rejected=tuple(Rejected(int(n), str(i), str(r)) for n, i, r in data["rejected"]),
                forked=tuple(key_of(row) for row in data["forked"]),
                stored=int(data["stored"]),
                suspect=int(data["suspect"]),
                reached=_vector(data["reached"]),
                blocked=tuple(key_of(row) for row in data["blocked"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadPage(f"The peer's answer is none to a page ({error}).", _UPDATE) from error


_UPDATE = "See that both sides run the same version of orch."


def encode_page(page: Page) -> bytes:
    """What travels of a page."""
    return page.packed


def decode_page(data: bytes) -> Page:
    """Raises `BadPage`, `PageTooLarge`."""
    *lines, end = _lines(_unpacked(data, MAX_PAGE_BYTES))
    if end or not lines:
        raise BadPage("The page does not end with a whole line.", "Send it again.")
    try:
        head = json.loads(lines[0])
        if head["orch"] != FORMAT:
            raise BadPage(f"The page has format {head['orch']!r}, and this orch knows {FORMAT}.", _UPDATE)
        if len(head["base"]) > _MAX_LINES:  # one a chain, and a chain has a line
            raise BadPage(f"The page goes on with more than {_MAX_LINES:,} chains.", _UPDATE)
        return Page(
            lines=tuple(lines[1:]),
            base=_vector(head["base"]),
            heads=_vector(head["heads"]),
            more=bool(head["more"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadPage("The first line of the page is not its head.", _UPDATE) from error


def encode_vector(vector: Vector) -> str:
    """For a URL: URL-safe base64 of deflated JSON, without padding."""
    text = json.dumps(_rows(vector), separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")


def decode_vector(text: str) -> dict[Key, Head]:
    """Of an empty text an empty one. Raises `BadPage`, `PageTooLarge`."""
    if not text:
        return {}
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return _vector(json.loads(_unpacked(packed, MAX_VECTOR_BYTES)))
    except (binascii.Error, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadPage("What was sent is not a vector.", _UPDATE) from error


def _unpacked(data: bytes, most: int) -> bytes:
    """Never builds more than `most` bytes, whatever the data claims. Takes gzip and zlib."""
    if len(data) > most:
        raise PageTooLarge(
            f"A page has {len(data):,} bytes, and {most:,} are the limit.", "Send less at once."
        )
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise BadPage("The page is not whole gzip data.", "Send it again.") from error
    if len(plain) > most:
        raise PageTooLarge(f"Unpacked, a page has more than {most:,} bytes.", "Send less at once.")
    if not unpacker.eof or unpacker.unused_data:
        raise BadPage("The page is cut off, or something follows it.", "Send it again.")
    return plain


def _lines(data: bytes) -> list[bytes]:
    if data.count(b"\n") > _MAX_LINES:
        raise PageTooLarge(f"A page has more than {_MAX_LINES:,} lines.", "Send less at once.")
    return data.split(b"\n")


def _rows(vector: Vector) -> list[list[Any]]:
    return [[*key, *head] for key, head in vector.items()]


def _vector(rows: Iterable[Any]) -> dict[Key, Head]:
    found = {}
    for row in rows:
        *key, seq, mark = row
        if type(seq) is not int or not 0 < seq < _MAX_NUMBER or not isinstance(mark, str):
            raise ValueError("not the head of a chain")
        found[key_of(key)] = Head(seq, mark)
    return found


def key_of(row: Any) -> Key:
    """Of [dev, epoch, stream] as it came. Raises `ValueError`, `TypeError`."""
    dev, epoch, stream = row
    if not isinstance(dev, str) or not isinstance(stream, str) or type(epoch) is not int:
        raise ValueError("not a chain")
    if not 0 <= epoch < _MAX_NUMBER:
        raise ValueError("not an epoch")
    return Key(dev, epoch, stream)
