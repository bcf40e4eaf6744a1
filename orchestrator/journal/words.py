"""The words of a text as the recall index knows them: the same for what is stored and what is asked.

Identifiers count whole and by their parts (`getUserName`, `get_user_name` and `get/user-name` share
`get`, `user` and `name`); accents are dropped; scripts that set no spaces between words are cut into
overlapping pairs of characters. English endings are taken off by SQLite's porter stemmer.
Pure. `VERSION` changes with every rule here, and the index is then built anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

VERSION = 1
MOST_CHARS = 100_000
"""Of one text: what stands behind them is not indexed."""
_LONGEST = 64
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003134f"
)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)*")
_LETTER = rf"(?:(?![{_UNSPACED}_\u0964\u0965])[\w\u0900-\u0dff])"
_ANY_WORD = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:_+{_LETTER}+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_A-Za-z0-9]+")

# Function words: they are in no index. Not here: words that are names as well (will, may, can, us, it).
STOP = frozenset(
    """a about above after again against all am an and any are aren as at be because been before being below
    between both but by couldn d did didn do does doesn doing don down during each few for from further had
    hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn its
    itself just ll m me more most mustn my myself needn no nor not now o of off on once only or other our
    ours ourselves out over own re s same shan she should shouldn so some such t than that the their theirs
    them themselves then there these they this those through to too under until up ve very was wasn we were
    weren what when where which while who whom why with won wouldn you your yours yourself yourselves also
    would could did get got let yes ok okay""".split()
)
_WEAK = frozenset("can will may might must us it please tell know remember say said".split())
# Questions in other languages lose these, when two of them say which language it is.
_OTHER_STOPS = {
    "de": """der die das den dem des ein eine einen einem einer und oder aber ist sind war waren wir ich du er
    sie es ihr mich mir dich dir uns euch was wer wie wo wann warum welche welcher welches mit von zu zum zur
    im in am an auf aus bei für fur nach über uber unter vor nicht kein keine haben hat hatte habe wird werden
    wurde noch auch nur schon mal denn dass als so man""",
    "es": """el la los las un una unos unas y o pero es son era fue ser estar esta este esto que qué como cómo
    cuando cuándo donde dónde quien quién cual cuál por para con sin de del al en lo le se su sus mi mis tu tus
    nos no si ya más mas muy ha han hay he hemos""",
    "fr": """le la les un une des du de et ou mais est sont était etait être etre a ont avons avez que qui quoi
    quel quelle quels quelles comment quand où pourquoi pour par avec sans dans sur sous en au aux ce cette ces
    se sa son ses mon ma mes ton ta tes nous vous il elle ils elles je tu on ne pas plus y""",
    "it": """il lo la i gli le un uno una e o ma è sono era che chi cosa come quando dove perché quale quali per
    con senza di del della dei delle da dal in nel nella su al alla non si ci mi ti ha hanno abbiamo""",
    "pt": """o a os as um uma uns umas e ou mas é são era foi que quem qual como quando onde por para com sem
    de do da dos das em no na nos nas ao à se seu sua não mais muito há""",
    "nl": """de het een en of maar is zijn was waren wat wie hoe waar wanneer waarom welke met van voor naar op
    in aan uit bij niet geen ook nog maar dan dat die dit deze ik jij hij zij wij we""",
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero gennaio janeiro januari jan",
            "february februar fevrier febrero febbraio fevereiro februari feb",
            "march marz maerz mars marzo marco maart mar",
            "april avril abril aprile apr",
            "may mai mayo maggio maio mei",
            "june juni juin junio giugno junho jun",
            "july juli juillet julio luglio julho jul",
            "august aout agosto augustus aug",
            "september septembre septiembre settembre setembro sep sept",
            "october oktober octobre octubre ottobre outubro oct okt",
            "november novembre noviembre novembro nov",
            "december dezember decembre diciembre dicembre dezembro dec dez",
        ),
        1,
    )
    for name in names.split()
}
_ISO = re.compile(r"\b(\d{4})-(\d{2})(?:-(\d{2}))?\b")
_WRITTEN = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+|de\s+)?)?([a-z]{3,10})\.?"
    r"(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?,?\s+(?:of\s+|de\s+)?(\d{4})\b"
)


def words(text: str) -> Iterator[str]:
    """Every indexed word of the text, in order, with repeats."""
    text = text[:MOST_CHARS]
    if text.isascii():
        found = _ASCII_WORD.findall(text)
    else:
        found = _ANY_WORD.findall(_plain(text))
    for word in found:
        if word.isascii():
            yield from _of_word(word)
        elif _unspaced(word[0]):
            yield from _pairs(word)
        else:
            yield from _of_word(word.casefold())


def query_words(text: str) -> list[str]:
    """The distinct words of a question that say what it is about, dates among them."""
    found = list(dict.fromkeys(words(text)))
    for language in _OTHER_STOPS.values():
        stops = set(_plain(language).split())
        if len(stops.intersection(found)) >= 2:
            found = [word for word in found if word not in stops] or found
    kept = [word for word in found if word not in _WEAK] or found
    return [*kept, *(word for word in date_words(text) if word not in kept)]


def day_words(iso: str) -> tuple[str, ...]:
    """What the index holds of a turn's date (ISO 8601): its day, its month."""
    match = _ISO.match(iso)
    return tuple(_date(*match.groups())) if match else ()


def date_words(text: str) -> list[str]:
    """Dates that a question names, as `day_words` writes them: 2026-11-03, 3 November 2026, May 2026."""
    text = _plain(text[:MOST_CHARS]).lower()
    found = [word for match in _ISO.finditer(text) for word in _date(*match.groups())[:1]]
    for before, month, after, year in _WRITTEN.findall(text):
        if month in _MONTHS:
            day = before or after
            found += _date(year, f"{_MONTHS[month]:02}", f"{int(day):02}" if day else None)[:1]
    return list(dict.fromkeys(found))


def _date(year: str, month: str, day: str | None) -> list[str]:
    whole = f"orchdate{year}{month}"
    return [f"{whole}{day}", whole] if day else [whole]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))


def _of_word(word: str) -> Iterator[str]:
    """The word, and its parts where it is an identifier."""
    if "_" in word:
        parts = [part for part in word.split("_") if part]
        whole = "".join(parts)
        for part in parts:
            yield from _of_word(part)
        if len(whole) <= _LONGEST:
            yield whole.lower()
        return
    lower = word.lower()
    if len(lower) > _LONGEST:
        return
    if lower not in STOP:
        yield lower
    if word != lower and word[1:] != lower[1:] or not (word.isalpha() or word.isdigit()):
        parts = _PART.findall(word)
        if len(parts) > 1:
            yield from (part.lower() for part in parts if len(part) > 1 and part.lower() not in STOP)


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _unspaced(char: str) -> bool:
    return re.match(f"[{_UNSPACED}]", char) is not None
