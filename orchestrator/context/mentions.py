"""`@path` in a prompt: written and found. All pure.

A path stands bare (`@src/app.py`) or in quotes (`@"a b.py"`). In quotes a backslash takes the next
character as it is, `\\xHH` is a byte that is no UTF-8, `\\uHHHH` any character that cannot be seen.
"""

from __future__ import annotations

import re

BEFORE = r"(?:^|(?<=[\s(\[{<\"'`]))"
"""What may stand before the `@`."""
QUOTED = r'"((?:[^"\\]|\\.)*+)'
"""A path in quotes, the closing one not yet there."""
_MENTION = re.compile(rf'{BEFORE}@(?:{QUOTED}"|([^\s"]\S*))')
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4})|(.))")
_TRAILING = ".,;:!?'\"`"
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}


def mention(path: str) -> str:
    """The path as a mention, in quotes where it needs them."""
    bare = f"@{path}"
    return bare if path.isprintable() and mentions(bare) == [path] else f'@"{escaped(path)}"'


def mentions(text: str) -> list[str]:
    """The paths that a prompt mentions, each once, in order. They may not exist: `@property` is one, too.

    A path with bytes that are no UTF-8 holds surrogates, as `os.fsdecode` makes them.
    """
    found = (
        _bare(match[2]) if match[2] is not None else unescaped(match[1]) for match in _MENTION.finditer(text)
    )
    return list(dict.fromkeys(path for path in found if path))


def escaped(path: str) -> str:
    """The path as it stands in quotes: everything in it can be seen."""
    return "".join(_escape(char) for char in path)


def unescaped(text: str) -> str:
    return _ESCAPED.sub(_unescape, text)


def shown(path: str) -> str:
    """The path for a list: as it is, or escaped where a character of it cannot be seen."""
    return path if path.isprintable() else escaped(path)


def _escape(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _unescape(match: re.Match[str]) -> str:
    byte, short, long, literal = match.groups()
    if byte:
        code = int(byte, 16)
        return chr(code if code < 0x80 else 0xDC00 + code)
    return chr(int(short or long, 16)) if short or long else str(literal)


def _bare(text: str) -> str:
    """Without the punctuation of the sentence around it; brackets stay where they are closed."""
    while text:
        last = text[-1]
        opening = _CLOSING.get(last)
        if last not in _TRAILING and (opening is None or text.count(opening) >= text.count(last)):
            break
        text = text[:-1]
    return text
