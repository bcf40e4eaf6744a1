"""The evidence at the end of a generated line, and which lines of a document are generated: pure.

    Changed `utils/quota.py` [S7f3a#4, verified]        a record, and how sure it is
    Licence: MIT [pyproject.toml:12]                    a file, with or without its line
    Add the row lock [a1b2c3d]                          a commit
    PostgreSQL: SQLite locks; supersedes D2 [S7f3a#3]   a decision that replaces another

Documents are untrusted: whatever stands there gives values, never an error. In an entry of the log
`#3` means record 3 of the session whose entry it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.documents import regions
from orchestrator.errors import DocumentError

STALE = "stale: "
"""Begins the status of a line whose evidence no longer holds; the reason follows."""

_MOST_CHARS = 2000  # of a line: what is longer was not generated
_RECORD = re.compile(r"(?:S[0-9A-Za-z_-]{1,128})?#[1-9][0-9]{0,14}|S[0-9a-f]{4,64}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_STATUS = re.compile(r"(?:exit (-?\d{1,6}) )?(verified|claimed|confirmed)")
_PLACE = re.compile(r"([^\s:][^:\t]*?)(?::([1-9]\d{0,8})(?:-\d{1,9})?)?")
_NAMED_FILE = re.compile(r"\S*[./]\S*|[A-Z][A-Za-z]*")
_SUPERSEDES = re.compile(r"\bsupersedes (D[1-9]\d{0,8}|S?[0-9A-Za-z_-]{2,64}(?:#[1-9]\d{0,14})?)")
_ENTRY_END = re.compile(r"<!-- orch:session ([A-Za-z0-9._-]{1,128}) -->")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, as a path with `/`, and a line of it from 1; 0: the whole file."""

    path: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a line rests on. `cites` are the items as they stand there, without the status.

    `records` also holds whole sessions ("S7f3a"); `stale` is the reason, where the line is flagged.
    """

    text: str
    cites: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    status: str = ""
    exit_code: int | None = None
    supersedes: tuple[str, ...] = ()
    stale: str = ""

    def __bool__(self) -> bool:
        return bool(self.cites or self.status)


@dataclass(frozen=True, slots=True)
class Line:
    """A generated line. `number` counts from 1; `session` is the whole id where it is of a log entry.

    `edited`: a person changed the region, so nobody knows whose the line is.
    """

    number: int
    text: str
    region: str = ""
    session: str = ""
    edited: bool = False
    evidence: Evidence = field(default_factory=lambda: Evidence(""))


def evidence(line: str) -> Evidence:
    """The evidence at the end of a line; falsy where it has none."""
    head, _, inner = line.rstrip()[:-1].rpartition("[")
    if len(line) > _MOST_CHARS or not line.rstrip().endswith("]") or not inner or "]" in inner:
        return Evidence(line.strip(), supersedes=_superseded(line))
    cites: list[str] = []
    records: list[str] = []
    commits: list[str] = []
    places: list[Place] = []
    status, stale, exit_code = "", "", None
    for item in inner.split(", "):
        if said := _STATUS.fullmatch(item):
            status, exit_code = said[2], int(said[1]) if said[1] else exit_code
            continue
        if item.startswith(STALE):
            status, stale = item, item.removeprefix(STALE)
            continue
        cites.append(item)
        if _RECORD.fullmatch(item):
            records.append(item)
        elif _COMMIT.fullmatch(item):
            commits.append(item)
        elif place := _place(item):
            places.append(place)
    if not (records or commits or places or status) and not _counted(cites):
        return Evidence(line.strip(), supersedes=_superseded(line))  # brackets of a sentence
    return Evidence(
        head.rstrip(),
        tuple(cites),
        tuple(records),
        tuple(commits),
        tuple(places),
        status,
        exit_code,
        _superseded(head),
        stale,
    )


def generated(text: str) -> tuple[Line, ...]:
    """The generated lines of a document, in order; line ends are `\\n`, with or without `\\r`.

    None in a document whose markers are damaged: there all counts as people's.
    """
    try:
        found = _of_regions(text)
    except DocumentError:
        return ()
    taken = {line.number for line in found}
    found += [line for line in _of_entries(text) if line.number not in taken]
    return tuple(sorted(found, key=lambda line: line.number))


def without(text: str, lines: Sequence[Line], numbers: Collection[int]) -> str:
    """The document without those of its generated `lines`, and without headings that lose their last one."""
    gone = {line.number for line in lines} & set(numbers)
    if not gone:
        return text
    heading, filled = 0, False
    for line, behind in zip(lines, [*lines[1:], None], strict=True):
        said = line.text.strip()
        if said.startswith("#"):
            heading, filled = line.number, False
        elif said and line.number not in gone:
            filled = True
        ends = behind is None or behind.number != line.number + 1 or behind.text.startswith("#")
        if ends and heading and not filled and any(heading < number <= line.number for number in gone):
            gone.add(heading)
    return "\n".join(line for number, line in enumerate(text.split("\n"), 1) if number not in gone)


def whole(line: Line) -> Evidence:
    """The line's evidence with citations that hold anywhere: in a log entry `#3` becomes `S7f3a…#3`."""
    if not line.session:
        return line.evidence
    records = tuple(
        f"S{line.session}{cite}" if cite.startswith("#") else cite for cite in line.evidence.records
    )
    return replace(line.evidence, records=records)


def _of_regions(text: str) -> list[Line]:
    data = text.encode("utf-8", "surrogatepass")
    found = []
    for region in regions.parse(data):
        first = data.count(b"\n", 0, region.end - len(region.content)) + 1
        edited = region.edited
        rows = region.content.decode("utf-8", "surrogatepass").split("\n")
        for number, row in enumerate(rows[:-1] if rows[-1] == "" else rows, first):
            row = row.rstrip("\r")
            found.append(Line(number, row, region.name, "", edited, evidence(row)))
    return found


def _of_entries(text: str) -> list[Line]:
    """Lines of the log's entries: from `## Session` to the comment that closes the entry."""
    if "<!-- orch:session " not in text:
        return []
    found: list[Line] = []
    entry: list[Line] | None = None
    for number, row in enumerate(text.split("\n"), 1):
        row = row.rstrip("\r")
        if row.startswith("## Session "):
            entry = []
        elif entry is not None and (end := _ENTRY_END.fullmatch(row.strip())):
            found += [replace(line, session=end[1]) for line in entry]
            entry = None
            continue
        if entry is not None:
            entry.append(Line(number, row, evidence=evidence(row)))
    return found


def _place(item: str) -> Place | None:
    """A file, told from words by its look: no spaces, and a dot, a slash or a capital (`Makefile`)."""
    found = _PLACE.fullmatch(item)
    if found is None or not _NAMED_FILE.fullmatch(found[1]) or "\0" in item:
        return None
    return Place(found[1], int(found[2] or 0))


def _counted(items: Iterable[str]) -> bool:
    """`counted in 245 files` is evidence of a survey."""
    return any(re.match(r"counted in |git (?:log|status|branch|ls-files)\b", item) for item in items)


def _superseded(text: str) -> tuple[str, ...]:
    return tuple(_SUPERSEDES.findall(text[:_MOST_CHARS]))
