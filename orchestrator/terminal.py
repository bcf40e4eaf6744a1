"""Untrusted text on its way to a terminal: no escape sequence of a model or a file gets through."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, links, clipboard
    r"|[ -/]*[0-~]"  # two characters: charset, reset, keypad
    r")|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
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


def one_line(text: str, width: int = 0) -> str:
    """The text on one line, cut with an ellipsis at `width` characters when given."""
    line = " ".join(plain(text).split())
    return line if not width or len(line) <= width else line[: width - 1] + "…"
