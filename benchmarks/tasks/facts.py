"""Is a fact in a text? Spellings, numbers and expressions, aware of where words begin and end. Pure."""

from __future__ import annotations

import re
import unicodedata

Fact = str | tuple[str, ...] | re.Pattern[str]
"""One spelling, several acceptable ones, or an expression searched in the text as it stands."""

_WORDS = {
    2: "two zwei dos deux dois duas",
    3: "three drei tres trois três",
    4: "four vier cuatro quatre quatro",
    5: "five fünf cinco cinq",
    6: "six sechs seis",
    7: "seven sieben siete sept sete",
    8: "eight acht ocho huit oito",
    9: "nine neun nueve neuf nove",
    10: "ten zehn diez dix dez",
    11: "eleven elf once onze",
    12: "twelve zwölf doce douze doze",
}
_UNITS = "s|ms|sec|secs|seconds|min|h|d|kb|mb|gb|kib|mib|gib|kg|g|m|km|cm|mm|eur|usd|px|x|th|st|nd|rd"
_PLAIN = str.maketrans("‘’“”‐‑–−\u00a0\u202f", "''\"\"----  ", "*`")


def number(value: float) -> tuple[str, ...]:
    """The spellings of a number: 1234.5 as 1,234.5 and 1.234,5 too; small whole ones as words."""
    whole, _, part = f"{value}".partition(".")
    part = "" if part == "0" else part
    spellings = []
    for group, point in (("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), ("'", ".")):
        digits = f"{int(whole):,}".replace(",", group)
        for tail in (part, part.ljust(2, "0")) if part else ("", "0", "00"):
            spellings.append(digits + (point + tail if tail else ""))
    words = _WORDS.get(int(value), "").split() if not part else []
    return tuple(dict.fromkeys([*spellings, *words]))


def missing(text: str, facts: tuple[Fact, ...]) -> list[str]:
    """Those of `facts` that `text` does not hold, as words for a person."""
    return [_name(fact) for fact in facts if not holds(text, fact)]


def present(text: str, facts: tuple[Fact, ...]) -> list[str]:
    """Those of `facts` that `text` holds, as words for a person."""
    return [_name(fact) for fact in facts if holds(text, fact)]


def holds(text: str, fact: Fact) -> bool:
    if isinstance(fact, re.Pattern):
        return fact.search(text) is not None
    plain = _plain(text)
    return any(_expression(spelling).search(plain) for spelling in _spellings(fact))


def _spellings(fact: str | tuple[str, ...]) -> tuple[str, ...]:
    return (fact,) if isinstance(fact, str) else fact


def _name(fact: Fact) -> str:
    if isinstance(fact, re.Pattern):
        return f"/{fact.pattern}/"
    return " or ".join(repr(spelling) for spelling in _spellings(fact)[:2])


def _plain(text: str) -> str:
    """Case, Markdown's emphasis, typographic quotes and dashes, and white space do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_PLAIN)).casefold().split())


def _expression(spelling: str) -> re.Pattern[str]:
    """`spelling` as a word of its own: "3" is not in "13", "3.5" or "utf3", but in "3s" and "v3"."""
    plain = _plain(spelling)
    before = after = ""
    if re.match(r"\d", plain):
        before = r"(?:(?<!\w)|(?<=\b[vl]))(?<!\d[.,'])"
    elif re.match(r"\w", plain):
        before = r"(?<!\w)"
    if re.search(r"\d$", plain):
        after = rf"(?![.,']\d)(?:(?!\w)|(?=(?:{_UNITS})\b))"
    elif re.search(r"\w$", plain):
        after = r"(?!\w)"
    return re.compile(before + re.escape(plain) + after)
