"""Untrusted text on its way to a terminal: no escape sequence of a model or a file gets through."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]"  # two-character sequences
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI as one C1 byte
    re.DOTALL,
)
# Bidirectional overrides can make a command read as another one, so they go too.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without escape sequences and control characters; tabs and newlines stay.

    Carriage returns become newlines where they are not already part of one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be printed


def one_line(text: str, width: int = 0) -> str:
    """The text on one line, cut with an ellipsis at `width` characters when given."""
    line = " ".join(plain(text).split())
    return line if not width or len(line) <= width else line[: width - 1] + "…"
