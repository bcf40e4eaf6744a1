"""Colours and attributes that a program asks for (SGR), as a pen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.tui.emulator.cells import PLAIN, Pen

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 8: "hidden", 9: "strike"}
_ON |= {21: "underline"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 28: ("hidden",)}
_OFF |= {29: ("strike",), 39: ("fg",), 49: ("bg",)}


def drawn(pen: Pen, fields: Sequence[str]) -> Pen:
    """The pen after `CSI fields m`; a field may have parts, as in "38:2::255:0:0" or "4:3"."""
    rest = list(fields)
    while rest:
        parts = [_number(part) for part in rest.pop(0).split(":")]
        code = parts[0]
        if code in (38, 48):
            colour = _of_parts(parts[1:]) if len(parts) > 1 else _of_fields(rest)
            if colour:
                pen = _with(pen, {"fg" if code == 38 else "bg": colour})
        elif code == 58:  # the underline's colour is not drawn
            if len(parts) == 1:
                _of_fields(rest)
        elif code == 4 and len(parts) > 1:
            pen = pen._replace(underline=parts[1] > 0)
        else:
            pen = _simply(pen, code)
    return pen


def _simply(pen: Pen, code: int) -> Pen:
    if code == 0:
        return PLAIN
    if code in _ON:
        return _with(pen, {_ON[code]: True})
    if code in _OFF:
        return _with(pen, {name: getattr(PLAIN, name) for name in _OFF[code]})
    tens, unit = divmod(code, 10)
    if unit < 8 and tens in (3, 4, 9, 10):
        name = _NAMES[unit] if tens < 9 else f"bright_{_NAMES[unit]}"
        return _with(pen, {"fg" if tens in (3, 9) else "bg": name})
    return pen


def _with(pen: Pen, changes: Mapping[str, Any]) -> Pen:
    return pen._replace(**changes)


def _of_fields(rest: list[str]) -> str:
    """The colour after 38 or 48, taken off `rest`."""
    kind = _number(rest.pop(0)) if rest else 0
    wanted = {5: 1, 2: 3}.get(kind, 0)
    numbers = [_number(field) for field in rest[:wanted]]
    del rest[:wanted]
    return _colour(kind, numbers)


def _of_parts(parts: list[int]) -> str:
    """The same with colons; a colour space may stand before red, green and blue."""
    return _colour(parts[0], parts[-3:] if parts[0] == 2 else parts[1:2])


def _colour(kind: int, numbers: list[int]) -> str:
    if any(number > 255 for number in numbers):
        return ""
    if kind == 5 and len(numbers) == 1:
        return f"color({numbers[0]})"
    if kind == 2 and len(numbers) == 3:
        return "#{:02x}{:02x}{:02x}".format(*numbers)
    return ""


def _number(field: str) -> int:
    return int(field[:5]) if field[:5].isdecimal() else 0
