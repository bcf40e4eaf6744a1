"""What the prompt of the running turn names: the tools look there first and forgive with its help.

A small model drops the folder of a path, changes the line beside the one that was meant and searches
for the commonest of the words it was given. The prompt has the path, the name and the rare word. Words
count as the recall index cuts them (`journal.words`), so parts of identifiers match words of a sentence.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.journal.words import query_words, words
from orchestrator.tools import files, walk

_SUFFIX = (
    r"py|pyi|js|mjs|cjs|ts|jsx|tsx|json|jsonl|toml|ya?ml|ini|cfg|conf|env|md|rst|txt|csv|tsv|sh|bash|zsh|html?|css|scss|"
    r"sql|go|rs|rb|php|java|kt|c|h|cc|cpp|hpp|cs|swift|lua|pl|r|xml|lock|service|properties|log|svg|tex|vue|proto|tf|"
    r"gradle|example|sample|template|dist|j2"
)
_PATH = re.compile(
    rf"[\w./-]*[\w-]\.(?:{_SUFFIX})\b(?!\()|(?<![\w@])(?:[\w.-]+/)+[\w.-]+|\b[A-Z][a-z]+file\b|(?<![\w@])\.[a-z][\w.-]+"
)
_CODE = re.compile(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?<=[a-z] )[B-HJ-Z]\b|[A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|"
    r"[A-Z][A-Z0-9_]{2,}|[A-Z][a-z]+(?:[A-Z]\w*)+|\w+(?=\()|`[^`]+`"
)
_LITERAL = re.compile(
    r"\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`|[\w.%+-]+@[\w-]+\.[\w.]+|#[0-9a-fA-F]{3,8}\b|\d[\w.:,-]*\w|\d"
)
_MANY = re.compile(
    r"\b(how many|count|wie ?viele?|zähle?n?|cu[aá]nt[oa]s|combien|quant[oai]s?|ile)\b", re.IGNORECASE
)
_LINES = re.compile(r"\b(lines|zeilen|l[ií]neas|lignes|linhas|righe)\b", re.IGNORECASE)
_GONE = re.compile(
    r"\b(remove|delete|drop|erase|take \S+ out|get rid|entferne?n?|lösche?n?|streiche?n?|quita|elimina|borra|"
    r"supprime[rz]?|enl[eè]ve[rz]?|retire[rz]?|remov[ea]r?|apag[ae]r?|tira|rimuovi|cancella|usuń)\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(add(?! up)|append|insert|f[üu]ge?|ergänze?|a[ñn]ad[eai]r?|agrega|"
    r"ajoute[rz]?|acrescent[ae]|adicion[ae]|"
    r"aggiung[ie]|dodaj)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|\b(explain|tell me|say what|name the|describe|erklär\w*|sag mir|nenne|"
    r"explica|explique|dime|diz-me|dis-moi|spiega)\b",
    re.IGNORECASE,
)
_FIXES = re.compile(
    r"\b(fail\w*|broken|red|bug|fehlschl\w*|fehl|fehler|fallan?|falla|error|échou\w*|erreur|falham?|erro|rotto)\b",
    re.IGNORECASE,
)
_TESTED = re.compile(r"test|spec|prueba", re.IGNORECASE)
_RETEST = re.compile(
    r"\b(?:write|add|create|update|change|adapt|correct|fix) (?:a |an |the |its |all |its )*tests?\b|"
    r"\btests? (?:\w+ ){0,4}(?:must|should|too|also|as well|need)",
    re.IGNORECASE,
)
_FIGURES = re.compile(
    r"\b(version|port|when|time|date|day|cost|price|much|many|long|old|fast|quickly|big|large|size|limit|number|value|"
    r"wann|wie|kostet|preis|uhr|cu[aá]ndo|cu[aá]nto|l[ií]mite|precio|combien|quand|limite|prix|quanto|quando|preço)\b",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\b(?:only|just|nur|s[oó]lo|seulement|s[oó]|apenas|soltanto)\s+"
    r"(?:([\w./-]+\.\w+)|(?:that|this|the|diese|ese|ce|esse|questo)\s+(?:file|datei|archivo|fichier|ficheiro|arquivo))",
    re.IGNORECASE,
)
_FIGURE = 1.25
"""How much a line with a figure is likelier where one is asked for."""
_FEW = 4
"""Lines of a file in which a telling word of the prompt may stand, at most."""
_SCANNED_FILES, _SCANNED_CHARS = 400, 60_000
_CLOSE, _NEARLY, _MOSTLY = 2, 0.7, 0.8
"""Lines between which words support each other; shares of the best score that are good enough."""
_FOCUSED = 4
"""Lines shown once more because the prompt means them."""
_ABOVE, _BELOW = 0.5, 0.2
"""What words of the lines above and below count for a line: a heading says more than what follows."""
_AROUND = 4
"""Lines before and after one that count as its neighbourhood."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, from 1, and how much of the prompt stands in it and near it."""

    path: str
    line: int
    score: float


class Asked:
    """The prompt of the turn that runs; before the first turn, nothing."""

    def __init__(self) -> None:
        self.begin("")

    def begin(self, prompt: str) -> None:
        self.paths = tuple(
            dict.fromkeys(
                found.strip("`'\"/.,") if "/" in found else found for found in _PATH.findall(prompt)
            )
        )
        bare = _PATH.sub(" ", prompt)
        self.words = tuple(query_words(bare))
        self.code = tuple(dict.fromkeys(found.strip("`") for found in _CODE.findall(bare)))
        self.literals = tuple(dict.fromkeys(found.strip("\"'`") for found in _LITERAL.findall(bare)))
        self.figure = bool(_FIGURES.search(prompt))
        only = _ONLY.search(prompt)
        self.only = (only[1] if only[1] else "".join(self.paths[:1])) if only else ""
        self.counts = bool(_MANY.search(prompt))
        self.asks = bool(_ASKS.search(prompt))
        self.source_only = bool(
            _FIXES.search(prompt) and _TESTED.search(prompt) and not _RETEST.search(prompt)
        )
        self.warned: set[str] = set()
        """What has been said once in this turn."""
        self.lines = bool(_LINES.search(prompt))
        self.removes = bool(_GONE.search(prompt))
        self.adds = bool(_MORE.search(prompt))

    def path(self, given: str) -> str:
        """The path as the prompt has it, where `given` is that without its folder."""
        name = given.strip("`'\" ").removeprefix("./")
        longer = [path for path in self.paths if path.endswith(f"/{name}")]
        return longer[0] if len(longer) == 1 and name not in self.paths else given

    def lines_of(self, content: str, share: float = _NEARLY) -> list[int]:
        """Numbers (from 1) of the lines that the prompt means, as far as its telling words say: names,
        values and words that stand in few lines, there or close by. Those with `share` of the best score.
        """
        lines = content.split("\n")
        own: dict[int, float] = defaultdict(float)
        for wanted in (*self.code, *self.literals):
            _score(own, [n for n, line in enumerate(lines, 1) if bounded(wanted, line)], 2.0)
        cut = [tuple(words(line)) for line in lines]
        for word in self.words:
            _score(own, [n for n, found in enumerate(cut, 1) if any(alike(word, one) for one in found)], 1.0)
        scores = {
            n: score
            + _ABOVE * sum(own.get(n - off, 0.0) for off in range(1, _CLOSE + 1))
            + _BELOW * sum(own.get(n + off, 0.0) for off in range(1, _CLOSE + 1))
            for n, score in list(own.items())
        }
        best = max(scores.values(), default=0.0)
        return sorted(number for number, score in scores.items() if score >= best * share)

    def focus(self, content: str) -> str:
        """The numbered lines that the prompt means most, with those beside them; may be empty."""
        lines = content.split("\n")
        wide = {near for n in self.lines_of(content, _MOSTLY)[:_FOCUSED] for near in (n - 1, n, n + 1)}
        shown = sorted(n for n in wide if 1 <= n <= len(lines) and lines[n - 1].strip())
        return "\n".join(f"{n}: {lines[n - 1][:200]}" for n in shown)

    def missing(self, content: str, new: str) -> str:
        """A value that the prompt wants in a file, or a name where something is to be added, if it is neither
        there nor in `new`.
        """
        wishes = (self.literals, self.code) if self.adds else (self.literals,)
        for wanted in wishes:
            absent: list[str] = [value for value in wanted if not bounded(value, content)]
            if absent and not any(value.lower() in new.lower() for value in absent):
                return absent[0]
        return ""


def _score(scores: dict[int, float], found: Sequence[int], worth: float) -> None:
    if 0 < len(found) <= _FEW:
        for number in found:
            scores[number] += worth / math.sqrt(len(found))


def named_as_file(word: str) -> bool:
    """Whether it ends as names of files do."""
    return re.search(rf"\.(?:{_SUFFIX})$", word) is not None


def bounded(wanted: str, text: str) -> bool:
    """Whether `wanted` stands in `text` as a whole, whatever its case: `14` not in `142` or `1.14`."""
    pattern = (
        rf"(?<![\w.]){re.escape(wanted)}(?!\w|\.\d)"
        if wanted[:1].isdigit()
        else rf"(?<!\w){re.escape(wanted)}(?!\w)"
    )
    return re.search(pattern, text, re.IGNORECASE) is not None


def alike(word: str, other: str) -> bool:
    """Equal but for an ending: `cherries` and `cherry`, `limite` and `limit`."""
    if word == other:
        return True
    if len(word) < 7 and len(other) < 7 and _stem(word) == _stem(other):
        return True
    shorter = min(len(word), len(other))
    if shorter == 3 and len(word) > 3:  # `mem` for memory, `conf` for configuration
        return word.startswith(other) and len(other) == 3
    if shorter >= 5 and word.endswith(other):  # `subcommands`
        return True
    return (
        shorter >= 4
        and abs(len(word) - len(other)) <= 4
        and word[: max(4, shorter - 1)] == other[: max(4, shorter - 1)]
    )


def _stem(word: str) -> str:
    """Without an English ending, where three letters are left: `owns`, `owner` and `owned` are alike."""
    return re.sub(r"(?<=\w{3})(ing|ers?|ed|e?s)$", "", word)


def knows(root: Path, asked: Asked) -> bool:
    """Whether the prompt names a file of the project, or an identifier that stands in one."""
    found = list(walk.project_files(root, limit=_SCANNED_FILES * 5))
    names = {path.rpartition("/")[2] for path in found} | set(found)
    if any(path in names or (root / path).is_file() for path in asked.paths if ".." not in path):
        return True
    codes = [code for code in asked.code if len(code) > 2]
    return bool(codes) and any(
        any(bounded(code, text) for code in codes) for _, text in texts_of(root, found)
    )


def places(root: Path, paths: Iterable[str], asked: Asked) -> list[Place]:
    """The lines of these files that the prompt's words are about, best first; rare words weigh most."""
    if not asked.words:
        return []
    matched: list[tuple[str, list[frozenset[str]]]] = []
    common: Counter[str] = Counter()
    figures: set[tuple[str, int]] = set()
    total = 0
    for path, text in texts_of(root, list(paths)):
        name = set(words(path))
        of_file = frozenset(word for word in asked.words if any(alike(word, one) for one in name))
        rows = []
        for line in text.split("\n"):
            found = set(words(line[:400]))
            row = frozenset(word for word in asked.words if any(alike(word, one) for one in found))
            common.update(row)
            rows.append(row)
            if re.search(r"\d", line):
                figures.add((path, len(rows)))
        total += len(rows)
        matched.append((path, [row | of_file if row else row for row in rows]))
    worth = {word: math.log(1 + total / (1 + common[word])) * _weight(word, asked) for word in asked.words}
    scored = []
    for path, rows in matched:
        for at, row in enumerate(rows):
            if row:
                figure = _FIGURE if asked.figure and (path, at + 1) in figures else 1.0
                scored.append(Place(path, at + 1, figure * _worth(rows, at, worth)))
    return sorted(scored, key=lambda place: -place.score)


def _worth(rows: Sequence[frozenset[str]], at: int, worth: Mapping[str, float]) -> float:
    """Of a line: its own words, and those of the lines near it, the less the farther. What stands above, as a
    heading does, says more about it than what stands below.
    """
    known, score = rows[at], sum(worth[word] for word in rows[at])
    for distance in range(1, _AROUND + 1):
        for place, share in ((at - distance, _ABOVE), (at + distance, _BELOW)):
            if 0 <= place < len(rows):
                score += share / math.sqrt(distance) * sum(worth[word] for word in rows[place] - known)
                known |= rows[place]
    return score


def _weight(word: str, asked: Asked) -> float:
    """Numbers and names are meant as they are; other words may be said otherwise."""
    return (
        2.0 if word.isdigit() or any(word == one.lower() for one in (*asked.code, *asked.literals)) else 1.0
    )


def texts_of(root: Path, paths: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Small text files; of a large project none, since reading it all would take too long."""
    if len(paths) > _SCANNED_FILES:
        return
    for path in paths:
        try:
            data = files.read_bytes(root.resolve() / path, path, _SCANNED_CHARS)
        except ToolError:
            continue
        if not files.is_binary(data):
            yield path, files.decode(data).content
