"""Escape sequences of a terminal's output, understood and handed to a screen; all others swallowed.

Titles, links, clipboard, pictures and queries of other kinds have no effect: nothing that a program
prints can do more than draw on its screen.
"""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+)"
    r"|(?:\x1b\[|\x9b)(?P<private>[<-?]?)(?P<given>[0-9:;]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|(?:\x1b(?P<string>[\]PX^_])|(?P<string1>[\x90\x98\x9d-\x9f]))"
    r"|\x1b(?P<charset>[ -/]*)(?P<escape>[0-OQ-WYZ\\`-~])"
    r"|(?P<malformed>(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[ -/]*)"
    r"|(?P<control>.)",
    re.DOTALL,
)
_FLOOD = re.compile(r"(?:[ -~]*\r\n){100,}")
_FLOOD_OF_PIPE = re.compile(r"(?:[ -~]*\r?\n){100,}")
_UNFINISHED = re.compile(r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[ -/]*)\Z")
_LONGEST = 256
_MOST_PARAMETERS = 32
_END_OF_CSI = re.compile(r"[^ -?]")
_END_OF_OSC = re.compile(r"[\x00-\x1f\x9c]")  # a title has one line: what broke off hides no more
_END_OF_STRING = re.compile(r"[\x07\x18\x1a\x1b\x9c]")

_CONTROLS = {
    "\b": "backspace",
    "\t": "tab",
    "\n": "linefeed",
    "\x0b": "linefeed",
    "\x0c": "linefeed",
    "\r": "carriage_return",
    "\x0e": "shift_out",
    "\x0f": "shift_in",
}
_ESCAPES = {
    "7": "save_cursor",
    "8": "restore_cursor",
    "D": "index",
    "E": "next_line",
    "H": "set_tab_stop",
    "M": "reverse_index",
    "c": "reset",
}
_CSI = {  # name of the method, most parameters
    "@": ("insert_characters", 1),
    "A": ("cursor_up", 1),
    "B": ("cursor_down", 1),
    "C": ("cursor_forward", 1),
    "D": ("cursor_back", 1),
    "E": ("cursor_down1", 1),
    "F": ("cursor_up1", 1),
    "G": ("cursor_to_column", 1),
    "H": ("cursor_position", 2),
    "I": ("tab", 0),
    "J": ("erase_in_display", 1),
    "K": ("erase_in_line", 1),
    "L": ("insert_lines", 1),
    "M": ("delete_lines", 1),
    "P": ("delete_characters", 1),
    "S": ("scroll_up", 1),
    "T": ("scroll_down", 1),
    "X": ("erase_characters", 1),
    "Z": ("back_tab", 1),
    "`": ("cursor_to_column", 1),
    "a": ("cursor_forward", 1),
    "b": ("repeat", 1),
    "c": ("report_device_attributes", 1),
    "d": ("cursor_to_line", 1),
    "e": ("cursor_down", 1),
    "f": ("cursor_position", 2),
    "g": ("clear_tab_stop", 1),
    "n": ("report_device_status", 1),
    "r": ("set_margins", 2),
    "s": ("save_cursor", 0),
    "u": ("restore_cursor", 0),
}


class Escapes:
    """Feeds one screen. What is cut between two pieces is put together again."""

    def __init__(self, screen: Any) -> None:
        self._screen = screen
        self._pending = ""
        self._string: re.Pattern[str] | None = None
        """What ends the string that is being swallowed."""

    def feed(self, text: str) -> None:
        text = self._pending + text
        self._pending = ""
        at = 0 if self._string else self._flood(text)
        while at < len(text):
            if self._string:
                at = self._swallow(text, at)
                continue
            token = _TOKEN.match(text, at)
            assert token is not None  # its last alternative takes anything
            if token["malformed"] and _UNFINISHED.match(text, at):
                if len(text) - at < _LONGEST:
                    self._pending = text[at:]
                else:
                    self._string = _END_OF_CSI
                return
            self._take(token)
            at = token.end()

    def _flood(self, text: str) -> int:
        """Where the text goes on after many plain lines, which need not be taken apart."""
        flood = (_FLOOD_OF_PIPE if self._screen.returns else _FLOOD).match(text)
        if flood is None:
            return 0
        self._screen.print_lines(flood[0].replace("\r", "").split("\n")[:-1])
        return flood.end()

    def _swallow(self, text: str, at: int) -> int:
        assert self._string is not None
        end = self._string.search(text, at)
        if end is None:
            return len(text)
        self._string = None
        return end.start() if end[0] in "\x1b\r\n" else end.end()

    def _take(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "text":
                self._screen.draw(token["text"])
            case "control":
                if name := _CONTROLS.get(token["control"]):
                    getattr(self._screen, name)()
            case "final":
                self._csi(token["private"], token["given"], token["between"], token["final"])
            case "escape":
                self._escape(token["charset"], token["escape"])
            case "string" | "string1":
                osc = token.group("string", "string1") in (("]", None), (None, "\x9d"))
                self._string = _END_OF_OSC if osc else _END_OF_STRING
            case _:
                pass

    def _escape(self, between: str, final: str) -> None:
        if not between and (name := _ESCAPES.get(final)):
            getattr(self._screen, name)()
        elif between in ("(", ")"):
            self._screen.define_charset(final, between)
        elif between == "#" and final == "8":
            self._screen.alignment_display()

    def _csi(self, private: str, given: str, between: str, final: str) -> None:
        if between or private not in ("", "?"):
            return
        fields = given.split(";")[:_MOST_PARAMETERS]
        if final == "m":
            if not private:
                self._screen.select_graphic_rendition(fields)
            return
        numbers = [min(int(field), 9999) if field.isdecimal() else 0 for field in (f[:9] for f in fields)]
        if final in "hl":
            for number in numbers:
                self._screen.switch(number, final == "h", private == "?")
        elif final in _CSI and (not private or final in "JK"):
            name, most = _CSI[final]
            getattr(self._screen, name)(*numbers[:most])
