"""What a terminal sends for a key, as xterm does. Pure."""

from __future__ import annotations

PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
_PLAIN = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "escape": "\x1b",
    "space": " ",
    "ctrl+space": "\x00",
    "ctrl+at": "\x00",
    "ctrl+backslash": "\x1c",
    "ctrl+right_square_bracket": "\x1d",
    "ctrl+circumflex_accent": "\x1e",
    "ctrl+underscore": "\x1f",
    "ctrl+backspace": "\x08",
}
_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "end": "F", "home": "H"}
_LETTERS |= {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_NUMBERS = {"insert": 2, "delete": 3, "pageup": 5, "pagedown": 6, "f5": 15, "f6": 17, "f7": 18, "f8": 19}
_NUMBERS |= {"f9": 20, "f10": 21, "f11": 23, "f12": 24}
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4}


def code(key: str, character: str | None, *, application: bool = False) -> str:
    """The characters for a key as Textual names it; "" where a terminal sends nothing.

    `application` is the mode of the cursor keys that full-screen programs ask for.
    """
    if key in _PLAIN:
        return _PLAIN[key]
    *modifiers, name = key.split("+")
    if all(modifier in _MODIFIERS for modifier in modifiers):
        modifier = 1 + sum(_MODIFIERS[modifier] for modifier in set(modifiers))
        if name in _LETTERS:
            return _lettered(name, modifier, application)
        if name in _NUMBERS:
            return f"\x1b[{_NUMBERS[name]}" + (f";{modifier}~" if modifier > 1 else "~")
    if "ctrl" in modifiers and len(name) == 1 and name.isascii() and name.isalpha():
        return ("\x1b" if "alt" in modifiers else "") + chr(ord(name.lower()) & 0x1F)
    if character is None:
        return ""
    return f"\x1b{character}" if "alt" in modifiers else character


def _lettered(name: str, modifier: int, application: bool) -> str:
    letter = _LETTERS[name]
    if modifier > 1:
        return f"\x1b[1;{modifier}{letter}"
    return f"\x1bO{letter}" if application or name.startswith("f") else f"\x1b[{letter}"


def pasted(text: str, *, bracketed: bool) -> str:
    """Pasted text as it is typed; `bracketed` tells the program where it begins and ends."""
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not bracketed:
        return text
    return PASTE_START + text.replace("\x1b", "") + PASTE_END
