"""What the words of a prompt want of the tools, in seven languages: to count, add, remove, mend. Pure.

Patterns and no classifier: each only decides what a tool forgives or shows besides, so a miss costs little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
_SET = re.compile(
    r"(?:(?:\b(?:to|into|as|auf|als|a|à|para|por)|[=:])\s+|=)"
    r"(#[0-9a-fA-F]{3,8}\b|[\w.%+-]+@[\w-]+\.[\w.]+|\d[\w.:,-]*\w|\d)(?![\w(])"
    r"|\b(?:to|into|as|auf|als|a|à|para|por)\s+`([^`\s]+)`"
    r"|(?<![(\w,=\[])[\"']([^\"'\n]+)[\"'](?![)\w,\]])"
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
_KEPT = re.compile(
    r"\b(?:keep|leave|spare|except|(?:but|and) not|lass|behalte|außer|deja|conserva|excepto|salvo|laisse|"
    r"garde|sauf|mantém|deixa|exceto|"
    r"nicht (?:ändern|anfassen|löschen|mit)|no (?:toques|cambies|modifiques|borres)|"
    r"(?:do not|don't|never|without) (?:chang|touch|edit|modify|commit|delet|remov|add|includ)\w*|"
    r"ne (?:touche|change|modifie|supprime)\w* pas|não (?:mexas|alteres?|mudes?|toques|apagues?))\b"
    r"(?!.*\b(?:up to date|in sync|current|aktuell)\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;:!?]\s+|,\s+|\s+(?=(?:but|aber|mais|pero|mas)\s)")
_ONLY = re.compile(
    r"\b(?:only|just|nur|s[oó]lo|seulement|s[oó]|apenas|soltanto)\s+"
    r"(?:([\w./-]+\.\w+)|(?:that|this|the|diese|ese|ce|esse|questo)\s+(?:file|datei|archivo|fichier|ficheiro|arquivo))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wording:
    """`paths`, `code` (names as they stand in programs) and `literals` (figures, quoted texts) in order;
    `values`: those that something is to become, and not what a call is given or must return.

    `asks`: a question, or to be told something; `counts`: how many; `lines`: of lines; `figure`: the answer
    is one. `adds`, `removes`: what a change is to do. `source_only`: a test fails, and it is the code that is
    wrong. `only`: the one file that is to be committed, or empty. `kept`: files that are to stay as they are.
    `bare` is the prompt without its paths.
    """

    paths: tuple[str, ...]
    code: tuple[str, ...]
    literals: tuple[str, ...]
    values: tuple[str, ...]
    bare: str
    asks: bool
    counts: bool
    lines: bool
    figure: bool
    adds: bool
    removes: bool
    source_only: bool
    only: str
    kept: tuple[str, ...]


def wording(prompt: str) -> Wording:
    found = (path.strip("`'\"/.,") if "/" in path else path for path in _PATH.findall(prompt))
    paths, bare = tuple(dict.fromkeys(found)), _PATH.sub(" ", prompt)
    only = _ONLY.search(prompt)
    return Wording(
        paths,
        code=tuple(dict.fromkeys(name.strip("`") for name in _CODE.findall(bare))),
        literals=tuple(dict.fromkeys(text.strip("\"'`") for text in _LITERAL.findall(bare))),
        values=tuple(dict.fromkeys("".join(found) for found in _SET.findall(bare))),
        bare=bare,
        asks=bool(_ASKS.search(prompt)),
        counts=bool(_MANY.search(prompt)),
        lines=bool(_LINES.search(prompt)),
        figure=bool(_FIGURES.search(prompt)),
        adds=bool(_MORE.search(prompt)),
        removes=bool(_GONE.search(prompt)),
        source_only=bool(_FIXES.search(prompt) and _TESTED.search(prompt) and not _RETEST.search(prompt)),
        only=(only[1] or "".join(paths[:1])) if only else "",
        kept=_kept(prompt),
    )


def _kept(prompt: str) -> tuple[str, ...]:
    clauses = [part for part in _CLAUSE.split(prompt) if _KEPT.search(part)]
    found = [path.strip("`'\"/.,") for part in clauses for path in _PATH.findall(part)]
    return tuple(path for path in dict.fromkeys(found) if path)


def named_as_file(word: str) -> bool:
    """Whether it ends as names of files do."""
    return re.search(rf"\.(?:{_SUFFIX})$", word) is not None
