"""Untrusted text on its way to a terminal: no escape sequence of a model or a file gets through."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, links, clipboard
    r"|[ -/]*[0-~]"  # two characters: charset, reset, keypad
    r")|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c\x90\x98\x9d-\x9f]*(?:\x07|\x1b\\|\x9c|$)"  # up to the next: linear
)
"""Terminal escape sequences, whole."""
# Bidirectional overrides can make a command read as another one, so they go too.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without escape sequences and control characters; tabs and newlines stay.

    Carriage returns become newlines where they are not already part of one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", ESCAPES.sub("", text))
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be printed


# What is drawn as nothing, or moves what is drawn: C0, DEL, C1, soft hyphen, zero-width and bidirectional
# characters, line and paragraph separators, tag characters.
_UNSEEN = (
    *((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x034F, 0x034F), (0x061C, 0x061C)),
    *((0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E)),
    *((0x2060, 0x206F), (0x3164, 0x3164), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB)),
    (0xE0000, 0xE0FFF),
)
_UNSEEN_RE = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _UNSEEN) + "]")


def visible(text: str, *, lines: bool = True) -> str:
    """The text with every character that would not be seen shown as a sign for it; tab, newline stay.

    Without `lines` a newline is a sign as well.

    For what a person is asked to approve: `plain` would leave out what an escape sequence encloses,
    and a shell would run it.
    """
    shown = _UNSEEN_RE.sub(_sign, text).encode("utf-8", "backslashreplace").decode("utf-8")
    return shown if lines else shown.replace("\n", "␊")


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, width: int = 0) -> str:
    """The text on one line, cut with an ellipsis at `width` characters when given."""
    line = " ".join(plain(text).split())
    return line if not width or len(line) <= width else line[: width - 1] + "…"
