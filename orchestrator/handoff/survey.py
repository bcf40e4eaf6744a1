"""A cheap look at a repository: what its files and its git say of it, each line with its source.

Reads names, a few small files and bounded git output; nothing is run, and links are not followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.documents import files
from orchestrator.documents.plain import code, counted, flat
from orchestrator.documents.tiers import decode
from orchestrator.errors import DocumentError, VcsError
from orchestrator.handoff import history, layout, manifests
from orchestrator.handoff.facts import Fact
from orchestrator.handoff.manifests import Found
from orchestrator.handoff.manifests.found import unlike
from orchestrator.handoff.tree import ASIDE, TEXTS, Tree, language_of
from orchestrator.handoff.tree import tree as tree_of
from orchestrator.paths import PROJECT_FOLDER
from orchestrator.vcs import Repository

CHARS = 4000
"""About 1,500 tokens, the share of the window that tier 2 has: with its paths and citations such text has
2.5 to 3.3 characters a token (Qwen2.5)."""
LEAST_CHARS = 2000
"""What the facts keep, however much people wrote beside them."""
_MOST_BYTES = 128 * 1024
_MOST_SOURCES = 60
_MOST_WORKFLOWS = 8
_STARTS = frozenset(("main", "__main__", "app", "cli", "run", "manage", "server", "index", "wsgi", "asgi"))
_SETTINGS = frozenset(("config", "settings"))
_MOST_COMMANDS = 12
_ENOUGH = 6
_LANGUAGES = {
    "Package.swift": {"Swift", "Objective-C"},
    "package.json": {"JavaScript", "TypeScript", "Vue", "Svelte"},
    "composer.json": {"PHP"},
    "Gemfile": {"Ruby"},
    "pyproject.toml": {"Python"},
    "Cargo.toml": {"Rust"},
}
_SCRIPT = re.compile(r"README: `((?:npm|pnpm|yarn|bun) (?:start|test|run \S+))[^`]*`")
_RUN_AS = re.compile(r"(?:src/|lib/)?((?:\w+/)+)__main__\.py")
_LINE_CHARS = 3  # "- " and the line feed


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of PROJECT_CONTEXT.md with its facts, most useful first; `what`: one and several of them."""

    title: str
    facts: tuple[Fact, ...]
    what: tuple[str, str]
    share: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What the template of PROJECT_CONTEXT.md is given as `p`."""

    name: str
    about: tuple[Fact, ...] = ()
    sections: tuple[Group, ...] = ()
    left_out: str = ""


def survey(root: Path, name: str, repository: Repository | None = None, *, keep: bool = False) -> Survey:
    """All facts of the project at `root`, unbounded; about a second for 10,000 sources.

    What git cannot tell is left out. With `keep` the count of commits is remembered in the project's
    `.orchestrator/`. `fitted` makes it short enough.
    """
    past = None
    try:
        tree = tree_of(root, repository)
        if repository and tree.tracked:
            past = history.past(repository, root / PROJECT_FOLDER / "history.json" if keep else None)
    except VcsError:
        tree = tree_of(root, None)
    found = _found(root, tree)
    about = sorted((one for one in _unique(found, "about")), key=lambda one: one.rank)
    sections = (
        Group("Build, test and run", _commands(found, tree), ("command", "commands"), 0.28),
        Group(
            "Layout",
            tuple(layout.folders(tree, lambda path: text_of(root, path))),
            ("folder", "folders"),
            0.26,
        ),
        Group("Entry points", _entries(found, tree), ("entry point", "entry points"), 0.1),
        Group(
            "Dependencies",
            _facts(found, "dependencies", 3),
            ("line of dependencies", "lines of dependencies"),
            0.08,
        ),
        Group("Ports", _ports(found), ("port", "ports"), 0.04),
        Group("Licence", _facts(found, "licence", 1), ("licence", "licences"), 0.02),
        Group(
            "History",
            tuple(history.facts(past, frozenset(tree.files))) if past else (),
            ("line of history", "lines of history"),
            0.14,
        ),
    )
    about = list(
        {re.sub(r"^((?:Needs|Targets) [^`]*)`.*", r"\1", one.text): one for one in about[::-1]}.values()
    )[::-1]
    first = [_fact(one) for one in _without_repeated_words(about)[:4]]
    return Survey(
        flat(name, 80),
        (*first[:1], *layout.languages(tree), *first[1:]),
        tuple(group for group in sections if group.facts),
    )


def fitted(whole: Survey, chars: int = CHARS) -> Survey:
    """The facts that fit in so many characters, and a word about those that do not.

    Each section first takes its share, in order; what is left over then goes to them in order.
    """
    room = chars - sum(len(fact.line) + _LINE_CHARS for fact in whole.about) - 120
    room -= sum(len(group.title) + 6 for group in whole.sections)
    kept = [0] * len(whole.sections)
    spent = 0
    for every in (False, True):
        for number, group in enumerate(whole.sections):
            own = room - spent if every else int(room * group.share)
            while kept[number] < len(group.facts):
                size = len(group.facts[kept[number]].line) + _LINE_CHARS
                if size > own:
                    break
                own, spent, kept[number] = own - size, spent + size, kept[number] + 1
    pairs = list(zip(whole.sections, kept, strict=True))
    lost = [
        counted(len(group.facts) - count, *group.what) for group, count in pairs if count < len(group.facts)
    ]
    sections = tuple(replace(group, facts=group.facts[:count]) for group, count in pairs if count)
    return replace(whole, sections=sections, left_out=", ".join(lost))


def about(root: Path) -> Fact | None:
    """The first thing that the project's README or manifest says of it."""
    for entry in (*manifests.READMES, *manifests.PACKAGES):
        parse = manifests.readme if entry in manifests.READMES else manifests.PACKAGES[entry]
        text = text_of(root, entry) if (root / entry).is_file() else ""
        for item in parse(text, entry):
            if item.topic == "about" and (entry in manifests.READMES or ": " in item.text):
                return _fact(item)
    return None


def text_of(root: Path, entry: str) -> str:
    """A small text file of the project; "" where it is missing, leads outside or is not text."""
    try:
        data = files.read(root / entry, (root,), _MOST_BYTES)
    except (DocumentError, ValueError):
        return ""
    return decode(data) if data and b"\0" not in data[:1024] else ""


def _found(root: Path, tree: Tree) -> list[Found]:
    there = set(tree.files)
    named = [name for name in (*manifests.READMES[:1], *manifests.PARSERS) if name in there]
    named += [name for name in manifests.READMES[1:] if name in there][
        : 0 if named[:1] == ["README.md"] else 1
    ]
    others = [path for path in tree.files if path not in manifests.PARSERS and manifests.parser_of(path)]
    top = [path for path in others if "/" not in path]
    flows = [path for path in others if path.startswith(".github/")][:_MOST_WORKFLOWS]
    if not {*named, *top} & {*manifests.PACKAGES} and not any(path.endswith(".sln") for path in top):
        # nothing at the top builds this: the nearest manifests do
        top += [path for path in others if path.count("/") in (1, 2) and not ASIDE.search(path)][:4]
        if not any(name.lower().endswith("makefile") for name in named):
            top += [path for path in tree.files if path.count("/") == 1 and path.endswith("/Makefile")][:1]
    found: list[Found] = []
    spoken = {
        name
        for name, lines in (tree.lines or tree.counts).items()
        if lines * 12 > (tree.lines or tree.counts).total()
    }
    for path in (*named, *top, *flows):
        parse = manifests.readme if path in manifests.READMES else manifests.parser_of(path)
        parse = parse or manifests.PARSERS.get(path.rpartition("/")[2])
        if parse and (text := text_of(root, path)):
            aside = spoken.isdisjoint(_LANGUAGES.get(path.rpartition("/")[2], spoken)) and bool(spoken)
            # what packages a library for another language is not how it is built
            found += [replace(one, rank=one.rank + 4 * aside) for one in parse(text, path)]
            found += manifests.readme_ports(text, path) if path in manifests.READMES else []
    for path in _settings(tree):
        found += manifests.ports(text_of(root, path), path)
    return found


def _settings(tree: Tree) -> list[str]:
    """Sources that often state a port."""
    return [
        path
        for path in tree.files
        if path.rpartition("/")[2].partition(".")[0].lower() in _STARTS | _SETTINGS
        and language_of(path) not in {"", *TEXTS}
        and path.count("/") <= 3
        and not ASIDE.search(path)
    ][:_MOST_SOURCES]


def _entries(found: list[Found], tree: Tree) -> tuple[Fact, ...]:
    told = [_fact(one) for one in sorted(_unique(found, "entry points"), key=lambda one: one.rank)][:8]
    if "package.json" in tree.files and "index.js" in tree.files and not told:
        told.append(Fact("`index.js` is what `require` loads: package.json names no other", ("index.js:1",)))
    for path in tree.files:
        if (run := _RUN_AS.fullmatch(path)) and path.count("/") < 4 and not ASIDE.search(path):
            told.append(Fact(f"`python -m {run[1].strip('/').replace('/', '.')}`", (f"{path}:1",)))
    named = " ".join(fact.text for fact in told)
    mains = [main for main in tree.mains if not ASIDE.search(main[0]) and not _build_script(main[0])]
    mains.sort(key=lambda main: bool(re.match(r"(?:utils?|tools?|scripts?|contrib|hack)/", main[0])))
    for path, line in mains[:6]:
        if path not in named and not path.endswith("__main__.py"):
            told.append(
                Fact(f"main of {code('/'.join(path.split('/')[-2:]), 80)}", (flat(f"{path}:{line}", 160),))
            )
    return tuple(told)


def _build_script(path: str) -> bool:
    return path.rpartition("/")[2] in ("setup.py", "build.rs", "noxfile.py")


def _facts(found: list[Found], topic: manifests.Topic, most: int) -> tuple[Fact, ...]:
    return tuple(_fact(one) for one in sorted(_unique(found, topic), key=lambda one: one.rank)[:most])


def _ports(found: list[Found]) -> tuple[Fact, ...]:
    """Each port once: sources say it better than the README."""
    said: dict[str, Found] = {}
    for one in sorted(_unique(found, "ports"), key=lambda one: one.rank):
        said.setdefault(one.text.partition(":")[0], one)
    return tuple(map(_fact, [*said.values()][:3]))


def _commands(found: list[Found], tree: Tree) -> tuple[Fact, ...]:
    """The useful ones first, each once: what CI or the README runs is often known already."""
    kept: list[Found] = []
    seen: set[str] = set()
    wrapped = [name for name in ("gradle", "mvn") if f"{name}w" in tree.files]
    commands = _unique(found, "commands")
    scripts = {named[0] for one in commands if (named := re.findall(r"^`([^`]+)`", one.text))}
    for one in sorted(commands, key=lambda one: one.rank):
        if (script := _SCRIPT.match(one.text)) and "package.json" in tree.files and script[1] not in scripts:
            continue  # the README tells of another program's
        for name in wrapped:
            one = replace(one, text=one.text.replace(f"`{name} ", f"`./{name}w "))
        said = next(iter(re.findall(r"`([^`]+)`", one.text)), one.text)
        kind = " ".join(re.sub(r"\s[\w]+=\S+|\s-\S+", "", said).split()[:2])
        repeated = said in seen or (one.rank > 3 and kind in seen)
        if not repeated and (one.rank < 6 or len(kept) < _ENOUGH):
            kept.append(one)
        seen |= {said, kind}
    return tuple(_fact(one) for one in kept[:_MOST_COMMANDS])


def _without_repeated_words(about: list[Found]) -> list[Found]:
    """A manifest often says what the README says: then its name and version are enough."""
    kept: list[Found] = []
    for one in about:
        head, colon, said = one.text.partition(": ")
        if kept and colon and not unlike(said, kept[0].text):
            one = replace(one, text=head)
        kept.append(one)
    return kept


def _unique(found: list[Found], topic: manifests.Topic) -> list[Found]:
    return list({item.text: item for item in reversed(found) if item.topic == topic}.values())[::-1]


def _fact(found: Found) -> Fact:
    return Fact(found.text, (flat(found.source, 120).replace("]", ")"),))
