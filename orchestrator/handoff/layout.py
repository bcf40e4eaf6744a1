"""The folders of a project, each with what it holds: by its manifest, its README, its first comment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from orchestrator.documents.plain import code, counted, first_sentence, flat
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.manifests import PACKAGES, READMES, parser_of, readme
from orchestrator.handoff.tree import ASIDE, TEXTS, Tree, language_of

Read = Callable[[str], str]
"""The text of a file of the project, by its relative path; "" where there is none."""

_MOST_FOLDERS = 16
_MOST_MEMBERS = 14
_MOST_NAMED = 4
_MOST_LARGE = 6
_MOST_LARGE_CHARS = 330
_SAID_CHARS = 110
_BUNDLES = (".xcodeproj", ".xcworkspace", ".egg-info")
_COMMENTS: tuple[tuple[str, str], ...] = (
    ("__init__.py", r"\A(?:#[^\n]*\n|\s)*[rRuU]?(?:\"\"\"|''')\s*([^\n\"]+)"),
    ("src/lib.rs", r"\A(?:/\*!?[^\n]*\n|\s)*//!\s*([^\n]+)"),
    ("lib.rs", r"\A\s*//!\s*([^\n]+)"),
    ("mod.rs", r"\A\s*//!\s*([^\n]+)"),
    ("doc.go", r"^(?:// |/\*\n*)(Package \w+[^\n]*)"),
)
_GO = r"^// (Package \w+ [^\n]*)\n(?:// [^\n]*\n)*package "


def folders(tree: Tree, read: Read) -> list[Fact]:
    """What stands at the top, the largest folders first, then the packages that some of them hold."""
    top = _group(tree.files, "")
    shown = sorted(top, key=lambda name: (bool(ASIDE.search(f"{name}/")), -_weight(tree, top[name]), name))
    shown = [name for name in shown if not name.startswith(".") and not name.endswith(_BUNDLES)]
    facts, members = [], []
    for name in shown[:_MOST_FOLDERS]:
        path, files = _descended(name, top[name])
        below = sorted(_members(path, files).items(), key=lambda item: (-_weight(tree, item[1]), item[0]))
        if len(below) < 2:
            facts.append(_folder(path, files, [], tree, read))
            continue
        made = {one: _folder(f"{path}/{one}", [*inside], [], tree, read) for one, inside in below}
        facts.append(_folder(path, files, [*made], tree, read))
        members += [fact for fact in made.values() if ": " in fact.text]
    if len(shown) > _MOST_FOLDERS:
        rest = ", ".join(code(f"{name}/", 40) for name in shown[_MOST_FOLDERS : _MOST_FOLDERS + 8])
        facts.append(Fact(f"{len(shown) - _MOST_FOLDERS} smaller folders, such as {rest}", (tree.evidence,)))
    if tree.foreign:
        rows = sorted(tree.foreign.items(), key=lambda item: (-item[1], item[0]))[:4]
        shown_ = ", ".join(f"{code(f'{folder}/', 60)} ({count:,})" for folder, count in rows)
        facts.append(Fact(f"Code of others, not looked at (files): {shown_}", (tree.evidence,)))
    facts = [*_top(tree, top), *facts]
    large = largest(tree)
    return [*facts[:4], *large, *facts[4:], *members[:_MOST_MEMBERS]]


def _top(tree: Tree, below: Mapping[str, Sequence[str]]) -> list[Fact]:
    """The files that lie in no folder, where they are what the project mainly consists of."""
    files = [path for path in tree.files if "/" not in path]
    sources = [path for path in files if language_of(path) not in {"", *TEXTS} and not ASIDE.search(path)]
    others = [path for inside in below.values() for path in inside if not ASIDE.search(path)]
    if len(sources) < 3 or _weight(tree, sources) <= _weight(tree, others):
        return []
    return [Fact(f"`./` {_held(files)}", (tree.evidence,))]


def languages(tree: Tree) -> list[Fact]:
    """One line: the languages, by lines where they were counted."""
    shown = []
    ordered = sorted(tree.counts, key=lambda name: (-tree.lines[name], -tree.counts[name], name))
    for name in [name for name in ordered if name not in TEXTS][:6]:
        files = counted(tree.counts[name], "file", "files")
        lines = "1 line" if tree.lines[name] == 1 else f"{_about(tree.lines[name])} lines"
        shown.append(f"{name} ({files}, {lines})" if tree.lines else f"{name} ({files})")
    return [Fact(", ".join(shown), (tree.evidence,))] if shown else []


def largest(tree: Tree) -> list[Fact]:
    """The largest sources that are no tests: often where the core is."""
    sizes = [
        (path, lines)
        for path, lines in tree.sizes.most_common(200)
        if lines >= 100 and not ASIDE.search(path) and language_of(path) not in TEXTS
    ]
    if len(sizes) < 3:
        return []
    rows = [f"{code(path, 80)} {_about(lines)}" for path, lines in sizes[:_MOST_LARGE]]
    while len(rows) > 3 and sum(map(len, rows)) > _MOST_LARGE_CHARS:
        rows.pop()
    return [Fact(f"Largest sources, by lines: {', '.join(rows)}", (tree.evidence,))]


def _about(number: int) -> str:
    """Two digits and zeros: a document should not change with every line of code."""
    if number < 100:
        return str(number)
    return f"{round(number, 2 - len(str(number))):,}"


def _group(files: Sequence[str], below: str) -> dict[str, list[str]]:
    """Files by the folder directly below `below` that holds them."""
    found: dict[str, list[str]] = {}
    for path in files:
        name, separator, _ = path[len(below) :].partition("/")
        if separator:
            found.setdefault(name, []).append(path)
    return found


def _weight(tree: Tree, files: Sequence[str]) -> int:
    """Lines of sources; files where none were counted."""
    return sum(tree.sizes[path] for path in files) if tree.sizes else len(files)


def _descended(path: str, files: list[str]) -> tuple[str, list[str]]:
    """Down through folders that hold one folder and nothing else (`src/heron/`)."""
    for _ in range(6):
        inner = _group(files, f"{path}/")
        if len(inner) != 1 or sum(map(len, inner.values())) != len(files):
            break
        path = f"{path}/{next(iter(inner))}"
    return path, files


def _members(path: str, files: Sequence[str]) -> dict[str, list[str]]:
    """Folders below that have a manifest of their own."""
    own = {
        name
        for name, inside in _group(files, f"{path}/").items()
        if any(
            f"{path}/{name}/{manifest}" in inside for manifest in PACKAGES if manifest != "requirements.txt"
        )
        or any(
            one.count("/") == path.count("/") + 2
            and one.endswith((".csproj", ".fsproj", ".cabal", ".gemspec"))
            for one in inside
        )
    }
    return {name: inside for name, inside in _group(files, f"{path}/").items() if name in own}


def _folder(path: str, files: Sequence[str], members: Sequence[str], tree: Tree, read: Read) -> Fact:
    text = f"{code(f'{path}/', 80)} {_held(files)}"
    if said := next(_said(path, files, read), None):
        return Fact(f"{text}: {said[0]}", (flat(said[1], 120).replace("]", ")"),))
    inner = sorted(_group(files, f"{path}/").items(), key=lambda item: (-len(item[1]), item[0]))
    names = [name for name, _ in inner]
    if members:
        shown = ", ".join(code(f"{name}/", 60) for name in members[:_MOST_NAMED])
        more = f" and {len(members) - _MOST_NAMED} more" if len(members) > _MOST_NAMED else ""
        return Fact(f"{text}; {len(members)} packages: {shown}{more}", (tree.evidence,))
    if names:
        shown = ", ".join(code(f"{name}/", 30) for name in names[:6])
        return Fact(
            f"{text}, with {shown}{f' and {len(names) - 6} more' if len(names) > 6 else ''}", (tree.evidence,)
        )
    return Fact(text, (tree.evidence,))


def _held(files: Sequence[str]) -> str:
    """How many files, and of what most of them are; else how many there are of the first language."""
    counts = Counter(language for one in files if (language := language_of(one)))
    held = counted(len(files), "file", "files")
    if not counts:
        return held
    most = max(sorted(counts), key=lambda name: (counts[name], name not in TEXTS))
    if counts[most] * 2 > len(files):
        return f"{held}, {'mostly ' if len(files) > 1 else ''}{most}"
    first = max(sorted(counts), key=lambda name: (name not in TEXTS, counts[name]))
    return f"{held}, {counts[first]} of them {first}"


def _said(path: str, files: Sequence[str], read: Read) -> Iterator[tuple[str, str]]:
    """What the folder says of itself, and where."""
    there = set(files)
    for manifest in PACKAGES:
        if f"{path}/{manifest}" in there and (parse := parser_of(f"{path}/{manifest}")):
            for found in parse(read(f"{path}/{manifest}"), f"{path}/{manifest}"):
                said = first_sentence(found.text.partition(": ")[2], _SAID_CHARS)
                if found.topic == "about" and len(said.split()) > 1:
                    yield said, found.source
    for name, pattern in _COMMENTS:
        if f"{path}/{name}" in there:
            yield from _comment(f"{path}/{name}", pattern, read)
    for name in READMES:
        if f"{path}/{name}" in there:
            for found in readme(read(f"{path}/{name}"), f"{path}/{name}"):
                if found.topic == "about":
                    _, colon, after = found.text.partition(": ")
                    said = first_sentence(after if colon else found.text, _SAID_CHARS)
                    if len(said.split()) > 2:
                        yield said, found.source
    for one in [
        one
        for one in files
        if one.endswith(".go") and not one.endswith("_test.go") and one.count("/") == path.count("/") + 1
    ][:3]:
        yield from _comment(one, _GO, read)


def _comment(path: str, pattern: str, read: Read) -> Iterator[tuple[str, str]]:
    text = read(path)[:4000]
    if (found := re.search(pattern, text, re.MULTILINE)) and len(found[1].split()) > 1:
        yield first_sentence(found[1], _SAID_CHARS), f"{path}:{text.count(chr(10), 0, found.start(1)) + 1}"
