"""Terminal output as text: what stands on the lines once all rewriting is over. Pure.

A model reads this instead of the raw output of a program that believes it has a terminal: a progress
bar that was drawn a thousand times is one line.
"""

from __future__ import annotations

import re

from orchestrator.terminal import ESCAPES

WINDOW = 200
"""Lines above the last one that can still be rewritten; a terminal's height, and then some."""
LINE_CHARS = 64 * 1024
_FAR = 999
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x08\x0a-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<count>\d*)(?:;\d*)*(?P<move>[A-HJKf])"
    rf"|{ESCAPES.pattern}|(?P<control>.)",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"(?:\x1b\[?[0-?]*[ -/]*|\x1b[\]PX^_][^\x07\x1b\x9c\n]{0,4096}\x1b?|\r{1,2})\Z")
_NOT_PLAIN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Settled:
    """Lines that programs may still rewrite: carriage returns, backspaces, erasing, cursor up and down.

    `feed` returns the lines that became final, each with its newline; `rest` the others.
    """

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0
        self._column = 0
        self._fresh = False  # after a carriage return: the next text is the line's new state
        self._pending = ""

    def feed(self, text: str) -> str:
        text = self._pending + text
        unfinished = _UNFINISHED.search(text, max(0, len(text) - 5000))
        self._pending = text[unfinished.start() :] if unfinished else ""
        text = text[: len(text) - len(self._pending)].replace("\r\r\n", "\n").replace("\r\n", "\n")
        if self._row == len(self._lines) - 1 and not _NOT_PLAIN.search(text):
            return self._plainly(text)
        for token in _TOKEN.finditer(text):
            self._take(token)
        return self._scrolled()

    def rest(self) -> str:
        """The lines that are not final yet. Nothing may be fed after it."""
        return "\n".join(line.rstrip() for line in self._lines)

    def _plainly(self, text: str) -> str:
        """The fast way: nothing in the text moves the cursor but newlines."""
        first, newline, others = text.partition("\n")
        self._write(first)
        if newline:
            self._lines += others.split("\n")
            self._row, self._column, self._fresh = len(self._lines) - 1, len(self._lines[-1]), False
        return self._scrolled()

    def _scrolled(self) -> str:
        if len(self._lines[-1]) > LINE_CHARS:  # nobody rewrites this
            gone, self._lines = "\n".join(self._lines), [""]
            self._row, self._column, self._fresh = 0, 0, False
            return gone
        final = len(self._lines) - WINDOW
        if final <= 0:
            return ""
        gone = "".join(f"{line.rstrip()}\n" for line in self._lines[:final])
        del self._lines[:final]
        self._row = max(0, self._row - final)
        return gone

    def _take(self, token: re.Match[str]) -> None:
        if token["text"]:
            self._write(token["text"])
        elif token["move"]:
            self._move(token["move"], min(int(token["count"] or 0), _FAR))
        elif token["control"] == "\n":
            self._newline()
        elif token["control"] == "\r":
            self._column, self._fresh = 0, True
        elif token["control"] == "\b":
            self._column = max(0, self._column - 1)

    def _write(self, text: str) -> None:
        if not text:
            return
        line = "" if self._fresh else self._lines[self._row]
        before = line[: self._column].ljust(self._column)
        self._column += len(text)
        self._lines[self._row] = before + text + line[self._column :]
        self._fresh = False
        if self._row < len(self._lines) - 1:
            self._lines[self._row] = self._lines[self._row][:LINE_CHARS]

    def _newline(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append("")
        self._column, self._fresh = 0, True

    def _move(self, move: str, count: int) -> None:
        if move in "ABEF":
            row = self._row + (max(count, 1) if move in "BE" else -max(count, 1))
            self._row = min(max(0, row), len(self._lines) - 1)
            self._column = 0 if move in "EF" else self._column
        elif move in "CDG":
            column = {"C": self._column + max(count, 1), "D": self._column - max(count, 1), "G": count - 1}
            self._column, self._fresh = min(max(0, column[move]), _FAR), False
        elif move == "K" or (move == "J" and count < 2):
            self._erase(count)
            if move == "J" and count == 0:
                del self._lines[self._row + 1 :]
        else:  # a new screen, or another place on it: what was there is kept above
            self._row = len(self._lines) - 1
            if self._lines[-1]:
                self._newline()

    def _erase(self, how: int) -> None:
        line = self._lines[self._row]
        if how == 0:
            self._lines[self._row] = "" if self._fresh else line[: self._column]
        elif how == 1:
            self._lines[self._row] = line[self._column :].rjust(len(line))
        else:
            self._lines[self._row] = ""
