"""The words of a text as the recall index knows them: the same for what is stored and what is asked.

Identifiers count whole and by their parts (`getUserName`, `get_user_name` and `get/user-name` share
`get`, `user` and `name`); accents are dropped; scripts that set no spaces between words are cut into
overlapping pairs of characters. English endings are taken off by SQLite's porter stemmer.
Pure. `VERSION` changes with every rule here, and the index is then built anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.journal.stop_words import OTHER_STOPS, STOP, WEAK

VERSION = 1
MOST_CHARS = 100_000
"""Of one text: what stands behind them is not indexed."""
_LONGEST = 64
# Patterns are text where few texts need them: compiling them all would take 3 ms at every start; `re`
# keeps what it compiled.
_MARKS = "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]"
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003134f"
)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)*")
_LETTER = rf"(?:(?![{_UNSPACED}_\u0964\u0965])[\w\u0900-\u0dff])"
_ANY_WORD = rf"[{_UNSPACED}]+|{_LETTER}+(?:_+{_LETTER}+)*"
_PART = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_A-Za-z0-9]+"

_MONTH_NAMES = (
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
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_ISO = r"\b(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)"
_WRITTEN = (
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+|de\s+)?)?([a-z]{3,10})\.?"
    r"(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?,?\s+(?:of\s+|de\s+)?(\d{4})\b"
)


def words(text: str) -> Iterator[str]:
    """Every indexed word of the text, in order, with repeats."""
    text = text[:MOST_CHARS]
    found = _ASCII_WORD.findall(text) if text.isascii() else re.findall(_ANY_WORD, _plain(text))
    for word in found:
        if word.isascii():
            if word.islower() and word.isalpha():  # most words: no identifier
                if word not in STOP and len(word) <= _LONGEST:
                    yield word
                continue
            yield from _of_word(word)
        elif _unspaced(word[0]):
            yield from _pairs(word)
        else:
            yield from _of_word(word.casefold())


def query_words(text: str) -> list[str]:
    """The distinct words of a question that say what it is about, dates among them."""
    found = list(dict.fromkeys(words(text)))
    for language in OTHER_STOPS.values():
        stops = {_plain(word) for word in language}
        if len(stops.intersection(found)) >= 2:
            found = [word for word in found if word not in stops] or found
    kept = [word for word in found if word not in WEAK] or found
    return [*kept, *(word for word in date_words(text) if word not in kept)]


def day_words(iso: str) -> tuple[str, ...]:
    """What the index holds of a turn's date (ISO 8601): its day, its month."""
    match = re.match(_ISO, iso)
    return tuple(_date(*match.groups())) if match else ()


def date_words(text: str) -> list[str]:
    """Dates that a question names, as `day_words` writes them: 2026-11-03, 3 November 2026, May 2026."""
    text = _plain(text[:MOST_CHARS]).lower()
    found = [word for match in re.finditer(_ISO, text) for word in _date(*match.groups())[:1]]
    for before, month, after, year in re.findall(_WRITTEN, text):
        if month in _MONTHS:
            day = before or after
            found += _date(year, f"{_MONTHS[month]:02}", f"{int(day):02}" if day else None)[:1]
    return list(dict.fromkeys(found))


def _date(year: str, month: str, day: str | None) -> list[str]:
    whole = f"orchdate{year}{month}"
    return [f"{whole}{day}", whole] if day else [whole]


def _plain(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", re.sub(_MARKS, "", unicodedata.normalize("NFKD", text)))


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
    if (word != lower and word[1:] != lower[1:]) or not (word.isalpha() or word.isdigit()):
        parts = re.findall(_PART, word)
        if len(parts) > 1:
            yield from (part.lower() for part in parts if len(part) > 1 and part.lower() not in STOP)


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _unspaced(char: str) -> bool:
    return re.match(f"[{_UNSPACED}]", char) is not None
