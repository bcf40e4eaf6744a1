"""Generated regions inside documents that people edit: pure, on bytes.

Generated text stands between two lines

    <!-- orch:begin NAME sha=1a2b3c4d -->
    <!-- orch:end -->

and everything outside belongs to people: it survives byte for byte, whatever its line ends or its
encoding. `sha` is the digest of what was generated. A region whose content does not match it was
edited by hand: it is kept and reported. So is content without `sha`, since nobody knows whose it is;
an empty region without `sha` is an invitation to fill it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.errors import DocumentError

_BEGIN = re.compile(
    rb"[ \t]*<!--[ \t]*orch:begin[ \t]+([A-Za-z0-9][\w-]*)(?:[ \t]+sha=([0-9a-f]+))?[ \t]*-->[ \t]*\r?\n?"
)
_END = re.compile(rb"[ \t]*<!--[ \t]*orch:end(?:[ \t]+[\w-]+)?[ \t]*-->[ \t]*\r?\n?")
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)
_REMEDY = "Repair the orch: markers by hand, or remove that region; it is then made anew."


@dataclass(frozen=True, slots=True)
class Region:
    """One region: `begin` and `end` are offsets of its marker lines, `content` lies between."""

    name: str
    sha: str
    begin: int
    content: bytes
    end: int
    newline: bytes

    @property
    def edited(self) -> bool:
        return digest(self.content) != self.sha if self.sha else bool(self.content.strip())


@dataclass(frozen=True, slots=True)
class Merged:
    """A document after regeneration; `edited` names the regions that were left to their editor."""

    data: bytes
    edited: tuple[str, ...] = ()


def digest(content: bytes) -> str:
    """Eight hex digits, the same for both kinds of line ends (git may convert them)."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:8]


def parse(data: bytes) -> tuple[Region, ...]:
    """The regions in order. Raises `DocumentError` where markers do not pair up."""
    _refuse_damage(data)
    regions: list[Region] = []
    opened: tuple[re.Match[bytes], int, int] | None = None
    offset = 0
    for line in _lines(data):
        start, offset = offset, offset + len(line)
        if b"orch:" not in line:
            continue
        # a byte-order mark belongs to the file, not to its first line
        bom = 3 if start == 0 and line.startswith(b"\xef\xbb\xbf") else 0
        if begin := _BEGIN.fullmatch(line, bom):
            if opened:
                raise _damaged(f"region {_name(begin)} begins inside {_name(opened[0])}")
            opened = begin, start + bom, offset
        elif _END.fullmatch(line, bom):
            if not opened:
                raise _damaged("an orch:end has no orch:begin")
            regions.append(_region(data, *opened, start))
            opened = None
    if opened:
        raise _damaged(f"region {_name(opened[0])} has no orch:end")
    names = [region.name for region in regions]
    if twice := {name for name in names if names.count(name) > 1}:
        raise _damaged(f"region {min(twice)} stands there twice")
    return tuple(regions)


def by_hand(text: str) -> str:
    """What people wrote: the text without its regions; all of it where they cannot be told apart."""
    data = text.encode("utf-8", "replace")
    try:
        found = parse(data)
    except DocumentError:
        return text
    pieces, kept = [], 0
    for region in found:
        pieces.append(data[kept : region.begin])
        kept = data.find(b"\n", region.end) + 1 or len(data)
    return b"".join((*pieces, data[kept:])).decode("utf-8", "replace")


def regenerate(data: bytes, contents: Mapping[str, str], *, replace: bool = False) -> Merged:
    """Put `contents` (name → text) into their regions; a missing region is added at the end.

    An empty text empties its region, and adds none. With `replace` an edit by hand is lost. Raises
    `DocumentError` rather than damage.
    """
    regions = {region.name: region for region in parse(data)}
    edited = () if replace else tuple(name for name in regions if name in contents and regions[name].edited)
    pieces: list[bytes] = []
    kept = 0
    for region in regions.values():
        if region.name in contents and region.name not in edited:
            pieces += data[kept : region.begin], _block(region.name, contents[region.name], region.newline)
            kept = region.end
    result = b"".join(pieces) + data[kept:]
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    for name, text in contents.items():
        if name not in regions and text:
            gap = newline if result.endswith(b"\n") else newline * 2
            if not result.removeprefix(b"\xef\xbb\xbf"):
                gap = b""
            # the block stops before its end marker, as the others do
            result += gap + _block(name, text, newline) + b"<!-- orch:end -->" + newline
    return Merged(result, edited)


def merge(old: bytes | None, rendered: str, *, replace: bool = False) -> Merged:
    """A document brought up to date with a freshly rendered one.

    Where there was none, or not a byte in it, it is the rendered one; else only the regions that both have,
    or that the old one lacks, are taken over.
    """
    fresh = rendered.encode("utf-8", "replace")
    contents = {region.name: region.content.decode() for region in parse(fresh)}
    return regenerate(old, contents, replace=replace) if old else Merged(_stamp(fresh))


def _stamp(fresh: bytes) -> bytes:
    pieces: list[bytes] = []
    kept = 0
    for region in parse(fresh):
        pieces += fresh[kept : region.begin], _block(region.name, region.content.decode(), region.newline)
        kept = region.end
    return b"".join(pieces) + fresh[kept:]


def _block(name: str, text: str, newline: bytes) -> bytes:
    """Begin marker and content, up to where the end marker stands."""
    content = text.strip("\n").encode("utf-8", "replace").replace(b"\r\n", b"\n")
    if any(_BEGIN.fullmatch(line) or _END.fullmatch(line) for line in _lines(content)):
        raise DocumentError(f"The text for region {name} contains orch: markers.", "Correct its template.")
    content = content.replace(b"\n", newline) + newline if content else b""
    return b"<!-- orch:begin %s sha=%s -->%s%s" % (name.encode(), digest(content).encode(), newline, content)


def _region(data: bytes, begin: re.Match[bytes], start: int, inner: int, end: int) -> Region:
    newline = b"\r\n" if begin.group().endswith(b"\r\n") else b"\n"
    return Region(_name(begin), (begin[2] or b"").decode(), start, data[inner:end], end, newline)


def _lines(data: bytes) -> list[bytes]:
    """Lines that end with a line feed only: a lone carriage return is a character like others."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _name(begin: re.Match[bytes]) -> str:
    return begin[1].decode()


def _refuse_damage(data: bytes) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise DocumentError("The document is not UTF-8 text.", "Save it as UTF-8.")
    if _CONFLICT.search(data):
        raise DocumentError("The document has unresolved merge conflicts.", "Resolve them, then try again.")


def _damaged(what: str) -> DocumentError:
    return DocumentError(f"The generated regions cannot be told apart: {what}.", _REMEDY)
