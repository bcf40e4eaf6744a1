"""Untrusted text made fit for one line of a document: pure.

Text of models, tools and files is data. What comes out of here is a single line that cannot start
a heading, a list, a comment or a region, cannot pass for a citation or for a control token of a
chat template, carries no terminal escapes and has a bounded length.
"""

from __future__ import annotations

import re
import unicodedata

from orchestrator.terminal import ESCAPES

_MARKER = re.compile(r"orch:(?=\s*(?:begin|end|session)\b)", re.IGNORECASE)
_CONTROL_TOKEN = re.compile(r"<(?=\||!--|/?(?:s|unk|pad|bos|eos|think)>|/?tool_)", re.IGNORECASE)
_CITATION = re.compile(r"\[((?:[^\[\]]*(?:#\d|verified|confirmed|claimed)[^\[\]]*)|[0-9a-f]{7,40}|/?INST)\]")
_BLOCK_START = re.compile(r"^(?:(?:[#>*+\-=~|]+|\d{1,9}[.)])(?:\s+|$))+")
_SENTENCE = re.compile(r".+?[.!?](?=\s|$)|.+?[。！？]")
_KEEP_FORMAT = "\u200c\u200d"  # joiners: several scripts need them


def flat(text: str, limit: int) -> str:
    """One line of at most `limit` characters: no controls, escapes, bidi marks or markers."""
    text = ESCAPES.sub("", text[: limit * 8 + 400])
    text = "".join(_visible(char) for char in text)
    text = _CONTROL_TOKEN.sub("< ", _MARKER.sub("orch ", " ".join(text.split())))
    text = text.replace("-->", "-- >")
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, _, _ = cut.rpartition(" ")
    return (head if len(head) > limit // 2 else cut).rstrip() + "…"


def prose(text: str, limit: int = 240) -> str:
    """`text` as words of a Markdown line; inline code stays code."""
    text = re.sub(r"`+", "`", flat(text, limit))
    if text.count("`") % 2:
        head, _, tail = text.rpartition("`")
        text = f"{head}'{tail}"
    said = _BLOCK_START.sub("", text) or re.sub(r"\W+", "", text)  # "4." is an answer
    text = _CITATION.sub(r"(\1)", said).replace("](", "] (")
    pieces = text.split("`")
    pieces[::2] = [re.sub(r"<(?=[A-Za-z/!?])", r"\\<", piece) for piece in pieces[::2]]
    text = "`".join(pieces)
    if re.match(r">|\[[^\]]*\]:|([-*_])(?:\s*\1){2,}\s*$", text):
        text = "\\" + text
    return text


def code(text: str, limit: int = 160) -> str:
    """`text` as inline code; "(empty)" where there is nothing to show."""
    text = _CITATION.sub(r"(\1)", flat(text, limit).replace("`", "'"))
    return f"`{text}`" if text else "(empty)"


def first_line(text: str, limit: int = 240) -> str:
    """The first line that has words, as prose."""
    for line in text[:20_000].splitlines():
        if words := prose(line, limit):
            return words
    return ""


def first_sentence(text: str, limit: int = 240) -> str:
    """The first sentence of the first line that has words, as prose."""
    line = first_line(text, limit * 4)
    found = _SENTENCE.match(line)
    return prose(found.group() if found else line, limit)


def counted(number: int, one: str, several: str) -> str:
    """A number with its noun: "1 file", "1,200 files"."""
    return f"{number:,} {one if number == 1 else several}"


def _visible(char: str) -> str:
    if char in _KEEP_FORMAT:
        return char
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Co", "Cn") else char
