"""A document without what was generated: the text of people, which travels between devices. Pure.

What travels is the document with its regions emptied, so that another device knows where they stand.
"""

from __future__ import annotations

import hashlib
import re

from orchestrator.documents.regions import parse
from orchestrator.errors import DocumentError

_BOM = b"\xef\xbb\xbf"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TITLE = re.compile(r"\A\s*# [^\n]*\n?")


def human_text(data: bytes) -> str:
    """The text with empty regions and line feeds only. Raises `DocumentError` where markers are damaged."""
    plain = data.removeprefix(_BOM).replace(b"\r\n", b"\n")
    pieces: list[bytes] = []
    kept = 0
    for region in parse(plain):
        pieces += plain[kept : region.begin], _empty(region.name)
        kept = region.end
    try:
        return (b"".join(pieces) + plain[kept:]).decode()
    except UnicodeDecodeError:
        raise DocumentError("The document is not UTF-8 text.", "Save it as UTF-8.") from None


def says_nothing(text: str) -> bool:
    """Whether it holds only what a template gives: a title, comments, regions."""
    return not _COMMENT.sub("", _TITLE.sub("", text, count=1)).strip()


def with_human_text(data: bytes | None, text: str) -> bytes:
    """The document with this text of people and its own regions; those that the text lacks come last.

    Raises `DocumentError`. What stands inside the text's regions is not taken over.
    """
    old = (data or b"").removeprefix(_BOM)
    fresh = human_text(text.encode("utf-8", "replace")).encode()
    own = {region.name: old[region.begin : region.end] for region in parse(old)}
    newline = b"\r\n" if b"\r\n" in old else b"\n"
    pieces: list[bytes] = []
    kept = 0
    for region in parse(fresh):
        pieces.append(fresh[kept : region.begin].replace(b"\n", newline))
        pieces.append(own.pop(region.name, _empty(region.name).replace(b"\n", newline)))
        kept = region.end
    pieces.append(fresh[kept:].replace(b"\n", newline))
    made = b"".join(pieces)
    for block in own.values():
        gap = newline if made.endswith(b"\n") or not made else newline * 2
        made += gap + block + b"<!-- orch:end -->" + newline
    return (_BOM if (data or b"").startswith(_BOM) else b"") + made


def digest(text: str) -> str:
    """By which a document is found unchanged."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _empty(name: str) -> bytes:
    return b"<!-- orch:begin %s -->\n" % name.encode()
