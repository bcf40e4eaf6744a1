"""How the projects of a workspace relate, each with its evidence: pure, from their profiles.

By dependency (a manifest of one names the package of another), by path (a path in a manifest, a
submodule, a link, one inside the other) and by mention (a README or a note names it).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.documents.plain import code, flat
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.profile import Profile, plain_address

_MOST = 6
"""Relations of one project that are told; the strongest come first."""
_COMMON = {
    "admin", "api", "app", "application", "apps", "assets", "auth", "backend", "base", "bin", "bot",
    "build", "cli", "client", "cloud", "code", "common", "config", "core", "data", "database", "demo",
    "dev", "docker", "docs", "example", "examples", "framework", "frontend", "game", "http", "infra",
    "json", "lib", "library", "main", "mobile", "model", "models", "module", "monitor", "notes", "old",
    "package", "plugin", "plugins", "portal", "project", "projects", "proxy", "public", "python",
    "reports", "scripts", "sdk", "server", "service", "services", "shared", "shell", "site", "src",
    "static", "stats", "storage", "store", "sync", "system", "template", "test", "tests", "theme",
    "tool", "tools", "types", "ui", "user", "utils", "web", "website", "wiki", "work", "worker",
}  # fmt: skip
"""Names that stand in any text: such a project is mentioned where it stands as code or in a path."""


@dataclass(frozen=True, slots=True)
class Relation:
    """`source` and `target` are folders; lower `strength` numbers are stronger."""

    source: str
    target: str
    fact: Fact
    strength: int


def relations(profiles: Sequence[Profile]) -> dict[str, list[Relation]]:
    """Folder → how that project relates to others, the strongest first, one for each other project."""
    titles = _titles(profiles)
    found: dict[str, dict[str, Relation]] = defaultdict(dict)
    for relation in (
        *_copies(profiles, titles),
        *_dependencies(profiles, titles),
        *_paths(profiles, titles),
        *_mentions(profiles, titles),
    ):
        known = found[relation.source].get(relation.target)
        if known is None or relation.strength < known.strength:
            found[relation.source][relation.target] = relation
    ordered = {
        folder: sorted(rows.values(), key=lambda one: (one.strength, one.target))
        for folder, rows in found.items()
    }
    return {folder: rows[:_MOST] for folder, rows in ordered.items()}


def _titles(profiles: Iterable[Profile]) -> dict[str, str]:
    """What each is called beside the others: its name, or its folder where two have one name."""
    names = Counter(one.name for one in profiles)
    return {
        one.folder: f"**{flat(one.name, 60)}**"
        if names[one.name] == 1
        else code(f"{one.folder or '.'}/", 100)
        for one in profiles
    }


def _copies(profiles: Sequence[Profile], titles: dict[str, str]) -> Iterator[Relation]:
    first: dict[str, Profile] = {}
    for one in profiles:
        other = first.setdefault(one.id, one) if one.id else one
        if other is not one:
            cite = (_at(one, ".orchestrator/project.toml"),)
            text = f"has the id of {titles[other.folder]}: one is a copy of the other"
            yield Relation(one.folder, other.folder, Fact(text, cite), 0)


def _dependencies(profiles: Sequence[Profile], titles: dict[str, str]) -> Iterator[Relation]:
    makers: dict[str, list[Profile]] = defaultdict(list)
    for one in profiles:
        for key, _ in one.provides:
            makers[key].append(one)
    for one in profiles:
        for key, source in one.wants:
            for maker in makers.get(key, ())[:3]:
                if maker is not one:
                    package = code(key.partition(":")[2], 80)
                    text = f"needs {titles[maker.folder]}, whose package is {package}"
                    yield Relation(one.folder, maker.folder, Fact(text, (_at(one, source),)), 1)


def _paths(profiles: Sequence[Profile], titles: dict[str, str]) -> Iterator[Relation]:
    folders = {one.folder: one for one in profiles}
    origins = {plain_address(one.origin): one for one in profiles if one.origin}
    for one in profiles:
        for path, what, source in one.points:
            target = _holder(path, folders)
            if target and target is not one:
                text = f"leads into {titles[target.folder]} by {what}"
                yield Relation(one.folder, target.folder, Fact(text, (_at(one, source),)), 2)
        for path, address, source in one.submodules:
            target = folders.get(path) or origins.get(plain_address(address))
            if target and target is not one:
                text = f"has {titles[target.folder]} as a submodule"
                yield Relation(one.folder, target.folder, Fact(text, (_at(one, source),)), 2)
        parent = _holder(one.folder.rpartition("/")[0], folders) if one.folder else None
        if parent and parent is not one:
            text = f"lies inside {titles[parent.folder]}"
            yield Relation(one.folder, parent.folder, Fact(text, (f"{one.folder}/",)), 3)


def _mentions(profiles: Sequence[Profile], titles: dict[str, str]) -> Iterator[Relation]:
    names: dict[str, list[Profile]] = defaultdict(list)
    for one in profiles:
        if len(one.name) > 2:
            names[one.name.lower()].append(one)
    only = {name: rows[0] for name, rows in names.items() if len(rows) == 1}
    if not only:
        return
    # the longest first, or `heron` would be seen in `heron-ui`
    choice = "|".join(re.escape(name) for name in sorted(only, key=lambda name: (-len(name), name)))
    word = re.compile(rf"(?<![\w.\-@])({choice})(?![\w\-])", re.IGNORECASE)
    for one in profiles:
        seen: set[str] = set()
        for line, source in one.words:
            for match in word.finditer(line):
                other = only[match[1].lower()]
                if other is one or other.folder in seen or not _meant(match, line):
                    continue
                seen.add(other.folder)
                yield Relation(
                    one.folder, other.folder, Fact(f"mentions {titles[other.folder]}", (_at(one, source),)), 4
                )


def _meant(match: re.Match[str], line: str) -> bool:
    """Whether a word is the project and not merely the word."""
    name = match[1]
    before, after = line[: match.start()], line[match.end() :]
    quoted = before.count("`") % 2 == 1 and "`" in after
    in_path = before.endswith("../") or bool(re.search(r"(?:~|code|src|projects|repos)/$", before))
    if quoted or in_path:
        return True
    if before.endswith("/") or after.startswith(("/", "://")) or name.lower() in _COMMON:
        return False
    distinct = bool(re.search(r"[-_\d]|[a-z][A-Z]", name))
    # a plain word is a name where it has a capital amid words without one
    return distinct or (name[:1].isupper() and bool(re.search(r"(?:^|[\s(])[a-z]\S*[ \t]$", before)))


def _holder(path: str, folders: dict[str, Profile]) -> Profile | None:
    """The innermost project that a path lies in; never the workspace's own folder."""
    while path and path not in (".", "/", ".."):
        if path in folders:
            return folders[path]
        path = path.rpartition("/")[0]
    return None


def _at(one: Profile, source: str) -> str:
    cited = f"{one.folder}/{source}" if one.folder else source
    return flat(cited, 160).replace("]", ")")
